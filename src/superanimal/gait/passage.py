"""The frames that show one and the same animal: a track that jumps has gone over to another one.

A tracker that has lost its animal, or a video that was cut, goes on somewhere else from one frame to the
next. The recording falls into parts at such jumps, and the longest sequence of parts among which the animal
could have moved is kept.
"""

from __future__ import annotations

import numpy as np

JUMP = 0.5
"""Least jump of an animal between two frames, in its own size (a choice: less may be a wrong keypoint)."""
OVER_USUAL = 4.0
"""A jump is so many times faster than nine tenths of the animal's movements (a choice)."""
LEAST_POINTS = 3
"""Fewer keypoints have no size to measure a jump by, and in common do not show one."""


def passage(position: np.ndarray, sure: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Return which frames (T,) show the animal that is seen longest, True where nothing speaks against it.

    Parameters
    ----------
    position
        (T, K, 2) pixels.
    sure
        (T, K) which of them are confident.
    time
        (T,) seconds.
    """
    seen = np.where((sure & np.isfinite(position).all(axis=2))[..., None], position, np.nan)
    rows = np.flatnonzero(np.isfinite(seen[..., 0]).sum(axis=1) >= LEAST_POINTS)
    own = np.ones(len(time), bool)
    if len(rows) < 3:
        return own
    seen, t, row = seen[rows], time[rows], np.arange(len(rows))
    size = float(np.median((np.nanmax(seen, axis=1) - np.nanmin(seen, axis=1)).max(axis=1)))
    speed = float(np.percentile(_moved(seen[:-1], seen[1:]) / np.diff(t), 90))

    def reachable(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Tell whether the animal of rows ``a`` can be that of later rows ``b``."""
        far = np.maximum(JUMP * size, OVER_USUAL * speed * (t[b] - t[a]))
        return np.asarray(_moved(seen[a], seen[b]) <= far)

    starts = np.concatenate([[0], np.flatnonzero(~reachable(row[:-1], row[1:])) + 1])
    stops = np.append(starts[1:], len(rows))
    if len(starts) == 1:
        return own
    total, before = stops - starts, np.full(len(starts), -1)
    for k in range(1, len(starts)):
        possible = np.flatnonzero(reachable(stops[:k] - 1, starts[k]))
        if possible.size:
            before[k] = possible[np.argmax(total[possible])]
            total[k] += total[before[k]]
    kept, k = set[int](), int(np.argmax(total))
    while k >= 0:
        kept.add(k)
        k = int(before[k])
    for k in set(range(len(starts))) - kept:
        first, last = rows[starts[k] - 1] + 1 if k else 0, rows[stops[k] - 1]
        own[first : last + 1 if k + 1 < len(starts) else None] = False
    return own


def _moved(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return how far an animal moved from places (n or 1, K, 2) to others, (n,) pixels.

    It is the median way of the keypoints in both: one that is missing in between, or left and right that are
    exchanged, moves nothing. Too few in common count as not moved.
    """
    way = np.atleast_3d(b - a)
    way[np.isfinite(way[..., 0]).sum(axis=1) < LEAST_POINTS] = 0.0
    return np.asarray(np.linalg.norm(np.nanmedian(way, axis=1), axis=1))
