"""One-to-one assignment that may leave points alone: per image by distance, then over all images by votes."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment


def assign(gain: np.ndarray, alone: float) -> np.ndarray:
    """Return the column (U,) of each row that makes the summed gain largest; -1 for rows left alone.

    Parameters
    ----------
    gain : (U, K)
        Gain of joining a row and a column; NaN where they cannot be joined.
    alone
        Gain of leaving a row alone: no pair with less is made.
    """
    rows, columns = gain.shape
    cost = np.full((rows, columns + rows), -alone)
    possible = np.isfinite(gain) & (gain >= alone)
    cost[:, :columns] = np.where(possible, -gain, np.abs(gain[possible]).max(initial=abs(alone)) + 1)
    _, chosen = linear_sum_assignment(cost)
    return np.where(chosen < columns, chosen, -1)


def vote(distances: np.ndarray, max_distance: float) -> np.ndarray:
    """Assign the points of every animal on their distances and return how often each pair was joined.

    Parameters
    ----------
    distances : (M, U, K)
        Body lengths; NaN where either point is not seen.
    max_distance
        What it costs to leave a labelled point alone.

    Returns
    -------
    (U, K) float64
        Share of the animals showing both in which the two were joined; 0 when none shows both.
    """
    joined = np.zeros(distances.shape[1:])
    for own in distances:
        chosen = assign(-own, -max_distance)
        rows = np.flatnonzero(chosen >= 0)
        joined[rows, chosen[rows]] += 1
    return joined / np.maximum(np.isfinite(distances).sum(0), 1)
