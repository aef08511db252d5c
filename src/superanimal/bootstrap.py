"""Confidence intervals by bootstrap over images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from superanimal.errors import InputError
from superanimal.progress import Progress

Values = dict[str, np.ndarray]
Statistic = Callable[[np.ndarray], dict[str, float] | Values]
"""Function from image weights (I,) to named figures or curves."""


@dataclass(frozen=True)
class Interval:
    """A figure (or a curve) with the limits of its confidence interval."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def bootstrap(
    statistic: Statistic,
    clusters: Sequence[str],
    *,
    samples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    members: np.ndarray | None = None,
    progress: Progress | None = None,
) -> dict[str, Interval]:
    """Return each figure of a statistic with its percentile bootstrap interval.

    Parameters
    ----------
    statistic
        Function of the image weights.
    clusters
        Resampling unit of each of I images: its own name, or its video if neighbouring frames are similar.
    samples
        Number of draws; 0 gives no intervals (NaN limits).
    level
        Confidence level.
    seed
        Random seed.
    members : (I,) bool
        Images of the group; all by default.

    Raises
    ------
    InputError
        When the number of draws or the level is invalid.
    """
    if samples < 0 or not 0 < level < 1:
        raise InputError(f"{samples} bootstrap samples at level {level:g}", "at least 0, and a level in 0..1")
    inside = np.ones(len(clusters), dtype=bool) if members is None else members
    values = {name: np.asarray(v, dtype=float) for name, v in statistic(inside.astype(np.int64)).items()}
    drawn = [_as_arrays(statistic(w)) for w in _draws(clusters, inside, samples, seed, progress)]
    found = {}
    for name, value in values.items():
        limits = np.full((2, *value.shape), np.nan)
        if drawn:
            every = np.stack([one[name] for one in drawn])
            known = np.isfinite(every).any(0)
            tail = (1 - level) / 2
            limits[:, known] = np.nanquantile(every[:, known], [tail, 1 - tail], axis=0)
        found[name] = Interval(value, limits[0], limits[1])
    return found


def _draws(
    clusters: Sequence[str], inside: np.ndarray, samples: int, seed: int, progress: Progress | None
) -> Iterator[np.ndarray]:
    """Yield the image weights of each draw."""
    names, number = np.unique(np.asarray(clusters)[inside], return_inverse=True)
    random = np.random.default_rng(seed)
    for _ in range(samples if len(names) > 1 else 0):
        if progress is not None:
            progress.check()
            progress.advance()
        counts = np.bincount(random.integers(0, len(names), len(names)), minlength=len(names))
        weights = np.zeros(len(inside), dtype=np.int64)
        weights[inside] = counts[number]
        yield weights


def _as_arrays(values: dict[str, float] | Values) -> Values:
    return {name: np.asarray(value, dtype=float) for name, value in values.items()}
