"""Filters over time: what pseudo-labels must agree with, and what adaptation is compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

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


def kalman_smoothed(poses: xr.Dataset) -> xr.Dataset:
    """Return poses smoothed by a Kalman filter and a Rauch-Tung-Striebel pass.

    Constant velocity, the measurement noise divided by the confidence; the ratio of process to measurement
    noise is, for each keypoint and animal, the likeliest of :data:`RATIOS`. Frames without a measurement are
    bridged only up to their neighbours: unknown points stay unknown.
    """
    position = poses["position"].values.astype(float)
    confidence = np.clip(np.nan_to_num(poses["confidence"].values, nan=1.0), 0.05, 1.0)
    frames = poses["frame"].values.astype(float)
    smooth = position.copy()
    for k in range(position.shape[2]):
        for n in range(position.shape[3]):
            track = position[:, :, k, n]
            if np.isfinite(track).all(1).sum() >= 4:
                smooth[:, :, k, n] = _smoothed(track, 1 / confidence[:, k, n], frames)
    smooth[~np.isfinite(position)] = np.nan
    return poses.assign(position=(poses["position"].dims, smooth.astype(poses["position"].dtype)))


def _smoothed(track: np.ndarray, noise: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Return one track (T, 2), smoothed with the likeliest ratio of noises."""
    runs = [_filter(track, noise, frames, ratio) for ratio in RATIOS]
    means, covariances, ahead, ahead_cov, moves, _ = max(runs, key=_likelihood)
    for t in range(len(track) - 2, -1, -1):
        gain = covariances[t] @ moves[t + 1].T @ np.linalg.inv(ahead_cov[t + 1])
        means[t] += gain @ (means[t + 1] - ahead[t + 1])
        covariances[t] += gain @ (covariances[t + 1] - ahead_cov[t + 1]) @ gain.T
    return means[:, 0]


def _likelihood(run: tuple[Any, ...]) -> float:
    return float(run[-1])


def _filter(
    track: np.ndarray, noise: np.ndarray, frames: np.ndarray, ratio: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    """Return filtered states (T, 2 states, 2 axes), covariances, predictions, theirs, moves, likelihood."""
    count = len(track)
    known = np.isfinite(track).all(1)
    state, spread = np.zeros((2, 2)), np.diag([1e6, 1e6])
    means, ahead = np.zeros((count, 2, 2)), np.zeros((count, 2, 2))
    covariances, ahead_cov, moves = (np.zeros((count, 2, 2)) for _ in range(3))
    squares, logs, used = 0.0, 0.0, 0
    for t in range(count):
        step = 0.0 if t == 0 else frames[t] - frames[t - 1]
        move = np.array([[1.0, step], [0.0, 1.0]])
        process = ratio * np.array([[step**3 / 3, step**2 / 2], [step**2 / 2, step]])
        state, spread = move @ state, move @ spread @ move.T + process
        moves[t], ahead[t], ahead_cov[t] = move, state, spread + 1e-12 * np.eye(2)
        if known[t]:
            total = spread[0, 0] + noise[t]
            miss = track[t] - state[0]
            if used >= 2:  # the first two place it
                squares += float(miss @ miss) / total
                logs += 2 * np.log(total)
            used += 1
            gain = spread[:, 0] / total
            state = state + gain[:, None] * miss
            spread = spread - np.outer(gain, spread[0])
        means[t], covariances[t] = state, spread
    freedom = max(2 * (used - 2), 1)
    likelihood = -freedom * np.log(max(squares, 1e-12) / freedom) - logs  # the common scale estimated
    return means, covariances, ahead, ahead_cov, moves, likelihood
