"""The most probable sequence of states."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def best_path(evidence: np.ndarray, change: Callable[[int], np.ndarray]) -> np.ndarray:
    """Return the most probable state of each of T rows, (T,) or (T, B), by the Viterbi algorithm.

    Parameters
    ----------
    evidence
        Logarithms of how well each of C states explains each row, (T, C), or (T, B, C) for B sequences at
        once, which takes little longer than one.
    change
        ``change(t)`` gives the logarithms (C, C) or (B, C, C) of the chances to go from the state of row
        t - 1 (first axis of states) to that of row t.

    Examples
    --------
    >>> stay = np.log([[0.9, 0.1], [0.1, 0.9]])
    >>> best_path(np.log([[0.9, 0.1], [0.4, 0.6], [0.9, 0.1]]), lambda t: stay).tolist()
    [0, 0, 0]
    """
    path = np.zeros(evidence.shape[:-1], dtype=int)
    if not path.size:
        return path
    rows, states = len(evidence), evidence.shape[-1]
    best, back = evidence[0], np.zeros(evidence.shape, dtype=np.int16)
    for t in range(1, rows):
        reached = best[..., None] + change(t)
        back[t] = reached.argmax(axis=-2)
        best = reached.max(axis=-2) + evidence[t]
    flat, came = path.reshape(rows, -1), back.reshape(rows, -1, states)
    every = np.arange(flat.shape[1])
    flat[-1] = best.argmax(axis=-1).ravel()
    for t in range(rows - 1, 0, -1):
        flat[t - 1] = came[t, every, flat[t]]
    return path
