"""Tables of what animals did: time budget, transitions, time bins."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from superanimal.behavior.bouts import labels_of
from superanimal.errors import InputError

BUDGET = ["individual", "label", "total_s", "share", "bouts", "per_minute", "mean_s", "median_s", "longest_s",
          "latency_s"]  # fmt: skip
TRANSITIONS = ["individual", "before", "after", "count", "probability"]
BINS = ["individual", "label", "start_s", "end_s", "total_s", "share", "bouts"]
APART_S = 1.0
"""A bout that begins later than this after the end of the one before does not follow it."""


def time_budget(
    bouts: pd.DataFrame,
    duration_s: float,
    individuals: Sequence[str] = (),
    labels: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return how long and how often each animal does what.

    Parameters
    ----------
    bouts
        A bouts table, of one rater.
    duration_s
        Length of the recording.
    individuals
        Animals that get rows even without a bout.
    labels
        Labels that get rows; those of the table by default.

    Returns
    -------
    pandas.DataFrame
        ``individual, label, total_s, share`` (of the recording), ``bouts, per_minute, mean_s, median_s,
        longest_s, latency_s``; NaN where there is no bout.

    Examples
    --------
    >>> from superanimal.behavior import check_bouts
    >>> bouts = check_bouts(pd.DataFrame({"start_s": [2.0, 6.0], "end_s": [3.0, 9.0], "label": "rear"}))
    >>> time_budget(bouts, 10)[["total_s", "share", "bouts", "latency_s"]].iloc[0].tolist()
    [4.0, 0.4, 2.0, 2.0]
    """
    if not duration_s > 0:
        raise InputError(f"a recording of {duration_s} s", "its length must be positive")
    rows = []
    for who in sorted({*bouts["individual"], *individuals}):
        for label in labels_of(bouts) if labels is None else labels:
            own = bouts[(bouts["individual"] == who) & (bouts["label"] == label)]
            length = (own["end_s"] - own["start_s"]).to_numpy(float)
            some, total = length.size > 0, float(np.diff(_united(own), axis=1).sum())
            rows.append(
                {
                    "individual": who,
                    "label": label,
                    "total_s": total,
                    "share": total / duration_s,
                    "bouts": len(own),
                    "per_minute": 60 * len(own) / duration_s,
                    "mean_s": float(length.mean()) if some else np.nan,
                    "median_s": float(np.median(length)) if some else np.nan,
                    "longest_s": float(length.max()) if some else np.nan,
                    "latency_s": float(own["start_s"].min()) if some else np.nan,
                }
            )
    return pd.DataFrame(rows, columns=BUDGET)


def transitions(bouts: pd.DataFrame, apart_s: float = APART_S) -> pd.DataFrame:
    """Return how often one behaviour follows another in the same animal, target and stream.

    Parameters
    ----------
    bouts
        A bouts table; where behaviours overlap, order is that of their starts.
    apart_s
        A bout that begins later than this after the end of the one before does not follow it.

    Returns
    -------
    pandas.DataFrame
        ``individual, before, after, count, probability`` (of ``after``, given ``before``).
    """
    pairs = []
    for (who, _, _), own in bouts.groupby(["individual", "target", "stream"], sort=True):
        own = own.sort_values(["start_s", "end_s"])
        follows = own["start_s"].to_numpy()[1:] - own["end_s"].to_numpy()[:-1] <= apart_s
        labels = own["label"].to_numpy()
        pairs += [(who, *pair) for pair in zip(labels[:-1][follows], labels[1:][follows], strict=True)]
    table = pd.DataFrame(pairs, columns=TRANSITIONS[:3])
    table = table.groupby(TRANSITIONS[:3], sort=True).size().rename("count").reset_index()
    table["probability"] = table["count"] / table.groupby(["individual", "before"])["count"].transform("sum")
    return table


def time_bins(bouts: pd.DataFrame, duration_s: float, bin_s: float) -> pd.DataFrame:
    """Return how long and how often each animal does what in each part of the recording.

    Parameters
    ----------
    bin_s
        Length of a part; the last one may be shorter.

    Returns
    -------
    pandas.DataFrame
        ``individual, label, start_s, end_s, total_s, share, bouts`` (those that begin in it).
    """
    if not (bin_s > 0 and duration_s > 0):
        raise InputError(f"bins of {bin_s} s in {duration_s} s", "both must be positive")
    edges = np.append(np.arange(0, duration_s - 1e-9, bin_s), duration_s)
    rows = []
    for (who, label), own in bouts.groupby(["individual", "label"], sort=True):
        starts, united = own["start_s"].to_numpy(float), _united(own)
        for low, high in pairwise(edges):
            total = float(
                np.clip(np.minimum(united[:, 1], high) - np.maximum(united[:, 0], low), 0, None).sum()
            )
            begin = int(((starts >= low) & (starts < high)).sum())
            rows.append([who, label, low, high, total, total / (high - low), begin])
    return pd.DataFrame(rows, columns=BINS)


def _united(bouts: pd.DataFrame) -> np.ndarray:
    """Return the time in which any of some bouts lasts, (N, 2) starts and ends."""
    spans: list[list[float]] = []
    for start, end in bouts.sort_values("start_s")[["start_s", "end_s"]].to_numpy(float):
        if spans and start <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], end)
        else:
            spans.append([start, end])
    return np.array(spans).reshape(-1, 2)
