"""Statistics of values with whole-number weights, as in a bootstrap sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def mean(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the weighted mean of values (n,), ignoring NaN."""
    known = np.isfinite(values)
    total = weights[known].sum()
    return float(weights[known] @ values[known] / total) if total else float("nan")


def root_mean_square(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the square root of the weighted mean of the squares of values (n,)."""
    return float(np.sqrt(mean(values**2, weights)))


class Ordered:
    """Values sorted once, for quantiles under many weightings.

    Parameters
    ----------
    values : (n,)
        NaN values are ignored.
    owner : (n,) int
        Image that each value belongs to.
    """

    def __init__(self, values: np.ndarray, owner: np.ndarray) -> None:
        known = np.isfinite(values)
        order = np.argsort(values[known], kind="stable")
        self.values = values[known][order]
        self.owner = owner[known][order]

    def quantiles(self, at: Sequence[float], weights: np.ndarray) -> np.ndarray:
        """Return quantiles with linear interpolation, equal to numpy's for values repeated ``weights`` times.

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
        """Return the fraction of ``total`` values that do not exceed each limit."""
        upto = np.concatenate([[0], np.cumsum(weights[self.owner])])
        return upto[np.searchsorted(self.values, limits, side="right")] / total if total else limits * np.nan
