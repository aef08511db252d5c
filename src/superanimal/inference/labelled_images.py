"""Run a model on labelled images of any sizes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from superanimal.errors import InputError
from superanimal.labels.labelled_set import LabelledSet
from superanimal.poses import make_poses, make_provenance
from superanimal.progress import Progress

if TYPE_CHECKING:
    from superanimal.zoo import DetectorModel, PoseModel

BOX_MARGIN = 20.0
"""Pixels added on each side of the labelled keypoints for a box, as in the SuperAnimal data sets."""
WINDOW = 16
"""Number of images of one size per batch."""


def predict_images(
    labels: LabelledSet,
    model: str | os.PathLike[str] | PoseModel,
    *,
    boxes: str = "detector",
    detector: str | os.PathLike[str] | DetectorModel | None = None,
    max_individuals: int | None = None,
    mode: str = "enhanced",
    device: str = "auto",
    scales: str | float | Sequence[float] | None = None,
    flip: bool = False,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Return the poses a model finds on the images of a labelled set, one row per image.

    Images are independent: no tracking, and no boxes carried from image to image.

    Parameters
    ----------
    labels
        Labelled set that provides the images (and the boxes, if requested).
    model
        Name in the catalogue, weight file, or loaded pose model.
    boxes
        ``"detector"`` finds the animals as in normal use; ``"labels"`` uses the labelled boxes (or the extent
        of the labelled keypoints plus 20 pixels), so that only the pose model is evaluated.
    detector
        Name, weight file or loaded detector; None takes the default of the pose model.
    max_individuals
        Maximum number of animals per image; by default the largest number labelled in one image.
    mode, device, scales, flip
        See :class:`superanimal.inference.Analyzer`.
    progress
        Shows progress and can cancel.

    Raises
    ------
    InputError, NotFoundError, ModelError, DeviceError
        Each with a remedy.
    """
    from superanimal.inference.analyzer import Analyzer
    from superanimal.inference.first_look import LOOKED_AT, Look

    if boxes not in ("detector", "labels"):
        raise InputError(f"boxes={boxes!r}", "boxes come from the detector or from the labels")
    fullest = int(np.bincount(labels.image_index, minlength=1).max()) if labels.n_individuals else 1
    given = _label_boxes(labels, fullest) if boxes == "labels" else None
    most = max_individuals or (max(fullest, 1))
    analyzer = Analyzer(
        model,
        detector=detector,
        max_individuals=most if given is None else max(fullest, 1),
        mode=mode,
        device=device,
        detector_every=1,
        track=False,
        scales=scales,
        flip=flip,
        whole_frame=given is not None,
    )
    most = analyzer.settings.max_individuals
    look = Look(search=analyzer.search.sizes) if analyzer.search else None
    progress = progress or Progress()
    if analyzer.settings.zoom:
        few = np.linspace(0, len(labels) - 1, min(LOOKED_AT, len(labels))).astype(int)
        sample = [labels.pixels(row) for row in few.tolist()]
        look = analyzer.closer(look or Look(), sample, labels.name, progress)
    estimator = analyzer.estimator(given, look)
    keypoints = analyzer.model.keypoints
    position = np.full((len(labels), 2, len(keypoints), most), np.nan, np.float32)
    confidence = np.full((len(labels), len(keypoints), most), np.nan, np.float32)
    found = np.full((len(labels), 4, most), np.nan, np.float32)
    scores = np.full((len(labels), most), np.nan, np.float32)
    progress.start(len(labels), title=analyzer.model.entry.name, unit="images")
    for rows, frames in _windows(labels):
        progress.check()
        stills = np.zeros(len(rows), dtype=bool)
        for row, animals in zip(rows, estimator.estimate(list(frames), np.array(rows), stills), strict=True):
            n = min(len(animals), most)
            position[row, :, :, :n] = animals.points[:n].transpose(2, 1, 0)
            confidence[row, :, :n] = np.clip(animals.confidence[:n].T, 0, 1)
            found[row, :, :n] = animals.boxes[:n].T
            scores[row, :n] = animals.scores[:n]
        progress.advance(len(rows))
    progress.finish()
    return make_poses(
        position,
        confidence,
        keypoints=keypoints,
        boxes=found,
        box_confidence=np.clip(scores, 0, 1),
        images=[image.label for image in labels.images],
        source_software="superanimal",
        provenance=make_provenance(
            "predict labelled images",
            model=analyzer.model.entry.name,
            weights=analyzer.model.digest(),
            boxes=boxes,
            detector=analyzer.detector.entry.name if analyzer.detector else None,
            settings=analyzer.settings.record(),
            look=look.record() if look else None,
        ),
    )


def _windows(labels: LabelledSet) -> Iterator[tuple[list[int], np.ndarray]]:
    """Yield runs of images of one size with their row numbers, frames (n, H, W, 3)."""
    rows: list[int] = []
    frames: list[np.ndarray] = []
    for row in range(len(labels)):
        pixels = labels.pixels(row)
        if frames and (pixels.shape != frames[0].shape or len(frames) == WINDOW):
            yield rows, np.stack(frames)
            rows, frames = [], []
        rows.append(row)
        frames.append(pixels)
    if frames:
        yield rows, np.stack(frames)


def _label_boxes(labels: LabelledSet, most: int) -> np.ndarray:
    """Return the labelled boxes (I, most, 4), NaN where there is none."""
    each = labels.boxes_or_extent(BOX_MARGIN)
    boxes = np.full((len(labels), most, 4), np.nan, np.float32)
    for row in range(len(labels)):
        mine = each[labels.animals_of(row)]
        boxes[row, : len(mine)] = mine
    return boxes
