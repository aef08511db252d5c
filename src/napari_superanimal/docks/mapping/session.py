"""State of the form "Keypoint mapping": labels, the mapping being edited, and the result of a matching."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from superanimal.errors import SuperAnimalError
from superanimal.inference.labelled_images import BOX_MARGIN
from superanimal.keypoints.mapping import NOT_MAPPED, KeypointMapping
from superanimal.keypoints.matching.support import Doubt, support_of

if TYPE_CHECKING:
    import xarray as xr

    from superanimal.keypoints.matching.result import Matching
    from superanimal.labels.labelled_set import LabelledSet

AFTER_MATCH = "Press Auto-match to show the model's keypoints here."
WITHOUT_MODEL = "A keypoint space has no image. Map keypoints in the table, or choose a model above."


@dataclass
class Session:
    """Labels and a model or keypoint space.

    Attributes
    ----------
    labels
        The labelled images shown and matched.
    mapping
        The mapping being edited.
    title
        Name of the model or space.
    can_match
        Whether there is a model to match.
    matching, predictions
        Result of the matching; None before it.
    """

    labels: LabelledSet
    mapping: KeypointMapping
    title: str
    can_match: bool = True
    matching: Matching | None = None
    predictions: xr.Dataset | None = None
    _decoded: tuple[int, np.ndarray | None, str] = field(default=(-1, None, ""), repr=False)

    @cached_property
    def animals(self) -> np.ndarray:
        """Rows of the labelled animals, image by image."""
        rows = np.argsort(self.labels.image_index, kind="stable")
        return np.asarray(rows[self.labels.labelled[rows].any(axis=1)])

    def take(self, matching: Matching, predictions: xr.Dataset) -> None:
        """Adopt the result of a matching, as one edit of the mapping."""
        self.matching, self.predictions = matching, predictions
        self.mapping.propose({pair.user: pair.model for pair in matching.pairs})

    def doubtful(self) -> frozenset[str]:
        """Return the keypoints whose pair needs checking; being unmapped is not a reason."""
        return frozenset(
            keypoint
            for keypoint, doubts in self.mapping.warnings(self.matching).items()
            if any(doubt.kind != NOT_MAPPED for doubt in doubts)
        )

    def rows(self) -> list[PairRow]:
        """Return the rows of the table of pairs."""
        mapping, doubts = self.mapping, self.mapping.warnings(self.matching)
        rows = []
        for keypoint in mapping.keypoints:
            target = mapping.target(keypoint)
            support = support_of(self.matching, keypoint, target) if self.matching and target else None
            rows.append(
                PairRow(
                    keypoint=keypoint,
                    target=target,
                    new=target in mapping.added,
                    score=support.score if support else None,
                    margin=support.margin if support else None,
                    doubts=tuple(doubts.get(keypoint, ())),
                    conflict=target in mapping.conflicts,
                )
            )
        return rows

    def picture(self, row: int) -> Picture:
        """Return the image of a labelled animal (a row of the labels) with both sets of points."""
        labels, space = self.labels, self.mapping.space
        marked = labels.labelled[row]
        mine = {
            name: (float(x), float(y))
            for name, (x, y), seen in zip(labels.keypoints, labels.xy[row], marked, strict=True)
            if seen
        }
        model, confidence = self._predicted(row)
        image, trouble = self._pixels(int(labels.image_index[row]))
        targets = {name: target for name in labels.keypoints if (target := self.mapping.target(name))}
        return Picture(
            image=image,
            mine=mine,
            model=model,
            confidence=confidence,
            targets=targets,
            doubtful=self.doubtful(),
            colors=dict(zip(space.keypoints, space.colors, strict=True)),
            edges=space.edges,
            titles=("Your labels", self.title),
            note=trouble or (AFTER_MATCH if self.can_match else WITHOUT_MODEL),
        )

    def _predicted(self, row: int) -> tuple[dict[str, tuple[float, float]], dict[str, float]]:
        """Return position and confidence of the model keypoints for one labelled animal."""
        if self.predictions is None:
            return {}, {}
        here = self.predictions.isel(time=int(self.labels.image_index[row]))
        apart = np.abs(here["boxes"].values.T - self.labels.boxes_or_extent(BOX_MARGIN)[row]).sum(axis=1)
        if np.isnan(apart).all():
            return {}, {}
        here = here.isel(individual=int(np.nanargmin(apart)))  # the model was run in the box of each animal
        points = dict(zip(here["keypoint"].values.tolist(), here["position"].values.T, strict=True))
        sure = dict(zip(here["keypoint"].values.tolist(), here["confidence"].values.tolist(), strict=True))
        found = {name: (float(x), float(y)) for name, (x, y) in points.items() if np.isfinite([x, y]).all()}
        return found, {name: sure[name] for name in found}

    def _pixels(self, image: int) -> tuple[np.ndarray | None, str]:
        """Return the image and an empty text, or None and the reason; the last image is cached."""
        if self._decoded[0] != image:
            try:
                self._decoded = (image, self.labels.pixels(image), "")
            except SuperAnimalError as error:
                self._decoded = (image, None, error.text("viewer"))
        return self._decoded[1:]


MINE, MODEL = "mine", "model"


Point = tuple[float, float]


@dataclass
class Picture:
    """The data to draw.

    Attributes
    ----------
    image
        (H, W, 3) uint8, or None.
    mine, model
        Position (x, y) of each point in pixels of the image, by name.
    confidence
        Confidence (0..1) of each model keypoint; low values are drawn fainter.
    targets
        Model keypoint by user keypoint; unmapped keypoints are omitted.
    doubtful
        User keypoints whose pair needs checking.
    colors
        Colour of each model keypoint, ``#rrggbb``.
    edges
        Skeleton edges, as pairs of model keypoints.
    titles
        Headings of the two sides.
    note
        Text shown instead of the model keypoints while there are none.
    """

    image: np.ndarray | None = None
    mine: Mapping[str, Point] = field(default_factory=dict)
    model: Mapping[str, Point] = field(default_factory=dict)
    confidence: Mapping[str, float] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    doubtful: frozenset[str] = frozenset()
    colors: Mapping[str, str] = field(default_factory=dict)
    edges: tuple[tuple[str, str], ...] = ()
    titles: tuple[str, str] = ("Your labels", "Model")
    note: str = ""

    def points(self, side: str) -> Mapping[str, Point]:
        """Return the points of a side."""
        return self.mine if side == MINE else self.model


@dataclass(frozen=True)
class PairRow:
    """One row: names, figures (None if unknown) and doubts."""

    keypoint: str
    target: str
    new: bool = False
    score: float | None = None
    margin: float | None = None
    doubts: tuple[Doubt, ...] = ()
    conflict: bool = False
