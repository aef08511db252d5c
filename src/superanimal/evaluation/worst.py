"""Drawing the worst images with their labels and predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from superanimal.errors import SuperAnimalError
from superanimal.evaluation.cases import Cases
from superanimal.evaluation.pairing import Pairs
from superanimal.labels.images import read_pixels
from superanimal.labels.labelled_set import LabelledSet
from superanimal.video.close_up import CloseUp
from superanimal.video.drawing import PosePainter


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
    mine = pairs.image == image
    truth, predicted = pairs.truth[mine], pairs.predicted[mine]
    points = np.concatenate([truth.reshape(-1, 2), predicted.reshape(-1, 2)])
    points = points[np.isfinite(points).all(-1)]
    pixels = _pixels(labels, cases, image)
    limit = np.ceil(points.max(0)).astype(int) + 20 if pixels is None else np.array(pixels.shape[1::-1])
    view = CloseUp.of(points, limit)
    if pixels is None:
        picture = np.full((*view.size[::-1], 3), 70, np.uint8)
    else:
        picture = view.picture(pixels)
    truth, predicted = view.place(truth), view.place(predicted)
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


def _pixels(labels: LabelledSet, cases: Cases, image: int) -> np.ndarray | None:
    """Return the image from its file, else from the predicted video; None if neither is available."""
    for reference in (labels.images[int(cases.rows[image])], cases.frames[image]):
        if reference is not None:
            try:
                return read_pixels(reference)
            except SuperAnimalError:
                continue
    return None
