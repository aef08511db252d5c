"""Rejecting points of other feet, for an animal that moves in one direction: feet never jump or move back.

A network may confuse a foot with another one for many frames. Relative to the ground, a foot either stands or
moves in the direction of travel, no faster than a swing can be. The longest chain of points that satisfies
this belongs to the foot; other points do not.
"""

from __future__ import annotations

import numpy as np

FASTEST = 8.0
"""A swing's top speed over the animal's: 2 (peak over mean of a swing that starts and ends at rest: 1.57 for
a sine, 2 for a cycloid) over the shortest share of a stride that a swing takes, a quarter (Hildebrand
1989)."""
BACK = 0.08
"""Maximum backward movement of a foot before landing, in strides (a choice)."""
STOOD = 0.04
"""A foot seen at the same place (within this fraction of a stride) before and after a gap stood during it."""
STOOD_FOR = 0.5
"""Longest such gap in strides; a foot that swings and lands at the same place does not travel."""


def chain(
    time: np.ndarray,
    position: np.ndarray,
    usable: np.ndarray,
    travel: np.ndarray,
    speed: float,
    period: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (T, 2) and which of them are usable (T,), excluding points of other feet.

    Parameters
    ----------
    time, position, usable
        (T,) seconds, (T, 2) pixels relative to the ground, (T,) bool.
    travel
        (2,) unit vector of the direction of travel.
    speed, period
        Ground speed of the animal in pixels per second, and duration of a stride in seconds.
    """
    index = np.flatnonzero(usable)
    if len(index) < 3:
        return position, usable
    t, p = time[index], position[index]
    along, across = p @ travel, p @ np.array([-travel[1], travel[0]])
    slack = BACK * speed * period
    length = np.ones(len(index))
    before = np.full(len(index), -1)
    for k in range(1, len(index)):
        first = int(np.searchsorted(t, t[k] - period))
        if first == k:  # nothing is seen for a stride: it may be anywhere, and goes on from the longest chain
            first = int(np.searchsorted(t, t[k - 1] - period))
            before[k] = first + int(np.argmax(length[first:k]))
            length[k] += length[before[k]]
            continue
        span = t[k] - t[first:k]
        step, side = along[k] - along[first:k], np.abs(across[k] - across[first:k])
        allowed = (step >= -slack) & (np.maximum(step, side) <= FASTEST * speed * span + slack)
        allowed &= side <= FASTEST / 2 * speed * span + slack
        if allowed.any():
            choices = np.flatnonzero(allowed)[::-1]  # of equally long chains the one without a gap
            best = int(choices[np.argmax(length[first:k][choices])])
            length[k] += length[first + best]
            before[k] = first + best
    kept, k = [], int(np.argmax(length))
    while k >= 0:
        kept.append(k)
        k = int(before[k])
    kept = kept[::-1]
    own = np.zeros(len(time), bool)
    own[index[kept]] = True
    filled = position.copy()
    same = STOOD * speed * period
    for a, b in zip(index[kept][:-1], index[kept][1:], strict=True):
        stood = np.linalg.norm(position[b] - position[a]) <= same
        if b > a + 1 and stood and time[b] - time[a] <= STOOD_FOR * period:
            share = ((time[a + 1 : b] - time[a]) / (time[b] - time[a]))[:, None]
            filled[a + 1 : b] = position[a] + share * (position[b] - position[a])
            own[a + 1 : b] = True
    return filled, own
