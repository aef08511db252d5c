"""The boxes that labelled animals are cut out by: those the detector will give later, wherever it can.

Labels of four keypoints span less than the animal. A network trained on crops set by such labels would then
be asked about crops set by a detector, which spans the whole body: another scale. So an animal without a box
of its own gets the box of the detection that holds its labelled keypoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from superanimal.labels.labelled_set import LabelledSet
from superanimal.progress import Progress

if TYPE_CHECKING:
    from superanimal.zoo import DetectorModel

HELD = 0.5
"""A detection belongs to an animal when it holds at least this share of the labelled keypoints."""


def with_detected_boxes(
    labelled: LabelledSet, detector: DetectorModel, progress: Progress | None = None
) -> LabelledSet:
    """Return the data set with a box for every animal that had none and that the detector finds.

    Animals that it does not find keep no box; a note says how many.

    Parameters
    ----------
    labelled
        M animals; boxes that are there stay.
    detector
        Sees the images in which an animal lacks a box, one at a time.
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
        (found, scores), *_ = detector.detect([torch.from_numpy(labelled.pixels(i))])
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
    """Return which box belongs to which animal, one to one.

    Parameters
    ----------
    points
        (A, K, 2), NaN where not labelled.
    boxes
        (B, 4) as x1, y1, x2, y2.

    Returns
    -------
    list of (animal, box)
        Chosen so that the boxes hold as many labelled keypoints as possible, at least :data:`HELD` of each
        animal's; between boxes that hold as many, the smaller.
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
