"""From time stamps to frame numbers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

GRID = 1e-3
"""Largest deviation from a whole number of frames, in frames, of times that were computed, not measured."""


def count_frames(
    times: np.ndarray, fps: float | None, path: Any, *, rounding: float = 0.0
) -> tuple[np.ndarray, float | None, bool]:
    """Return (frames (T,), frame rate or None, whether the times are worth keeping).

    Whole numbers with steps of one are frame numbers, as DLC2NWB writes when it finds no video. On an exact
    grid a gap in the times is a gap in the frames. The time stamps of a camera (jitter, drift) count its
    frames one by one: frame 0 is the first.

    Parameters
    ----------
    fps
        Frame rate when it is known.
    rounding
        Largest error of times that were computed and then rounded, in seconds.
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
    off = np.abs(since - frames).max()
    exact = bool(off < max(GRID, 1e-6 * since[-1]))
    if exact or off < min(rounding * rate, 0.1):
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


def place_frames(
    times: np.ndarray, fps: float | None, path: Any, *, rounding: float = 0.0
) -> tuple[np.ndarray, float | None, bool]:
    """Return the same as :func:`count_frames` for times since the start of a video.

    Where the times are a grid that begins at 0 s, frames keep their numbers, as in a part of a recording.
    Other times that begin later are told in a warning, since the first of them is taken for frame 0.
    """
    frames, rate, own = count_frames(times, fps, path, rounding=rounding)
    if rate and len(times) and np.isfinite(times).all() and times[0] > 0:
        absolute = times * rate
        if np.abs(absolute - np.round(absolute)).max() < max(GRID, 1e-6 * absolute[-1]):
            return np.round(absolute).astype(np.int64), rate, False
        warnings.warn(
            f"{path}: the times begin at {times[0]:g} s; the first row is taken for frame 0", stacklevel=4
        )
    return frames, rate, own


def in_seconds(times: np.ndarray) -> np.ndarray:
    """Return durations in seconds, and dates in seconds since the first; numbers as they are."""
    if times.dtype.kind == "M":
        times = times - times[:1]
    return times / np.timedelta64(1, "s") if times.dtype.kind == "m" else times
