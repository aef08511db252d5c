"""Bounding boxes for cropping labelled animals: those of the detector, if it finds the animal.

Four labelled keypoints span less than the animal. A network trained on crops based on such labels would later
be applied to crops from a detector, which span the whole body, at a different scale. An animal without a
labelled box therefore gets the detected box that contains its labelled keypoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from superanimal.labels.labelled_set import LabelledSet
from superanimal.progress import Progress

if TYPE_CHECKING:
    from superanimal.zoo import DetectorModel

HELD = 0.5
"""A detection belongs to an animal if it contains at least this fraction of its labelled keypoints."""


def with_detected_boxes(
    labelled: LabelledSet, detector: DetectorModel, progress: Progress | None = None
) -> LabelledSet:
    """Return the data set with detected boxes for animals without a box.

    Animals not found by the detector stay without a box; a note gives their number.

    Parameters
    ----------
    labelled
        M animals; existing boxes are kept.
    detector
        Detector, applied to the images with an animal without a box, one at a time.
    """
    boxes = labelled.boxes.copy()
    wanted = np.asarray(~np.isfinite(boxes).all(1)) & labelled.labelled.any(1)
    images = np.unique(labelled.image_index[wanted]).tolist()
    progress = progress or Progress()
    progress.start(len(images), "finding the animals", "images")
    for i in images:
        progress.check()
        animals = labelled.animals_of(i)
        animals = animals[wanted[animals]]
        (found, scores), *_ = detector.detect([labelled.pixels(i)])
        found = found[scores >= detector.entry.threshold]
        for row, choice in assign_boxes(labelled.xy[animals], found):
            x0, y0, x1, y1 = found[choice]
            boxes[animals[row]] = x0, y0, x1 - x0, y1 - y0
        progress.advance()
    progress.finish()
    lost = int((wanted & ~np.isfinite(boxes).all(1)).sum())
    note = f"{detector.entry.name} did not find {lost} of {int(wanted.sum())} labelled animals"
    return labelled.with_columns(boxes=boxes, notes=labelled.notes + ((note,) if lost else ()))


def assign_boxes(points: NDArray[np.floating], boxes: NDArray[np.floating]) -> list[tuple[int, int]]:
    """Assign boxes to animals, one to one.

    Parameters
    ----------
    points
        (A, K, 2), NaN where not labelled.
    boxes
        (B, 4) as x1, y1, x2, y2.

    Returns
    -------
    list of (animal, box)
        Chosen so that the boxes contain as many labelled keypoints as possible, at least :data:`HELD` of
        those of each animal; of boxes with equally many, the smaller one.
    """
    if not len(points) or not len(boxes):
        return []
    known = np.isfinite(points).all(-1)
    inside = (
        (points[:, None] >= boxes[None, :, None, :2]) & (points[:, None] <= boxes[None, :, None, 2:])
    ).all(-1)
    share = (inside & known[:, None]).sum(-1) / np.maximum(known.sum(-1), 1)[:, None]
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    rows, columns = linear_sum_assignment(share - 1e-3 * area / area.max(), maximize=True)
    return [(int(a), int(b)) for a, b in zip(rows, columns, strict=True) if share[a, b] >= HELD]
