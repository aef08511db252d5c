"""Where each of two look-alike keypoints may be: the highest peaks of their heatmaps taken together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from superanimal.inference.crops import CropWindows
from superanimal.inference.decode import (
    Maps,
    argmax,
    calibrated,
    centroid,
    single,
    softmax,
    to_numpy,
    values_around,
)

if TYPE_CHECKING:
    from superanimal.zoo import HeadSpec

PEAKS = 3
"""Places a pair may be at."""
APART = 3
"""Cells between two peaks, along x or y, at least."""
PLACE, MASS, SURE = slice(0, 2), slice(2, 4), slice(4, 6)
"""Columns of a peak: x, y; probability of the left and of the right keypoint there; confidence of each, were
it there for certain."""


def pair_peaks(
    outputs: Mapping[str, Maps], head: HeadSpec, windows: CropWindows, pairs: np.ndarray
) -> np.ndarray:
    """Return the peaks (n, P, PEAKS, 6) of pairs of keypoints, see :data:`PLACE`; the highest first.

    Parameters
    ----------
    outputs
        Raw maps of a network with soft-max heatmaps: ``heatmap`` (n, K, h, w), perhaps ``visibility`` (n, K).
    head
        What the maps mean.
    windows
        Where the n crops lie.
    pairs
        Shape (P, 2): channels of the left and the right keypoint.
    """
    logits = single(outputs["heatmap"])[:, pairs.ravel()]
    number, _, height, width = logits.shape
    maps = to_numpy(softmax(logits.reshape(number, 2 * len(pairs), height * width)))
    maps = maps.reshape(number, len(pairs), 2, height * width)
    left, right = maps[:, :, 0], maps[:, :, 1]
    both = (left + right) / 2
    free = both.copy()
    rows, columns = np.divmod(np.arange(height * width), width)
    peaks = np.zeros((number, len(pairs), PEAKS, 6))
    for i in range(PEAKS):
        peak = argmax(free)
        cell = np.stack([peak % width, peak // width], axis=-1)
        around = values_around(both, cell, height, width)
        place = windows.to_image((cell + 0.5 + centroid(around)) * head.stride) - head.pixel_shift
        mass = [values_around(side, cell, height, width).sum((-2, -1)) for side in (left, right)]
        peaks[:, :, i, PLACE], peaks[:, :, i, MASS] = place, np.stack(mass, axis=-1)
        taken = (abs(columns - cell[..., :1]) <= APART) & (abs(rows - cell[..., 1:]) <= APART)
        free[taken] = 0.0
    certain = np.clip(peaks[..., MASS].sum(-1), 0.0, 1.0)
    seen = outputs.get("visibility")
    for side, column in enumerate(range(*SURE.indices(6))):
        visible = None if seen is None else seen[:, pairs[:, side], None]
        peaks[..., column] = calibrated(certain, visible, head.calibration)
    return peaks
