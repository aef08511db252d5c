"""Statistics of values that each count a whole number of times, as in a bootstrap sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def mean(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the weighted mean of values (n,); NaN values do not count."""
    known = np.isfinite(values)
    total = weights[known].sum()
    return float(weights[known] @ values[known] / total) if total else float("nan")


def root_mean_square(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the square root of the weighted mean of the squares of values (n,)."""
    return float(np.sqrt(mean(values**2, weights)))


class Ordered:
    """Values sorted once, for the quantiles of many weightings.

    Parameters
    ----------
    values : (n,)
        NaN values do not count.
    owner : (n,) int
        Image each value belongs to.
    """

    def __init__(self, values: np.ndarray, owner: np.ndarray) -> None:
        known = np.isfinite(values)
        order = np.argsort(values[known], kind="stable")
        self.values = values[known][order]
        self.owner = owner[known][order]

    def quantiles(self, at: Sequence[float], weights: np.ndarray) -> np.ndarray:
        """Return quantiles with linear interpolation, as numpy's of the values repeated ``weights`` times.

        Parameters
        ----------
        at
            Between 0 and 1.
        weights : (I,) int
            How often each image counts.
        """
        upto = np.cumsum(weights[self.owner])
        if not len(upto) or upto[-1] == 0:
            return np.full(len(at), np.nan)
        place = np.asarray(at) * (upto[-1] - 1)
        low = np.floor(place)
        below = self.values[np.searchsorted(upto, low, side="right")]
        above = self.values[np.searchsorted(upto, np.ceil(place), side="right")]
        return below + (above - below) * (place - low)

    def share_within(self, limits: np.ndarray, weights: np.ndarray, total: float) -> np.ndarray:
        """Return which share of ``total`` values does not exceed each limit."""
        upto = np.concatenate([[0], np.cumsum(weights[self.owner])])
        return upto[np.searchsorted(self.values, limits, side="right")] / total if total else limits * np.nan
