"""Filters over time: what pseudo-labels must agree with, and what adaptation is compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

WINDOW_S = 0.1
"""Half the width in seconds of the local fit: an animal's course is a parabola for so long."""
FEWEST = 3
"""Frames on either side of the local fit at least."""
MEDIAN = 5
"""Frames of the median filter."""
RATIOS = tuple(10.0 ** np.arange(-4, 3))
"""Process noise over measurement noise, per frame, tried by the Kalman filter; the likeliest is taken."""


def neighbours_fit(values: np.ndarray, weights: np.ndarray, frames: np.ndarray, fps: float) -> np.ndarray:
    """Return what the frames before and after say about each frame, the frame itself left out.

    A parabola through the neighbours within :data:`WINDOW_S`, weighted.

    Parameters
    ----------
    values : (T, C)
        Coordinates; NaN where unknown.
    weights : (T, C)
        How much each counts, 0 or more.
    frames : (T,)
        Frame numbers; rows are neighbours by their frames, so that gaps are respected.
    fps
        Frames per second.

    Returns
    -------
    (T, C)
        NaN where fewer than four neighbours, or none on one side, are known.
    """
    half = max(FEWEST, round(WINDOW_S * fps))
    found = np.full(values.shape, np.nan)
    usable = np.isfinite(values) & (weights > 0)
    filled = np.where(usable, values, 0.0)
    strength = np.where(usable, weights, 0.0)
    for row, frame in enumerate(frames):
        low, high = np.searchsorted(frames, [frame - half, frame + half + 1])
        rows = np.r_[low:row, row + 1 : high]
        if len(rows) < 4:
            continue
        time = (frames[rows] - frame) / half
        design = np.stack([np.ones_like(time), time, time**2], axis=1)  # (n, 3)
        kernel = strength[rows] * ((1 - np.abs(time) ** 3) ** 3 + 1e-3)[:, None]  # tricube
        normal = np.einsum("nc,ni,nj->cij", kernel, design, design) + 1e-9 * np.eye(3)
        right = np.einsum("nc,ni,nc->ci", kernel, design, filled[rows])
        before, after = usable[rows][time < 0].sum(0), usable[rows][time > 0].sum(0)
        enough = (before + after >= 4) & (before > 0) & (after > 0)
        found[row, enough] = np.linalg.solve(normal[enough], right[enough][..., None])[:, 0, 0]
    return found


