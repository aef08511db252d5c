"""Drawing the worst images with their labels and predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from superanimal.errors import SuperAnimalError
from superanimal.evaluation.cases import Cases
from superanimal.evaluation.pairing import Pairs
from superanimal.labels.images import read_pixels
from superanimal.labels.labelled_set import LabelledSet
from superanimal.video.drawing import PosePainter

SIDE = 420
"""Longest side of a drawn crop in pixels."""
MARGIN = 0.25
"""Margin around the points, as a fraction of their extent."""
SMALLEST = 0.3
"""Minimum side of the crop, as a fraction of the shorter image side, to show some surroundings."""


def draw_image(
    labels: LabelledSet, cases: Cases, pairs: Pairs, image: int, colors: Sequence[str]
) -> tuple[np.ndarray, bool]:
    """Draw one image: rings are labels, dots are predictions, a line joins each label to its prediction.

    Parameters
    ----------
    labels, cases, pairs
        The compared data.
    image
        Index of the image in the cases.
    colors
        One ``#rrggbb`` per keypoint.

    Returns
    -------
    picture : (h, w, 3) uint8 RGB
        The part of the image around the points.
    has_pixels : bool
        False if the image could not be read and the points are drawn on grey.
    """
    import cv2

    mine = pairs.image == image
    truth, predicted = pairs.truth[mine], pairs.predicted[mine]
    points = np.concatenate([truth.reshape(-1, 2), predicted.reshape(-1, 2)])
    points = points[np.isfinite(points).all(-1)]
    pixels = _pixels(labels, cases, image)
    limit = np.ceil(points.max(0)).astype(int) + 20 if pixels is None else np.array(pixels.shape[1::-1])
    corner, extent = _window(points, limit)
    scale = SIDE / max(extent)
    size = (max(1, round(extent[0] * scale)), max(1, round(extent[1] * scale)))
    if pixels is None:
        picture = np.full((size[1], size[0], 3), 70, np.uint8)
    else:
        part = pixels[corner[1] : corner[1] + extent[1], corner[0] : corner[0] + extent[0]]
        smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        picture = cv2.resize(np.ascontiguousarray(part), size, interpolation=smooth)

    truth, predicted = ((points - corner + 0.5) * scale - 0.5 for points in (truth, predicted))
    individuals = [""] * len(truth)
    painter = PosePainter(
        picture.shape[:2],
        cases.keypoints,
        individuals,
        colors=colors,
        color_by="keypoint",
        skeleton=False,
        radius=4.0,
    )
    painter.join(picture, truth, predicted)
    painter.draw(picture, truth, rings=np.ones(truth.shape[:2], dtype=bool))
    painter.draw(picture, predicted)
    return picture, pixels is not None


def _window(points: np.ndarray, limit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return corner and extent (x, y) of the part of an image to show: square if the image allows it."""
    low, high = points.min(0), points.max(0)
    side = max(float((high - low).max()) * (1 + 2 * MARGIN), SMALLEST * float(limit.min()), 8.0)
    extent = np.minimum(np.full(2, np.ceil(side)), limit).astype(int)
    corner = np.clip(np.rint((low + high - extent) / 2), 0, limit - extent).astype(int)
    return corner, extent


def _pixels(labels: LabelledSet, cases: Cases, image: int) -> np.ndarray | None:
    """Return the image from its file, else from the predicted video; None if neither is available."""
    for reference in (labels.images[int(cases.rows[image])], cases.frames[image]):
        if reference is not None:
            try:
                return read_pixels(reference)
            except SuperAnimalError:
                continue
    return None
