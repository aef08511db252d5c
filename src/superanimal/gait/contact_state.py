"""Stance or swing from the ground velocity of a point: a hidden Markov model with minimum durations."""

from __future__ import annotations

import numpy as np

SHORTEST = 0.12
"""No stance or swing is shorter than this share of the stride: half of what the fastest gallop (stance) and
the slowest walk (swing) show (Hildebrand 1989)."""
LEAST_SPREAD = 0.03
"""A standing foot rolls and its point trembles: its speed spreads over at least this share of the swing's."""


def contact_states(speed: np.ndarray, step: float, period: float | None) -> np.ndarray:
    """Return which samples are in stance, (G,) bool: the most probable sequence.

    Parameters
    ----------
    speed
        (G,) ground speed in pixels per second; NaN if unknown.
    step, period
        Sampling interval and stride duration in seconds.
    """
    known = np.isfinite(speed)
    fast = float(np.percentile(speed[known], 90)) if known.any() else 0.0
    if fast <= 0:
        return np.ones(len(speed), bool)
    spread = 0.1 * fast
    for _ in range(10):
        standing = speed[known] < spread * np.sqrt(2 * np.log(max(fast**2 / (2 * spread**2), 1.5)))
        values = speed[known][standing]
        new = float(np.median(values) / 1.177) if values.size else spread  # median of Rayleigh = 1.177 sigma
        spread = float(np.clip(new, LEAST_SPREAD * fast, 0.25 * fast))
    u = np.where(known, speed, 0)
    stand = -0.5 * (u / spread) ** 2 - 2 * np.log(spread)
    stand = np.logaddexp(stand, np.log(0.02) - 0.5 * (u / (4 * spread)) ** 2 - 2 * np.log(4 * spread))
    move = np.log(2) - 2 * np.log(1.3 * fast)  # speeds of a swing: as likely everywhere in a disc
    evidence = np.where(known, stand - move, 0.0)
    least = max(1, round(SHORTEST * (period or 8 * step) / step))
    return _viterbi(evidence, least)


def _viterbi(evidence: np.ndarray, least: int) -> np.ndarray:
    """Return the best state sequence; all visits except the first and last have a minimum duration."""
    n = len(evidence)
    cost = float(np.log(4 * least))
    total = [0.0, *np.cumsum(evidence).tolist()]
    score = [[0.0, 0.0]] + [[-np.inf, -np.inf] for _ in range(n)]  # of all before a visit begins at sample k
    back = [[0, 0] for _ in range(n + 1)]  # where the visit before that one began
    best, origin = [0.0, 0.0], [0, 0]
    for k in range(1, n):
        j = k - least
        for state in (0, 1):
            if j > 0 and (entry := score[j][state] - state * total[j]) > best[state]:
                best[state], origin[state] = entry, j
            score[k][1 - state] = best[state] + state * total[k] - cost
            back[k][1 - state] = origin[state]
    end, state, begin, top = n, 0, 0, -np.inf
    for k in range(n):
        for each in (0, 1):
            value = score[k][each] + each * (total[n] - total[k])
            if value > top:
                top, state, begin = value, each, k
    states = np.zeros(n, bool)
    while True:
        states[begin:end] = state == 1
        if begin == 0:
            return states
        end, begin, state = begin, back[begin][state], 1 - state
