"""Time stamps of several series, and frame numbers as runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from superanimal.errors import FormatError


def join(clocks: list[np.ndarray], path: Any) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the merged times (T,) of several series, and the row of each of their entries.

    Times that differ by less than a fifth of the shortest step are one. Equal clocks are taken row by row,
    whatever they hold.

    Raises
    ------
    FormatError
        When clocks differ and one of them does not increase, or they drift apart.
    """
    first = clocks[0]
    if all(clock.shape == first.shape and np.allclose(clock, first, rtol=0, atol=1e-9, equal_nan=True)
           for clock in clocks):  # fmt: skip
        return first, [np.arange(len(first))] * len(clocks)
    for clock in clocks:
        if not np.isfinite(clock).all() or (np.diff(clock) <= 0).any():
            raise FormatError(
                f"{path}: series with different time stamps, one of which does not increase",
                "it is unknown which positions belong to the same frame",
            )
    ordered = np.sort(np.concatenate(clocks))
    step = min(float(np.diff(clock).min()) for clock in clocks if len(clock) > 1) if len(ordered) > 1 else 1.0
    times = ordered[np.concatenate([[True], np.diff(ordered) > 0.2 * step])]
    rows = [np.searchsorted(times, clock, side="right") - 1 for clock in clocks]
    if any((np.diff(row) == 0).any() for row in rows) or len(times) > 1.5 * max(map(len, clocks)):
        raise FormatError(
            f"{path}: series with time stamps that drift apart ({len(times)} instants for "
            f"{max(map(len, clocks))} positions)",
            "the keypoints of one recording are seen at the same times",
            "write all series of a recording with the times of its frames",
        )
    return times, rows


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
