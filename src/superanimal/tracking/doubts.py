"""Where it is doubtful who is who: stretches of a tracked recording with their confidence."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr

from superanimal.errors import InputError

DOUBTFUL = 0.9
"""Confidence below which a name is called doubtful: one in ten of them is wrong, and worth a look."""


def doubts(poses: xr.Dataset) -> pd.DataFrame:
    """Return the stretches in which each individual is seen, cut where its name becomes doubtful.

    Parameters
    ----------
    poses
        What ``superanimal.track`` returned, or a file of it that was loaded.

    Returns
    -------
    DataFrame
        ``individual, first, last`` (rows of the data set, both inclusive) and ``confidence``, the lowest
        within the stretch, below :data:`DOUBTFUL` throughout or nowhere.

    Raises
    ------
    InputError
        When the poses have no ``identity_confidence``.
    """
    if "identity_confidence" not in poses:
        raise InputError(
            "the poses have no identity_confidence", "tracking gives it", "call superanimal.track first"
        )
    rows = []
    for name in poses["individual"].values:
        sure = poses["identity_confidence"].sel(individual=name).values
        state = np.where(np.isnan(sure), 0, np.where(sure < DOUBTFUL, 1, 2))
        edges = np.concatenate([[0], np.flatnonzero(np.diff(state)) + 1, [len(state)]])
        for first, end in pairwise(edges.tolist()):
            if end > first and state[first]:
                rows.append((str(name), first, end - 1, float(sure[first:end].min())))
    return pd.DataFrame(rows, columns=["individual", "first", "last", "confidence"])
