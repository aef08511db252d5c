"""The result of a matching: pairs of keypoints, with the evidence for and against them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from superanimal.keypoints.conversion_table import ConversionTable, table_from_mapping
from superanimal.poses.animal_frame import Shape


@dataclass(frozen=True)
class Pair:
    """A user keypoint and the corresponding model keypoint.

    Attributes
    ----------
    user, model
        The two names.
    score
        Fraction (0..1) of the images with both in which they were assigned to each other.
    margin
        ``score`` minus that of the strongest rival of either (-1..1); near 0 the choice is a toss-up.
    distance
        Median distance between the two in body lengths.
    images
        Number of animals with both: labelled, and predicted with sufficient confidence.
    offset : (2,) float64 or None
        Offset from the model's to the user's point, in body lengths in the animal's own frame: x forward, y
        to the animal's left (up for animals seen from both sides). The systematic difference between the two
        definitions.
    interval : (2, 2) float64 or None
        Lower and upper limit of the 95 % bootstrap interval of ``offset``.
    by_name
        Whether the name (or synonym) decided although the position suggested another keypoint; see
        :func:`match_predictions`.
    """

    user: str
    model: str
    score: float
    margin: float
    distance: float
    images: int
    offset: np.ndarray | None = None
    interval: np.ndarray | None = None
    by_name: bool = False


@dataclass(frozen=True)
class Matching:
    """A matching of U user keypoints with K model keypoints.

    Attributes
    ----------
    pairs
        Matched keypoints, one to one, in the order of ``user_keypoints``.
    distance : (U, K) float64
        Mean distance in body lengths; NaN for keypoints never seen together.
    frequency : (U, K) float64
        Fraction of the images with both in which they were assigned to each other; 0 if never seen together.
    unmatched_user, unmatched_model
        Names without a counterpart.
    warnings
        Points to check before trusting the table.
    shape
        The typical pose of the model's keypoints, which defines the frame of the offsets.
    facts
        Counts, settings and provenance.
    """

    user_keypoints: tuple[str, ...]
    model_keypoints: tuple[str, ...]
    pairs: tuple[Pair, ...]
    distance: np.ndarray
    frequency: np.ndarray
    unmatched_user: tuple[str, ...]
    unmatched_model: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    shape: Shape | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def table(self, column: str) -> ConversionTable:
        """Return the pairs as a conversion table with one column of that name."""
        return table_from_mapping(
            column, {pair.user: pair.model for pair in self.pairs}, masters=self.model_keypoints
        )
