"""Means, deviations and rhythms of features over windows of time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FEATURES = 8
"""Features at once, so that what is computed stays in the cache of the processor."""


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
    bounds = [window_bounds(time, width) for width in widths]
    bounds = [(first[rows], after[rows]) for first, after in bounds]
    count = len(bounds[0][0]) if bounds else 0
    kinds = 2 if deviations else 1
    out = [np.empty((len(values), count), np.float32) for _ in range(kinds * len(widths))]
    for start in range(0, len(values), FEATURES):
        own = slice(start, start + FEATURES)
        _fill(values[own], bounds, [each[own] for each in out], deviations)
    return out


@np.errstate(invalid="ignore", divide="ignore")
def _fill(
    values: np.ndarray,
    bounds: Sequence[tuple[np.ndarray, np.ndarray]],
    out: Sequence[np.ndarray],
    deviations: bool,
) -> None:
    """Write means, then deviations, of a few features (f, T) into arrays (f, R)."""
    seen = np.isfinite(values)
    whole = bool(seen.all())
    known = values if whole else np.where(seen, values, np.float32(0))
    number = np.maximum(seen.sum(axis=1, keepdims=True), 1)
    centre = (known.sum(axis=1, keepdims=True, dtype=np.float64) / number).astype(np.float32)
    shifted = values - centre if whole else np.where(seen, values - centre, np.float32(0))
    total = _cumulated(shifted)
    squares = _cumulated(shifted * shifted) if deviations else None
    counts = None if whole else _cumulated(seen)
    for k, (first, after) in enumerate(bounds):
        if counts is None:
            share = np.divide(1.0, after - first)[None]
        else:
            n = _at(counts, after) - _at(counts, first)
            share = np.where(n > 0, 1 / n, np.nan)
        mean = _at(total, after) - _at(total, first)
        mean *= share
        np.add(mean, centre, out=out[k], casting="same_kind")
        if squares is not None:
            spread = _at(squares, after) - _at(squares, first)
            spread *= share
            mean *= mean
            spread -= mean
            np.maximum(spread, 0, out=spread)
            np.sqrt(spread, out=out[len(bounds) + k], casting="same_kind")


def _at(cumulated: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Return columns, without a copy where they follow each other."""
    if len(index) and index[-1] - index[0] == len(index) - 1 and (np.diff(index) == 1).all():
        return cumulated[:, index[0] : index[-1] + 1]
    return cumulated[:, index]


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
