"""Posture and motion of one animal as a table of features, where no other features are given.

Keypoints in the animal's own frame (turned and shifted onto its mean shape), in body lengths, with the speed
of its body along and across its heading, its turning, and how fast the posture changes.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from scipy.ndimage import gaussian_filter1d

from superanimal.errors import InputError

LEAST_CONFIDENCE = 0.6
SEEN = 0.5
"""A keypoint that is seen in fewer frames than this share is not used."""
ROUNDS = 5
MOTION = 4
"""Number of features of motion, the last ones."""
SMOOTH_S, MOTION_S = 0.06, 0.1
"""Standard deviations of the Gaussians on positions and on motion, seconds."""
LEAST_FRAMES = 50


def posture_features(
    poses: xr.Dataset, individual: str, times: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return features (T rows) of one animal, and (T,) bool where it was seen; gaps are interpolated.

    Three coordinates are turned about the vertical (z).

    Raises
    ------
    InputError
        When fewer than 2 keypoints or 50 frames are seen.
    """
    one = poses.sel(individual=individual)
    position = one["position"].transpose("time", "keypoint", "space").values.astype(float)
    position[one["confidence"].values < LEAST_CONFIDENCE] = np.nan
    known = np.isfinite(position).all(axis=2)
    some = known.any(axis=1)
    used = known[some].mean(axis=0) >= SEEN if some.any() else np.zeros(known.shape[1], bool)
    if used.sum() < 2 or some.sum() < LEAST_FRAMES:
        raise InputError(
            f"{individual}: {int(used.sum())} keypoints are seen in {int(some.sum())} frames",
            f"motifs need 2 keypoints or more in {LEAST_FRAMES} frames",
        )
    names = [str(name) for name, yes in zip(poses["keypoint"].values, used, strict=True) if yes]
    step = float(np.median(np.diff(times)))
    points = np.stack([_smooth(position[:, k], times, step) for k in np.flatnonzero(used)], axis=1)
    seen = known[:, used].mean(axis=1) >= 0.5
    flat = points[..., 0] + 1j * points[..., 1]
    middle = flat.mean(axis=1)
    own, turn, length = _own_frame(flat - middle[:, None])
    rate = 1 / np.gradient(times)
    if (np.gradient(middle) * np.conj(turn)).real.mean() < 0:  # animals walk forwards
        own, turn = -own, -turn
    velocity = np.gradient(middle) * rate * np.conj(turn) / length
    turning = np.gradient(np.unwrap(np.angle(turn))) * rate
    columns = {}
    for k, name in enumerate(names):
        columns[f"{name} forward"], columns[f"{name} left"] = own[:, k].real / length, own[:, k].imag / length
        if points.shape[2] == 3:
            columns[f"{name} up"] = points[:, k, 2] / length
    change = np.abs(np.gradient(own, axis=0)).mean(axis=1) * rate / length
    columns |= {
        "speed forward": _compressed(velocity.real, step), "speed left": _compressed(velocity.imag, step),
        "turning": _compressed(turning, step), "posture change": _compressed(change, step),
    }  # fmt: skip
    return pd.DataFrame(columns), seen


def _own_frame(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Turn (T, K) centred points onto their mean shape; return them, the turns (T,) and the body length."""
    shape = points[len(points) // 2]
    turn = np.ones(len(points), dtype=complex)
    for _ in range(ROUNDS):
        fit = (points * np.conj(shape)).sum(axis=1)
        turn = fit / np.maximum(np.abs(fit), 1e-12)
        shape = np.median((points * np.conj(turn)[:, None]).real, axis=0) + 1j * np.median(
            (points * np.conj(turn)[:, None]).imag, axis=0
        )
    spread = np.stack([shape.real, shape.imag])
    values, axes = np.linalg.eigh(spread @ spread.T)
    axis = complex(*axes[:, int(np.argmax(values))])
    return (
        points * np.conj(turn * axis)[:, None],
        turn * axis,
        max(float(np.ptp((shape * np.conj(axis)).real)), 1e-9),
    )


def _smooth(path: np.ndarray, times: np.ndarray, step: float) -> np.ndarray:
    known = np.isfinite(path).all(axis=1)
    filled = np.stack([np.interp(times, times[known], axis[known]) for axis in path.T], axis=1)
    return np.asarray(gaussian_filter1d(filled, SMOOTH_S / step, axis=0, mode="nearest"))


def _compressed(values: np.ndarray, step: float) -> np.ndarray:
    """Smooth, and compress large values, so that neither noise nor bursts outweigh everything."""
    smooth = gaussian_filter1d(values, MOTION_S / step, mode="nearest")
    scale = max(float(np.percentile(np.abs(smooth), 75)), 1e-9)
    return np.asarray(np.arcsinh(smooth / scale))
