"""One-to-one assignment that may leave points unmatched: by distance per image, then by votes."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment


def assign(gain: np.ndarray, alone: float) -> np.ndarray:
    """Return the column (U,) of each row that maximises the total gain; -1 for unmatched rows.

    Parameters
    ----------
    gain : (U, K)
        Gain of pairing a row and a column; NaN where they cannot be paired.
    alone
        Gain of leaving a row unmatched: pairs with a smaller gain are not made.
    """
    rows, columns = gain.shape
    cost = np.full((rows, columns + rows), -alone)
    possible = np.isfinite(gain) & (gain >= alone)
    cost[:, :columns] = np.where(possible, -gain, np.abs(gain[possible]).max(initial=abs(alone)) + 1)
    _, chosen = linear_sum_assignment(cost)
    return np.where(chosen < columns, chosen, -1)


def vote(distances: np.ndarray, max_distance: float) -> np.ndarray:
    """Assign the points of every animal by distance and return how often each pair was assigned.

    Parameters
    ----------
    distances : (M, U, K)
        Body lengths; NaN where either point is not seen.
    max_distance
        Cost of leaving a labelled point unmatched.

    Returns
    -------
    (U, K) float64
        Fraction of the animals with both points in which the two were assigned; 0 if no animal has both.
    """
    joined = np.zeros(distances.shape[1:])
    for own in distances:
        chosen = assign(-own, -max_distance)
        rows = np.flatnonzero(chosen >= 0)
        joined[rows, chosen[rows]] += 1
    return joined / np.maximum(np.isfinite(distances).sum(0), 1)
