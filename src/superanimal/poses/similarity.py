"""How alike two poses or boxes are: OKS and IoU."""

from __future__ import annotations

import numpy as np

from superanimal.poses import KeypointSpace


def oks(distance: np.ndarray, area: np.ndarray, space: KeypointSpace) -> np.ndarray:
    """Return the object keypoint similarity of each animal (COCO).

    Parameters
    ----------
    distance
        Shape (n, K), pixels; NaN where unlabelled.
    area
        Shape (n,), square pixels.
    space
        Gives the K constants.

    Returns
    -------
    numpy.ndarray
        Shape (n,), mean over the labelled keypoints of exp(-d^2 / (2 area (2 sigma)^2)); NaN without any.
    """
    scale = 2 * np.maximum(area, 1)[:, None] * (2 * space.sigmas) ** 2
    each = np.exp(-(distance**2) / scale)
    count = np.isfinite(each).sum(1)
    return np.where(count > 0, np.nansum(each, 1) / np.maximum(count, 1), np.nan)
