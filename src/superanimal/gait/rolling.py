"""Feet with several points roll: the heel still moves when it has landed, the toe moves before it has left.

Rules from gait laboratories, in units of the walking speed so that they hold in pixels. Landing: the first
point slower than 0.5 m/s (Bruening and Ridge, Gait & Posture 39:472, 2014) at the usual 1.35 m/s. Leaving:
the last point faster than the trunk, that is, rearmost relative to it (Zeni, Richards and Higginson, Gait &
Posture 27:710, 2008).
"""

from __future__ import annotations

import numpy as np

LANDS_BELOW = 0.5 / 1.35
LEAVES_ABOVE = 1.0


def rolled(
    grid: np.ndarray, speeds: list[np.ndarray], changes: list[int], walking: float, *, lift: bool
) -> float | None:
    """Return the time of a contact or lift in seconds, None when no point passes the limit near.

    Parameters
    ----------
    grid
        (G,) seconds.
    speeds
        For each point that starts or stops to stand here: its speed over ground (G,), pixels per second.
    changes
        For each the first sample in the new state.
    walking
        The animal's speed over ground.
    """
    limit = (LEAVES_ABOVE if lift else LANDS_BELOW) * walking
    times = []
    for speed, at in zip(speeds, changes, strict=True):
        k = at
        if lift:
            while k < len(speed) - 1 and speed[k] < limit:
                k += 1
        else:
            while k > 0 and speed[k - 1] < limit:
                k -= 1
            while k < len(speed) - 1 and speed[k] > limit:
                k += 1
        if k == 0 or not np.isfinite(speed[k - 1 : k + 1]).all() or speed[k] == speed[k - 1]:
            continue
        share = (limit - speed[k - 1]) / (speed[k] - speed[k - 1])
        if 0 <= share <= 1:
            times.append(float(grid[k - 1] + share * (grid[k] - grid[k - 1])))
    if not times:
        return None
    return max(times) if lift else min(times)
