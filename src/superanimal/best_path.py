"""The most probable sequence of states."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def best_path(evidence: np.ndarray, change: Callable[[int], np.ndarray]) -> np.ndarray:
    """Return the most probable state of each of T rows, (T,), by the Viterbi algorithm.

    Parameters
    ----------
    evidence
        (T, C) logarithms of how well each state explains each row.
    change
        ``change(t)`` gives the logarithms (C, C) of the chances to go from the state of row t - 1 (first
        axis) to that of row t.

    Examples
    --------
    >>> stay = np.log([[0.9, 0.1], [0.1, 0.9]])
    >>> best_path(np.log([[0.9, 0.1], [0.4, 0.6], [0.9, 0.1]]), lambda t: stay).tolist()
    [0, 0, 0]
    """
    rows, states = evidence.shape
    if not rows:
        return np.zeros(0, dtype=int)
    best, back, every = evidence[0].copy(), np.zeros((rows, states), dtype=np.int16), np.arange(states)
    for t in range(1, rows):
        reached = best[:, None] + change(t)
        back[t] = reached.argmax(axis=0)
        best = reached[back[t], every] + evidence[t]
    path = np.zeros(rows, dtype=int)
    path[-1] = int(best.argmax())
    for t in range(rows - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    return path
