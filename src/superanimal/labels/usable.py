"""The usable part of a labelled data set: readable images, with the points and boxes within them.

A typing error in a table (x = 5000 in an image of 320 pixels) or a moved image must neither train a network
nor stop everything else. Unusable items are left out, and a note lists them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from superanimal.errors import NotFoundError, SuperAnimalError
from superanimal.labels.images import picture_size
from superanimal.labels.labelled_set import UNDEFINED, LabelledSet
from superanimal.progress import Progress

TOLERANCE = 1.0
"""Pixels that a label may lie beyond the image border, as a click on the border may; (-1, -1), which some
programs write for an absent point, is outside."""
LARGEST_BOX = 10.0
"""Maximum side of a plausible box, in multiples of that of its image."""
NAMED = 8
"""Number of entries listed individually."""


def usable(labelled: LabelledSet, progress: Progress | None = None) -> LabelledSet:
    """Return the usable part of a data set, with a note on what was left out.

    Left out are images that cannot be read, or that have another size than the labels say, with their labels;
    points outside their image, which become
    undefined (-1); and boxes beside their image or of absurd size (NaN). Only headers of image files are
    read.

    Parameters
    ----------
    labelled
        M animals on I images.

    Raises
    ------
    NotFoundError
        When not one of the images can be used.
    """
    sizes, missing, other = _sizes(labelled, progress or Progress())
    missing |= other
    if missing:
        listed = _listed([f"{labelled.images[i].label} ({why})" for i, why in missing.items()])
        if len(missing) == len(labelled):
            raise NotFoundError(
                f"{labelled.name}: none of the {len(labelled)} images can be used: {listed}",
                remedy="move the images to the paths given in the labels",
            )
        note = f"{len(missing)} of {len(labelled)} images cannot be used and are left out: {listed}"
        kept = np.setdiff1d(np.arange(len(labelled)), list(missing))
        labelled, sizes = labelled.subset(kept).with_columns(notes=(*labelled.notes, note)), sizes[kept]
    return _within(labelled, sizes)


def within_images(labelled: LabelledSet, progress: Progress | None = None) -> LabelledSet:
    """Return the data set without points and boxes outside their images, with a note.

    As :func:`usable`, but all images stay, and a note names those of another size; where nothing tells the
    size of one, nothing lies outside it.
    """
    sizes, _, other = _sizes(labelled, progress or Progress())
    if other:
        listed = _listed([f"{labelled.images[i].label} ({why})" for i, why in other.items()])
        note = f"images of another size than when they were labelled, so labels lie elsewhere: {listed}"
        labelled = labelled.with_columns(notes=(*labelled.notes, note))
    return _within(labelled, sizes)


def _within(labelled: LabelledSet, sizes: NDArray[np.float64]) -> LabelledSet:
    """Return the data set without items outside its images; ``sizes`` (I, 2) in pixels, NaN if unknown."""
    notes = []
    size = sizes[labelled.image_index]
    beyond = _points_outside(labelled, size)
    if beyond.any():
        listed = _listed([_place(labelled, m, k, size) for m, k in np.argwhere(beyond).tolist()])
        notes.append(f"labels outside their image, left out: {listed}")
        labelled = labelled.with_columns(
            xy=np.where(beyond[..., None], np.nan, labelled.xy),
            visibility=np.where(beyond, UNDEFINED, labelled.visibility),
        )
    wrong = _boxes_outside(labelled, size)
    if wrong.any():
        listed = _listed([labelled.images[labelled.image_index[m]].label for m in np.flatnonzero(wrong)])
        notes.append(f"boxes outside their image or far larger, left out: {listed}")
        labelled = labelled.with_columns(boxes=np.where(wrong[:, None], np.nan, labelled.boxes))
    return labelled.with_columns(notes=(*labelled.notes, *notes)) if notes else labelled


def _sizes(
    labelled: LabelledSet, progress: Progress
) -> tuple[NDArray[np.float64], dict[int, str], dict[int, str]]:
    """Return (width, height) of each image, (I, 2), why some cannot be read, and which have another size."""
    from superanimal.labels.writing.job import is_file, size_of

    other: dict[int, str] = {}
    sizes = np.full((len(labelled), 2), np.nan)
    missing: dict[int, str] = {}
    of_video: dict[str, tuple[int, int]] = {}
    progress.start(len(labelled), "checking the images", "images")
    for i, image in enumerate(labelled.images):
        progress.check()
        try:
            if not Path(image.path).exists():
                missing[i] = "missing"
                sizes[i] = (image.width, image.height) if image.width and image.height else np.nan
            elif image.frame is None or image.inside:
                sizes[i] = size_of(image)
                if is_file(image) and (real := picture_size(Path(image.path), image.label)) != tuple(
                    sizes[i]
                ):
                    other[i] = "{} x {} pixels, the labels say {:.0f} x {:.0f}".format(*real, *sizes[i])
            else:  # frames of one video have one size
                if image.path not in of_video:
                    height, width = labelled.pixels(i).shape[:2]
                    of_video[image.path] = width, height
                sizes[i] = of_video[image.path]
        except SuperAnimalError as error:
            missing[i] = "missing" if isinstance(error, NotFoundError) else "not an image"
        progress.advance()
    progress.finish()
    return sizes, missing, other


def _points_outside(labelled: LabelledSet, size: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which labelled points (M, K) are outside their image of the given ``size`` (M, 2)."""
    limits = size[:, None] - 1 + TOLERANCE
    with np.errstate(invalid="ignore"):
        beyond = np.isfinite(limits) & ((labelled.xy <= -TOLERANCE) | (labelled.xy > limits))
    return np.asarray(labelled.labelled & beyond.any(-1))


def _boxes_outside(labelled: LabelledSet, size: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which boxes (M,) do not overlap their image or are implausibly large."""
    corner, extent = labelled.boxes[:, :2].astype(float), labelled.boxes[:, 2:].astype(float)
    with np.errstate(invalid="ignore"):
        beside = (np.isfinite(size) & ((corner >= size) | (corner + extent <= 0))).any(1)
        absurd = (extent > LARGEST_BOX * size).any(1)
    return np.asarray(beside | absurd)


def _place(labelled: LabelledSet, m: int, k: int, size: NDArray[np.float64]) -> str:
    x, y = labelled.xy[m, k].tolist()
    image = labelled.images[int(labelled.image_index[m])].label
    width, height = size[m].astype(int).tolist()
    return f"{labelled.keypoints[k]} at ({x:.6g}, {y:.6g}) in {image} ({width} x {height} pixels)"


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - NAMED
    return "; ".join(texts[:NAMED]) + (f"; and {more} more" if more > 0 else "")