def median_filtered(poses: xr.Dataset, width: int = MEDIAN) -> xr.Dataset:
    """Return poses with each coordinate's median over ``width`` consecutive rows (odd), NaN left out."""
    position = poses["position"].values
    half = width // 2
    padded = np.pad(position, ((half, half), (0, 0), (0, 0), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, width, axis=0)
    known = np.isfinite(position)
    smooth = np.full(position.shape, np.nan, position.dtype)
    smooth[known] = np.nanmedian(windows[known], axis=-1)
    return poses.assign(position=(poses["position"].dims, smooth))


def kalman_smoothed(poses: xr.Dataset, variance: NDArray[np.float64] | None = None) -> xr.Dataset:
    """Return poses smoothed by a Kalman filter and a Rauch-Tung-Striebel pass.

    Constant velocity; the ratio of process to measurement noise is, for each keypoint and animal, the
    likeliest of :data:`RATIOS`. Frames without a measurement are bridged only up to their neighbours:
    unknown points stay unknown.

    Parameters
    ----------
    poses
        Pose data set.
    variance : (T, K, N)
        How much one measurement varies compared with another; by default the inverse of the confidence.
    """
    position = poses["position"].values.astype(float)
    if variance is None:
        variance = 1 / np.clip(np.nan_to_num(poses["confidence"].values, nan=1.0), 0.05, 1.0)
    frames = poses["frame"].values.astype(float)
    count, _, keypoints, animals = position.shape
    tracks = position.transpose(0, 2, 3, 1).reshape(count, keypoints * animals, 2)
    usable = np.isfinite(tracks).all(2).sum(0) >= 4
    smooth = tracks.copy()
    smooth[:, usable] = _smoothed(tracks[:, usable], variance.reshape(count, -1)[:, usable], frames)
    placed = smooth.reshape(count, keypoints, animals, 2).transpose(0, 3, 1, 2)
    placed[~np.isfinite(position)] = np.nan
    return poses.assign(position=(poses["position"].dims, placed.astype(poses["position"].dtype)))


def _smoothed(
    tracks: NDArray[np.float64], noise: NDArray[np.float64], frames: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return C tracks (T, C, 2), each smoothed with its likeliest ratio of noises."""
    if not tracks.shape[1]:
        return tracks
    likely = [_filtered(tracks, noise, frames, np.full(tracks.shape[1], ratio))[1] for ratio in RATIOS]
    steps, _ = _filtered(tracks, noise, frames, np.array(RATIOS)[np.argmax(likely, axis=0)], keep=True)
    smooth = np.stack([step.mean for step in steps])  # (T, C, 2 states, 2 axes)
    for t in range(len(tracks) - 2, -1, -1):
        here, ahead = steps[t], steps[t + 1]
        cross = np.stack([here.spread[:, :, 0] + ahead.gap * here.spread[:, :, 1], here.spread[:, :, 1]], -1)
        gain = cross @ np.linalg.inv(ahead.expected_spread)  # (C, 2, 2)
        smooth[t] += gain @ (smooth[t + 1] - ahead.expected)
    return smooth[:, :, 0]


@dataclass(frozen=True)
class _Step:
    """One frame of a filter over C tracks; states are place and speed.

    ``expected`` (C, 2 states, 2 axes) and ``expected_spread`` (C, 2, 2) before the measurement, ``mean`` and
    ``spread`` after it, ``gap`` frames after the one before.
    """

    expected: NDArray[np.float64]
    expected_spread: NDArray[np.float64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    gap: float


def _filtered(
    tracks: NDArray[np.float64],
    noise: NDArray[np.float64],
    frames: NDArray[np.float64],
    ratio: NDArray[np.float64],
    *,
    keep: bool = False,
) -> tuple[list[_Step], NDArray[np.float64]]:
    """Return the steps (none unless ``keep``) and the log-likelihood (C,) of C tracks (T, C, 2)."""
    count = tracks.shape[1]
    known = np.asarray(np.isfinite(tracks).all(2))
    mean, spread = np.zeros((count, 2, 2)), np.tile(np.diag([1e6, 1e6]), (count, 1, 1))
    squares, logs, used = np.zeros(count), np.zeros(count), np.zeros(count)
    steps = []
    for t, seen in enumerate(known):
        gap = 0.0 if t == 0 else float(frames[t] - frames[t - 1])
        move = np.array([[1.0, gap], [0.0, 1.0]])
        process = np.array([[gap**3 / 3, gap**2 / 2], [gap**2 / 2, gap]])
        expected = move @ mean
        ahead = move @ spread @ move.T + ratio[:, None, None] * process
        total = ahead[:, 0, 0] + noise[t]
        miss = np.where(seen[:, None], tracks[t] - expected[:, 0], 0.0)
        counts = seen & (used >= 2)  # the first two place it
        squares += np.where(counts, (miss**2).sum(1) / total, 0.0)
        logs += np.where(counts, 2 * np.log(total), 0.0)
        used += seen
        gain = np.where(seen[:, None], ahead[:, :, 0] / total[:, None], 0.0)
        mean = expected + gain[:, :, None] * miss[:, None]
        spread = ahead - gain[:, :, None] * ahead[:, :1]
        if keep:
            steps.append(_Step(expected, ahead + 1e-12 * np.eye(2), mean, spread, gap))
    freedom = np.maximum(2 * (used - 2), 1)
    return steps, -freedom * np.log(np.maximum(squares, 1e-12) / freedom) - logs  # common scale estimated
