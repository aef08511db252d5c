"""Stability of predictions over a video, without labels.

Definitions follow the SuperAnimal paper (Ye et al. 2024): jitter is the mean over keypoints and both axes of
the absolute change from one frame to the next; body size is the square root of the area of the convex hull of
the keypoints; keypoint dropping counts the keypoints below a confidence.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.spatial import ConvexHull, QhullError


def jitter(poses: xr.Dataset) -> np.ndarray:
    """Return the jitter of every frame and individual, shape (time, individual), in pixels.

    NaN for the first frame, after a gap in the frame numbers, and where no keypoint is present in both
    frames.

    Examples
    --------
    >>> import numpy as np
    >>> from superanimal.poses import make_poses
    >>> position = np.zeros((3, 2, 1, 1))
    >>> position[2] = 2.0  # two pixels along x and y in the last frame
    >>> jitter(make_poses(position, keypoints=["nose"])).ravel()
    array([nan,  0.,  2.])
    """
    position = poses["position"].values.astype(float)  # (T, 2, K, N)
    change = np.full_like(position, np.nan)
    change[1:] = np.abs(np.diff(position, axis=0))
    change[~_consecutive(poses)] = np.nan
    known = np.isfinite(change)
    count = known.sum((1, 2))
    total = np.where(known, change, 0).sum((1, 2))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def body_size(poses: xr.Dataset) -> np.ndarray:
    """Return the square root of the area of the keypoints' convex hull, (time, individual), in pixels.

    NaN with fewer than three keypoints.
    """
    position = poses["position"].values.astype(float).transpose(0, 3, 2, 1)
    sizes = np.full(position.shape[:2], np.nan)
    for t, n in np.ndindex(*sizes.shape):
        points = position[t, n][np.isfinite(position[t, n]).all(-1)]
        if len(points) >= 3:
            try:
                sizes[t, n] = np.sqrt(ConvexHull(points).volume)  # the "volume" of a flat hull is its area
            except QhullError:  # collinear points
                sizes[t, n] = 0.0
    return sizes


def dropped(poses: xr.Dataset, cutoff: float) -> np.ndarray:
    """Return how many keypoints of each animal are absent or below a confidence, (time, individual).

    NaN where the animal was not found at all.
    """
    present = np.isfinite(poses["position"].values).all(1)  # (T, K, N)
    confidence = poses["confidence"].values
    low = ~present | (np.isfinite(confidence) & (confidence < cutoff))
    return np.where(present.any(1), low.sum(1), np.nan)


def stability(poses: xr.Dataset, cutoff: float) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Return stability figures for the predictions of a video, and the series they summarise.

    Parameters
    ----------
    poses
        Predictions of a video, consecutive frames.
    cutoff
        Confidence below which a keypoint counts as dropped.

    Returns
    -------
    figures
        Mean, median and 95th percentile of the jitter; mean absolute change of the body size from frame to
        frame, in pixels and as a fraction of the median size; dropped keypoints per animal and frame.
    series
        ``frame`` (T,), ``jitter_px``, ``body_size_px`` and ``dropped`` (T,), means over the individuals.
    """
    shakes, sizes, lost = jitter(poses), body_size(poses), dropped(poses, cutoff)
    change = np.full_like(sizes, np.nan)
    change[1:] = np.abs(np.diff(sizes, axis=0))
    change[~_consecutive(poses)] = np.nan
    found = np.isfinite(poses["position"].values).all(1).any((1, 2))
    size_change = _mean(change)
    median_size = float(np.nanmedian(sizes)) if np.isfinite(sizes).any() else float("nan")
    known = shakes[np.isfinite(shakes)]
    figures = {
        "jitter_mean_px": _mean(shakes),
        "jitter_median_px": float(np.median(known)) if known.size else float("nan"),
        "jitter_p95_px": float(np.percentile(known, 95)) if known.size else float("nan"),
        "body_size_change_px": size_change,
        "body_size_change_relative": size_change / median_size if median_size else float("nan"),
        "dropped_keypoints_mean": _mean(lost),
        "dropped_keypoints_max": float(np.nanmax(lost)) if np.isfinite(lost).any() else float("nan"),
        "frames": float(len(found)),
        "frames_without_animal": float((~found).sum()),
    }
    series = {
        "frame": poses["frame"].values,
        "jitter_px": _row_mean(shakes),
        "body_size_px": _row_mean(sizes),
        "dropped": _row_mean(lost),
    }
    return figures, series


def is_video(poses: xr.Dataset) -> bool:
    """Whether a data set holds consecutive frames of a video; labelled images do not."""
    return "image" not in poses.coords and bool(_consecutive(poses)[1:].any())


def _consecutive(poses: xr.Dataset) -> np.ndarray:
    """Whether each row is the frame directly after that of the previous row, shape (T,)."""
    after = np.zeros(poses.sizes["time"], dtype=bool)
    after[1:] = np.diff(poses["frame"].values) == 1
    return after


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _row_mean(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    return np.where(known.any(1), np.where(known, values, 0).sum(1) / np.maximum(known.sum(1), 1), np.nan)
