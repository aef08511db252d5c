"""Means, deviations and rhythms of features over windows of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FEATURES = 4
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
    out: np.ndarray | None = None,
) -> np.ndarray:
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
    out
        Array to write into; a new one by default.

    Returns
    -------
    np.ndarray
        (W or 2 W, F, R) float32; NaN where a window holds no value.
    """
    windows = [_window(time, width, rows) for width in widths]
    if out is None:
        count = len(time[rows])
        out = np.empty(((2 if deviations else 1) * len(widths), len(values), count), np.float32)
    for start in range(0, len(values), FEATURES):
        own = slice(start, start + FEATURES)
        _fill(values[own], windows, out[:, own], deviations)
    return out


@dataclass(frozen=True)
class _Window:
    """The windows around R rows: indices of cumulated sums before and after each, and 1 / rows in each."""

    first: slice | np.ndarray
    after: slice | np.ndarray
    share: np.ndarray


def _window(time: np.ndarray, width: float, rows: slice) -> _Window:
    first, after = (bound[rows] for bound in window_bounds(time, width))
    return _Window(_consecutive(first), _consecutive(after), 1 / (after - first))


def _consecutive(index: np.ndarray) -> slice | np.ndarray:
    """Return an index as a slice, which copies nothing, where its rows follow each other."""
    if len(index) and index[-1] - index[0] == len(index) - 1 and (np.diff(index) == 1).all():
        return slice(int(index[0]), int(index[-1]) + 1)
    return index


@np.errstate(invalid="ignore", divide="ignore")
def _fill(values: np.ndarray, windows: Sequence[_Window], out: np.ndarray, deviations: bool) -> None:
    """Write means, then deviations, of a few features (f, T) into (W or 2 W, f, R)."""
    seen = np.isfinite(values)
    whole = bool(seen.all())
    known = values if whole else np.where(seen, values, np.float32(0))
    number = np.maximum(seen.sum(axis=1, keepdims=True), 1)
    centre = (known.sum(axis=1, keepdims=True, dtype=np.float64) / number).astype(np.float32)
    shifted = values - centre if whole else np.where(seen, values - centre, np.float32(0))
    total = _cumulated(shifted)
    squares = _cumulated(np.square(shifted, out=shifted)) if deviations else None
    counts = None if whole else _cumulated(seen)
    mean, spread = np.empty((2, *out.shape[1:]))
    for k, window in enumerate(windows):
        share = window.share
        if counts is not None:
            n = counts[:, window.after] - counts[:, window.first]
            share = np.where(n > 0, 1 / n, np.nan)
        np.subtract(total[:, window.after], total[:, window.first], out=mean)
        mean *= share
        out[k] = mean
        out[k] += centre
        if squares is not None:
            np.subtract(squares[:, window.after], squares[:, window.first], out=spread)
            spread *= share
            mean *= mean
            spread -= mean
            deviation = out[len(windows) + k]
            deviation[:] = spread
            np.sqrt(np.maximum(deviation, 0, out=deviation), out=deviation)


def _cumulated(values: np.ndarray) -> np.ndarray:
    out = np.empty((values.shape[0], values.shape[1] + 1), np.float64)
    out[:, 0] = 0
    np.cumsum(values, axis=1, dtype=np.float64, out=out[:, 1:])
    return out


def band_power(
    values: np.ndarray,
    time: np.ndarray,
    frequencies: Sequence[float],
    rows: slice = slice(None),
    *,
    cycles: float = 3.0,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Return the amplitude of rhythms around each time, (B, F, R) float32.

    Parameters
    ----------
    values
        (F, T); NaN counts as the mean.
    time
        (T,) seconds.
    frequencies
        B frequencies in Hz; each band is about ``frequency / cycles`` wide.
    rows
        The R rows to return; all by default.
    cycles
        Length of the window in periods.
    out
        Array to write into; a new one by default.
    """
    if out is None:
        out = np.empty((len(frequencies), len(values), len(time[rows])), np.float32)
    every = [_window(time, cycles / frequency, slice(None)) for frequency in frequencies]
    wanted = [_window(time, cycles / frequency, rows) for frequency in frequencies]
    phases = [2 * np.pi * frequency * (time - time[0]) for frequency in frequencies]
    waves = [(np.cos(phase), np.sin(phase)) for phase in phases]
    for start in range(0, len(values), FEATURES):
        own = slice(start, start + FEATURES)
        part = values[own]
        seen = np.isfinite(part)
        known = part if seen.all() else np.where(seen, part, np.float32(0))
        mean = known.sum(axis=1, keepdims=True, dtype=np.float64)
        mean /= np.maximum(seen.sum(axis=1, keepdims=True), 1)
        centred = np.where(seen, known - mean, 0)
        total = _cumulated(centred)
        for k, (cosine, sine) in enumerate(waves):
            slow = total[:, every[k].after] - total[:, every[k].first]
            slow *= every[k].share
            fast = centred - slow  # without the slow part
            power: np.ndarray | None = None
            for wave in (cosine, sine):
                sums = _cumulated(fast * wave)
                square = sums[:, wanted[k].after] - sums[:, wanted[k].first]
                square *= square
                power = square if power is None else np.add(power, square, out=power)
            assert power is not None
            np.sqrt(power, out=power)
            np.multiply(power, 2 * wanted[k].share, out=out[k, own], casting="same_kind")
    return out
