"""Similarity of poses and boxes: OKS, IoU, and boxes that are the same."""

from __future__ import annotations

import numpy as np


def oks(distance: np.ndarray, area: np.ndarray | float, sigmas: np.ndarray) -> np.ndarray:
    """Return the object keypoint similarity of poses, as COCO defines it.

    Parameters
    ----------
    distance : (n, K)
        Distance in pixels between the two positions of each keypoint; NaN if one of them is absent.
    area : (n,) or number
        Area of the animals in square pixels; at least 1.
    sigmas : (K,)
        Tolerance of each keypoint, see :attr:`superanimal.poses.KeypointSpace.sigmas`.

    Returns
    -------
    (n,)
        Mean of exp(-d^2 / (2 area (2 sigma)^2)) over the keypoints present; NaN without any.

    Examples
    --------
    >>> oks(np.array([[0.0, np.nan], [10.0, 0.0]]), 400.0, np.array([0.1, 0.1])).round(2)
    array([1.  , 0.52])
    """
    scale = 2 * np.maximum(np.asarray(area), 1)[..., None] * (2 * sigmas) ** 2
    each = np.exp(-(distance**2) / scale)
    count = np.isfinite(each).sum(-1)
    return np.where(count > 0, np.nansum(each, -1) / np.maximum(count, 1), np.nan)


def iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the intersection over union (n, m) of boxes (n, 4) and (m, 4) as x, y, width, height."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum((first[:, :2] + first[:, 2:])[:, None], (second[:, :2] + second[:, 2:])[None])
    shared = np.prod(np.clip(high - low, 0, None), axis=-1)
    areas = np.prod(first[:, 2:], axis=-1)[:, None] + np.prod(second[:, 2:], axis=-1)[None]
    return shared / np.maximum(areas - shared, 1e-12)


def suppress(xyxy: np.ndarray, scores: np.ndarray, overlap: float) -> np.ndarray:
    """Return which boxes (n, 4) stay when the weaker of two with an IoU above ``overlap`` goes, best first.

    Parameters
    ----------
    xyxy : (n, 4)
        x1, y1, x2, y2.
    scores : (n,)
        Of equal ones the first is the better one.
    overlap
        0..1.
    """
    xywh = np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)
    shared = iou(xywh, xywh)
    kept: list[int] = []
    for i in np.argsort(-np.asarray(scores), kind="stable").tolist():
        if not kept or shared[i, kept].max() <= overlap:
            kept.append(i)
    return np.array(kept, dtype=int)
