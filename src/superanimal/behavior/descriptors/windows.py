"""Means, deviations and rhythms of features over windows of time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def window_bounds(time: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the first row and the row after the last of the window around each time.

    Parameters
    ----------
    time
        (T,) seconds, increasing.
    width
        Seconds; rows within half of it belong to the window, at the ends fewer.
    """
    slack = 1e-6 * width + 1e-9
    first = np.searchsorted(time, time - width / 2 - slack, side="left")
    after = np.searchsorted(time, time + width / 2 + slack, side="right")
    return first, after


def window_statistics(
    values: np.ndarray,
    time: np.ndarray,
    widths: Sequence[float],
    rows: slice = slice(None),
    *,
    deviations: bool = True,
) -> list[np.ndarray]:
    """Return mean, then standard deviation, of each feature in the window of each width.

    Parameters
    ----------
    values
        (F, T) float32; NaN is left out of the windows.
    time
        (T,) seconds.
    widths
        W widths in seconds.
    rows
        The R rows to return; all by default.
    deviations
        Whether to compute standard deviations.

    Returns
    -------
    list of np.ndarray
        W or 2 W arrays (F, R) float32; NaN where a window holds no value.
    """
    seen = np.isfinite(values)
    whole = bool(seen.all())
    centre = np.zeros((len(values), 1), np.float32)
    if values.size:
        count = np.maximum(seen.sum(axis=1, keepdims=True), 1)
        centre = (np.where(seen, values, 0).sum(axis=1, keepdims=True, dtype=np.float64) / count).astype(
            np.float32
        )
    shifted = values - centre if whole else np.where(seen, values - centre, np.float32(0))
    total = _cumulated(shifted)
    squares = _cumulated(shifted * shifted) if deviations else None
    counts = None if whole else _cumulated(seen)
    means, spreads = [], []
    for width in widths:
        first, after = window_bounds(time, width)
        first, after = first[rows], after[rows]
        with np.errstate(invalid="ignore", divide="ignore"):
            n = (after - first)[None] if counts is None else counts[:, after] - counts[:, first]
            share = np.divide(1.0, n, dtype=np.float64)
            if counts is not None:
                share = np.where(n > 0, share, np.nan)
            mean = total[:, after] - total[:, first]
            mean *= share
            means.append((mean.astype(np.float32)) + centre)
            if squares is not None:
                spread = squares[:, after] - squares[:, first]
                spread *= share
                spread -= mean * mean
                spreads.append(np.sqrt(np.maximum(spread, 0, out=spread)).astype(np.float32))
    return means + spreads


def _cumulated(values: np.ndarray) -> np.ndarray:
    out = np.zeros((values.shape[0], values.shape[1] + 1), np.float64)
    np.cumsum(values, axis=1, dtype=np.float64, out=out[:, 1:])
    return out


def band_power(
    values: np.ndarray, time: np.ndarray, frequency: float, rows: slice = slice(None), cycles: float = 3.0
) -> np.ndarray:
    """Return the amplitude of a rhythm around each time, (F, R) float32.

    Parameters
    ----------
    values
        (F, T); NaN counts as the mean.
    time
        (T,) seconds.
    frequency
        Hz; the band is about ``frequency / cycles`` wide.
    rows
        The R rows to return; all by default.
    cycles
        Length of the window in periods.
    """
    seen = np.isfinite(values)
    count = np.maximum(seen.sum(axis=1, keepdims=True), 1)
    mean = np.where(seen, values, 0).sum(axis=1, keepdims=True) / count
    centred = np.where(seen, values - mean, 0)
    width = cycles / frequency
    smooth = window_statistics(centred.astype(np.float32), time, [width], deviations=False)[0]
    centred = centred - smooth  # without the slow part
    wave = np.exp(-2j * np.pi * frequency * (time - time[0]))
    total = np.zeros((values.shape[0], values.shape[1] + 1), np.complex128)
    np.cumsum(centred * wave, axis=1, out=total[:, 1:])
    first, after = window_bounds(time, width)
    first, after = first[rows], after[rows]
    return (2 * np.abs(total[:, after] - total[:, first]) / (after - first)).astype(np.float32)
