"""Predictions of Lightning Pose: the single-animal csv of DeepLabCut, sometimes with extra columns.

``x, y, likelihood`` are read; columns of ensembles (``x_ens_median``, ...) and ``set`` are ignored.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import xarray as xr

from superanimal.errors import FormatError
from superanimal.files import atomic_write
from superanimal.formats import record
from superanimal.formats.wide_csv import read_wide_csv, write_wide_csv
from superanimal.formats.wide_table import poses_to_table, table_to_poses

SCORER = "heatmap_tracker"


def read(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read predictions."""
    return table_to_poses(read_wide_csv(path), path, "LightningPose")


def write(ds: xr.Dataset, path: str | os.PathLike[str], *, scorer: str = SCORER) -> list[Path]:
    """Write predictions of one animal.

    Raises
    ------
    FormatError
        When there is more than one individual.
    """
    if ds.sizes["individual"] != 1:
        raise FormatError(
            f"{path}: {ds.sizes['individual']} individuals",
            "Lightning Pose files hold one animal",
            'select one with ds.sel(individual=["animal0"]), or save as dlc-csv',
        )
    single = ds.assign_coords(individual=["animal0"])
    table = poses_to_table(single, path, scorer=scorer, likelihood=True, dtype=np.float32)
    with atomic_write(path) as temporary:
        write_wide_csv(table, temporary)
    return [Path(path), record.write_sidecar(ds, path)]
