"""From time stamps to frame numbers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from superanimal.errors import FormatError

GRID = 1e-3
"""Largest deviation from a whole number of frames, in frames, of times that were computed, not measured."""


def join(clocks: list[np.ndarray], path: Any) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the common times (T,) of several series, and the row of each of their entries.

    Times that differ by rounding are one. Equal clocks are taken row by row, whatever they hold.

    Raises
    ------
    FormatError
        When clocks differ and one of them does not increase.
    """
    first = clocks[0]
    if all(clock.shape == first.shape and np.allclose(clock, first, rtol=0, atol=1e-9, equal_nan=True)
           for clock in clocks):  # fmt: skip
        return first, [np.arange(len(first))] * len(clocks)
    for clock in clocks:
        if not np.isfinite(clock).all() or (np.diff(clock) <= 0).any():
            raise FormatError(
                f"{path}: series with different time stamps, one of which does not increase",
                "then it is unknown which positions belong to one frame",
            )
    ordered = np.sort(np.concatenate(clocks))
    step = min(float(np.diff(clock).min()) for clock in clocks if len(clock) > 1) if len(ordered) > 1 else 1.0
    times = ordered[np.concatenate([[True], np.diff(ordered) > 0.01 * step])]
    rows = [np.searchsorted(times, clock + 0.005 * step, side="right") - 1 for clock in clocks]
    return times, rows


def count_frames(times: np.ndarray, fps: float | None, path: Any) -> tuple[np.ndarray, float | None, bool]:
    """Return (frames (T,), frame rate or None, whether the times are worth keeping).

    Whole numbers with steps of one are frame numbers, as DLC2NWB writes when it finds no video. On an exact
    grid a gap in the times is a gap in the frames. The time stamps of a camera (jitter, drift) count its
    frames one by one: frame 0 is the first.

    Parameters
    ----------
    fps
        Frame rate when it is known.
    """
    rows = np.arange(len(times))
    if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        warnings.warn(
            f"{path}: time stamps that are missing or do not increase are dropped; "
            "frames are counted row by row",
            stacklevel=4,
        )
        return rows, fps, False
    whole = np.array_equal(times, np.round(times)) and (times >= 0).all()
    if fps is None and whole and (len(times) < 2 or np.median(np.diff(times)) == 1):
        return times.astype(np.int64), None, False
    if len(times) < 2:
        return rows, fps, True
    steps = np.diff(times)
    usual = 1 / fps if fps else float(np.median(steps))
    counts = np.maximum(np.round(steps / usual), 1)
    rate = fps or float(counts.sum() / (times[-1] - times[0]))
    near = round(rate, 2)
    if fps is None and abs(rate - near) * (times[-1] - times[0]) < GRID:
        rate = near
    since = (times - times[0]) * rate
    frames = np.round(since)
    exact = bool(np.abs(since - frames).max() < max(GRID, 1e-6 * since[-1]))
    if exact:
        frames = frames.astype(np.int64)
    else:
        if (counts > 1).any():
            warnings.warn(
                f"{path}: {int((counts > 1).sum())} gaps in the time stamps of a camera; "
                "frames are counted one by one, as in a video without the missing ones",
                stacklevel=4,
            )
        frames = rows
    return frames, rate, not (exact and times[0] == 0)


def pack(frames: np.ndarray) -> list[list[int]]:
    """Return frame numbers as runs of (start, step, count)."""
    runs: list[list[int]] = []
    for frame in frames.tolist():
        if runs:
            start, step, count = runs[-1]
            if count == 1 and frame != start:
                runs[-1] = [start, frame - start, 2]
                continue
            if count > 1 and frame == start + step * count:
                runs[-1][2] += 1
                continue
        runs.append([frame, 0, 1])
    return runs


def unpack(runs: Any, count: int) -> np.ndarray | None:
    """Return the frame numbers in ``runs``, or None when they are not ``count`` of them."""
    try:
        parts = [start + step * np.arange(length) for start, step, length in runs or ()]
    except (TypeError, ValueError):
        return None
    frames = np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, dtype=np.int64)
    return frames if len(frames) == count else None
