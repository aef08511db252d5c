"""Which keypoint of a model is which of a labelled data set: by where they are, not by their names."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from superanimal.keypoints.conversion import ConversionTable, table_from_mapping
from superanimal.keypoints.labelled import LabelledSet
from superanimal.poses import KeypointSpace
from superanimal.progress import Progress

if TYPE_CHECKING:
    from superanimal.zoo import PoseModel

MIN_CONFIDENCE = 0.3
"""Predicted points below this confidence take no part."""
MAX_DISTANCE = 0.25
"""In body lengths: what it costs to leave a point of one image without counterpart."""
MIN_SCORE = 0.3
"""Pairs that fewer images agree on stay unmatched."""


@dataclass(frozen=True)
class Pair:
    """A keypoint of the user and the keypoint of the model that answers to it.

    Attributes
    ----------
    user, model
        The two names.
    score
        0..1: share of the images showing both in which they were assigned to each other.
    margin
        ``score`` less that of the strongest rival of either (-1..1); near 0 the choice is a toss-up.
    distance
        Median distance between the two in body lengths.
    images
        Number of animals in which both were seen: labelled, and predicted with confidence.
    offset : (2,) float64 or None
        Where the user's point lies seen from the model's, in body lengths in the animal's own frame: x
        forward, y to the animal's left. The systematic difference of the two definitions.
    interval : (2, 2) float64 or None
        Lower and upper limit of the 95 % bootstrap interval of ``offset``.
    """

    user: str
    model: str
    score: float
    margin: float
    distance: float
    images: int
    offset: np.ndarray | None = None
    interval: np.ndarray | None = None


@dataclass(frozen=True)
class Matching:
    """U keypoints of the user against K of the model.

    Attributes
    ----------
    pairs
        What belongs together, in the order of ``user_keypoints``; one to one.
    distance : (U, K) float64
        Mean distance in body lengths; NaN for two never seen together.
    frequency : (U, K) float64
        Share of the images showing both in which they were assigned to each other; 0 if never seen together.
    unmatched_user, unmatched_model
        Names without counterpart.
    warnings
        What a person should look at before trusting the table.
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
    facts: dict[str, Any] = field(default_factory=dict)

    def table(self, column: str) -> ConversionTable:
        """Return the pairs as a conversion table with one column of that name."""
        return table_from_mapping(
            column, {pair.user: pair.model for pair in self.pairs}, masters=self.model_keypoints
        )

    def save(self, folder: str | os.PathLike[str], *, column: str = "labels") -> list[Path]:
        """Write the table (csv), pairs (csv), everything (json) and both figures into a folder."""
        from superanimal.keypoints.matching_files import save

        return save(self, Path(folder), column)


def match(
    labels: LabelledSet,
    model: str | os.PathLike[str] | PoseModel,
    *,
    boxes: str = "labels",
    min_confidence: float = MIN_CONFIDENCE,
    max_distance: float = MAX_DISTANCE,
    min_score: float = MIN_SCORE,
    seed: int = 0,
    progress: Progress | None = None,
    **model_options: Any,
) -> Matching:
    """Run a model on labelled images and find which of its keypoints are those of the labels."""
    raise NotImplementedError


def match_predictions(
    labels: LabelledSet,
    predictions: xr.Dataset,
    space: KeypointSpace | None = None,
    *,
    min_confidence: float = MIN_CONFIDENCE,
    max_distance: float = MAX_DISTANCE,
    min_score: float = MIN_SCORE,
    seed: int = 0,
) -> Matching:
    """Find which keypoints of predictions are those of the labels; one prediction row per labelled image."""
    raise NotImplementedError
