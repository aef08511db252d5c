"""Run a model on labelled animals, each in its own box, so that every prediction belongs to its animal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from superanimal.inference.boxes import pose_box
from superanimal.inference.crops import crop_windows, cut
from superanimal.inference.decode import decode
from superanimal.inference.views import View, consensus, mirror_of
from superanimal.labels.labelled_set import LabelledSet
from superanimal.progress import Progress

if TYPE_CHECKING:
    from superanimal.zoo import PoseModel


def predict_animals(
    model: PoseModel,
    labelled: LabelledSet,
    boxes: NDArray[np.float32],
    progress: Progress | None = None,
    *,
    views: Sequence[View] = (View(),),
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Predict each labelled animal in its own box.

    Parameters
    ----------
    boxes
        (M, 4) as x, y, width, height in pixels; animals with NaN are skipped.
    views
        Looks at each animal; of several, what they agree on.

    Returns
    -------
    xy : (M, K, 2) float32, confidence : (M, K) float32
        NaN where there is no box.
    """
    shape = (labelled.n_individuals, len(model.keypoints))
    xy, sure = np.full((*shape, 2), np.nan, np.float32), np.full(shape, np.nan, np.float32)
    usable = np.asarray(np.isfinite(boxes).all(1)) & (boxes[:, 2:] >= 1).all(1)
    mirror = mirror_of(model.keypoints)
    progress = progress or Progress()
    progress.start(len(labelled), f"asking {model.entry.name}", "images")
    for i in range(len(labelled)):
        progress.check()
        animals = labelled.animals_of(i)
        animals = animals[usable[animals]]
        if len(animals):
            pixels = labelled.pixels(i)
            seen = [_seen(model, pixels, boxes[animals], view, mirror) for view in views]
            points, confidence = seen[0]
            if len(seen) > 1:
                sizes = [pose_box(*each)[2:].prod() for each in zip(points, confidence, strict=True)]
                looks = [np.stack(each) for each in zip(*seen, strict=True)]
                points, confidence = consensus(looks[0], looks[1], np.sqrt(sizes))
            xy[animals], sure[animals] = points, confidence
        progress.advance()
    progress.finish()
    return xy, sure


def _seen(
    model: PoseModel,
    pixels: NDArray[np.uint8],
    boxes: NDArray[np.float32],
    view: View,
    mirror: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points (n, K, 2) and confidences (n, K) as one look at n boxes shows them."""
    windows = crop_windows(view.boxes(boxes), model.entry.input_size, model.entry.crop_margin)
    crops = [
        view.crop(cut(pixels, offset, extent, windows.size, antialias=True))
        for offset, extent in zip(windows.offset, windows.extent, strict=True)
    ]
    outputs = model.heads(np.stack(crops))
    points, confidence = decode(outputs, model.head, windows, subpixel=True)
    return view.undone(points, confidence, windows, mirror, model.head.pixel_shift)
