"""Predictions in the HDF5 and csv files of DeepLabCut 1, 2 and 3, SuperAnimal results included.

What DeepLabCut knows is written exactly as DeepLabCut 3 does: key ``df_with_missing``, float32 columns
(scorer, [individuals,] bodyparts, coords), the frame number as index. What it does not know (boxes, edit
marks, frame rate, provenance) goes into a group ``superanimal`` of the same HDF5 file, which it ignores; a
csv has no such room, see :mod:`superanimal.formats.record`.
"""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from superanimal.files import atomic_write
from superanimal.formats import record
from superanimal.formats.pandas_h5 import EXTRAS, read_frame, write_frame
from superanimal.formats.wide_csv import read_wide_csv, write_wide_csv
from superanimal.formats.wide_table import poses_to_table, table_to_poses

SOFTWARE = "DeepLabCut"

_EXTRA_VARIABLES = ("edited", "boxes", "box_confidence")


def read_h5(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read predictions from an HDF5 file, ``fixed`` or ``table``."""
    ds = table_to_poses(read_frame(path), path, SOFTWARE)
    with h5py.File(path) as file:
        extras = file.get(EXTRAS)
        for name in _EXTRA_VARIABLES:
            if extras is not None and name in extras:
                ds[name] = (tuple(extras[name].attrs["dims"]), extras[name][:])
        if "boxes" in ds:
            ds = ds.assign_coords(box=["x", "y", "width", "height"])
    return ds


def write_h5(ds: xr.Dataset, path: str | os.PathLike[str], *, scorer: str | None = None) -> list[Path]:
    """Write predictions as DeepLabCut 3 does.

    Parameters
    ----------
    scorer
        Name in the first column level; by default the data set's own ``scorer`` attribute.
    """
    table = poses_to_table(ds, path, scorer=scorer, likelihood=True, dtype=np.float32)
    with atomic_write(path) as temporary:
        write_frame(table, temporary)
        with h5py.File(temporary, "r+") as file:
            extras = file[EXTRAS]
            for name in _EXTRA_VARIABLES:
                if name in ds:
                    stored = extras.create_dataset(
                        name, data=ds[name].values, compression="gzip", compression_opts=1, shuffle=True
                    )
                    stored.attrs["dims"] = list(ds[name].dims)
    return [Path(path)]


def read_csv(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read predictions from a csv file."""
    return table_to_poses(read_wide_csv(path), path, SOFTWARE)


def write_csv(ds: xr.Dataset, path: str | os.PathLike[str], *, scorer: str | None = None) -> list[Path]:
    """Write predictions as DeepLabCut's csv and the record beside it."""
    table = poses_to_table(ds, path, scorer=scorer, likelihood=True, dtype=np.float32)
    with atomic_write(path) as temporary:
        write_wide_csv(table, temporary)
    return [Path(path), record.write_sidecar(ds, path)]
