"""The reliable points of a limb over time, and their velocity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

SMOOTHING = 0.02
"""Standard deviation of the smoothing before a velocity is taken, strides: shorter than any onset of a swing
(a tenth of a swing that lasts a quarter of the stride)."""
LONGEST_GAP = 0.12
"""Gaps up to this share of a stride are bridged: half of the shortest stance or swing known (a gallop's
stance lasts a quarter of the stride, so does the swing of a slow walk: Hildebrand 1989)."""


@dataclass(frozen=True)
class Track:
    """One point of a limb.

    Attributes
    ----------
    time, position, usable
        As recorded: (T,) seconds, (T, 2) pixels, (T,) False where the point is absent, unreliable or a spike.
    grid, smooth, velocity, whole
        On a regular grid: (G,) seconds, (G, 2) pixels, (G, 2) pixels per second, (G,) False in gaps.
    """

    time: np.ndarray
    position: np.ndarray
    usable: np.ndarray
    grid: np.ndarray
    smooth: np.ndarray
    velocity: np.ndarray
    whole: np.ndarray


def make_track(
    time: np.ndarray, position: np.ndarray, confident: np.ndarray, grid: np.ndarray, period: float | None
) -> Track:
    """Clean one point and compute its velocity.

    Parameters
    ----------
    time, position, confident
        (T,) seconds, (T, 2) pixels, (T,) bool.
    grid
        (G,) regular seconds.
    period
        Stride duration in seconds, None if not yet known.
    """
    step = float(grid[1] - grid[0])
    usable = confident & np.isfinite(position).all(axis=1)
    usable &= ~spikes(np.where(usable[:, None], position, np.nan))
    empty = np.full((len(grid), 2), np.nan)
    if usable.sum() < 3:
        return Track(time, position, usable, grid, empty, empty.copy(), np.zeros(len(grid), bool))
    t, p = time[usable], position[usable]
    even = np.stack([np.interp(grid, t, p[:, axis]) for axis in range(2)], axis=1)
    longest = max(1.5 * step, LONGEST_GAP * period if period else 2.5 * step)
    after = np.clip(np.searchsorted(t, grid - 1e-9), 1, len(t) - 1)
    whole = (t[after] - t[after - 1] <= longest + 1e-9) & (grid >= t[0] - 1e-9) & (grid <= t[-1] + 1e-9)
    width = max(0.5, SMOOTHING * period / step) if period else 0.7
    smooth = gaussian_filter1d(even, width, axis=0, mode="nearest")
    return Track(time, position, usable, grid, smooth, np.gradient(smooth, step, axis=0), whole)


def spikes(position: np.ndarray, longest: int = 3) -> np.ndarray:
    """Return where a point jumps away and back within a few frames, (T,) bool, for (T, 2) that may hold NaN.

    A foot may be fast, but it does not reverse between two frames at more than its usual speed: such a jump
    is a tracking error or a left/right swap.
    """
    n = len(position)
    found = np.zeros(n, bool)
    steps = np.linalg.norm(np.diff(position, axis=0), axis=1)
    if np.isfinite(steps).sum() < 8:
        return found
    usual = float(np.nanpercentile(steps, 90))
    for length in range(1, longest + 1):
        if n < length + 2:
            break
        out = position[1 : n - length] - position[: n - length - 1]
        back = position[length + 1 :] - position[length : n - 1]
        a, b = np.linalg.norm(out, axis=1), np.linalg.norm(back, axis=1)
        rest = np.linalg.norm(position[length + 1 :] - position[: n - length - 1], axis=1)
        with np.errstate(invalid="ignore"):
            turned = (out * back).sum(axis=1) < -0.5 * a * b
            hit = turned & (np.minimum(a, b) > 1.5 * usual) & (rest < 0.5 * np.minimum(a, b))
        for k in np.flatnonzero(hit):
            found[k + 1 : k + 1 + length] = True
    return found


def regular_grid(time: np.ndarray) -> np.ndarray:
    """Return regular seconds over the span of increasing ones, at their median rate."""
    step = float(np.median(np.diff(time)))
    return time[0] + step * np.arange(round((time[-1] - time[0]) / step) + 1)


def find_period(velocities: list[np.ndarray], wholes: list[np.ndarray], step: float) -> float | None:
    """Return the stride duration in seconds from the velocities of all limbs, None without a rhythm.

    It is the first peak in the sum of the autocorrelations of all limbs along their main direction that
    reaches four fifths of the highest one (later peaks are whole multiples of it).
    """
    n = max(len(each) for each in velocities)
    total, weight = np.zeros(n), np.zeros(n)
    for velocity, whole in zip(velocities, wholes, strict=True):
        if whole.sum() < 8:
            continue
        v = velocity[whole] - velocity[whole].mean(axis=0)
        axis = np.linalg.svd(v, full_matrices=False)[2][0]
        signal = np.zeros(n)
        signal[: len(whole)][whole] = v @ axis
        signal /= signal.std() + 1e-12
        spectrum = np.fft.rfft(signal, 2 * n)
        counted = np.fft.rfft(whole.astype(float), 2 * n)
        total += np.fft.irfft(np.abs(spectrum) ** 2)[:n]
        weight += np.fft.irfft(np.abs(counted) ** 2)[:n]
    if not weight.any():
        return None
    curve = np.where(weight > 0.15 * weight[0], total / np.maximum(weight, 1), -1)
    curve *= np.sqrt(np.maximum(weight, 0) / weight[0]) / (curve[0] or 1)  # long lags are based on few pairs
    below = np.flatnonzero(curve < 0)
    if not below.size:
        return None
    peaks = [
        k
        for k in range(int(below[0]) + 1, n - 1)
        if curve[k] >= curve[k - 1] and curve[k] > curve[k + 1] and curve[k] > 0.15
    ]
    if not peaks:
        return None
    high = max(curve[k] for k in peaks)
    first = next(k for k in peaks if curve[k] >= 0.8 * high)
    a, b, c = curve[first - 1 : first + 2]
    return float((first + 0.5 * (a - c) / (a - 2 * b + c)) * step)
