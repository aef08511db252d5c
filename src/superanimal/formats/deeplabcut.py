"""Predictions in the HDF5 and csv files of DeepLabCut 1, 2 and 3, SuperAnimal results included.

Data that DeepLabCut supports is written exactly as DeepLabCut 3 does: key ``df_with_missing``, float32
columns (scorer, [individuals,] bodyparts, coords), the frame number as index. Everything else (boxes, edit
marks, frame rate, provenance) goes into a group ``superanimal`` of the same HDF5 file, which DeepLabCut
ignores; a csv has no place for it, see :mod:`superanimal.formats.record`.
"""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from superanimal.files import atomic_write
from superanimal.formats import record
from superanimal.formats.deeplabcut_names import (
    in_folder,
    meta_of,
    only_frames,
    row_per_frame,
    scorer_for,
    split_name,
    warn_of_crop,
    write_meta,
)
from superanimal.formats.pandas_h5 import EXTRAS, read_frame, write_frame
from superanimal.formats.wide_csv import read_wide_csv, write_wide_csv
from superanimal.formats.wide_table import WideTable, poses_to_table, table_to_poses

SOFTWARE = "DeepLabCut"

_EXTRA_VARIABLES = ("edited", "boxes", "box_confidence")


def read_h5(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read predictions from an HDF5 file, ``fixed`` or ``table``."""
    ds = table_to_poses(read_frame(path), path, SOFTWARE)
    with h5py.File(path) as file:
        extras = file.get(EXTRAS)
        if extras is not None and "frames" in extras:
            ds = only_frames(ds, extras["frames"][:])
        for name in _EXTRA_VARIABLES:
            if extras is not None and name in extras and len(extras[name]) == ds.sizes["time"]:
                ds[name] = (tuple(extras[name].attrs["dims"]), extras[name][:])
        if "boxes" in ds:
            ds = ds.assign_coords(box=["x", "y", "width", "height"])
    warn_of_crop(meta_of(path, ds.attrs["video_path"]), path)
    return ds


def write_h5(
    ds: xr.Dataset,
    path: str | os.PathLike[str],
    *,
    scorer: str | None = None,
    video_size: tuple[int, int] | None = None,
    video_frames: int | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write predictions as DeepLabCut 3 does.

    A file named ``<video><scorer>[_el].h5``, with a scorer that begins with ``DLC_``, gets a row for every
    frame up to the last one, and ``<video><scorer>_meta.pickle`` is written beside it.

    Parameters
    ----------
    path
        The file. In a folder, the file is named after the video, see
        :func:`~superanimal.formats.deeplabcut_names.in_folder`.
    scorer
        Name in the first column level; by default the one in the file name, else the ``scorer`` attribute of
        the data set.
    video_size, video_frames
        Width and height in pixels and number of frames of the video, for the ``_meta.pickle``; by default
        read from the video if it is there.
    overwrite
        Replace a file in the folder.

    Raises
    ------
    FormatError
        When the file name contains another scorer.
    InputError, StorageError
        When ``path`` is a folder and the poses name no video, or the file already exists.
    """
    path = in_folder(ds, path, scorer, ".h5", overwrite=overwrite)
    table = _table(ds, path, scorer)
    frames = table.record.pop("frames", None)
    with atomic_write(path) as temporary:
        write_frame(table, temporary)
        with h5py.File(temporary, "r+") as file:
            extras = file[EXTRAS]
            if frames is not None:
                extras.create_dataset("frames", data=frames, compression="gzip")
            for name in _EXTRA_VARIABLES:
                if name in ds:
                    stored = extras.create_dataset(
                        name, data=ds[name].values, compression="gzip", compression_opts=1, shuffle=True
                    )
                    stored.attrs["dims"] = list(ds[name].dims)
    return [Path(path), *write_meta(ds, path, size=video_size, frames=video_frames)]


def read_csv(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read predictions from a csv file."""
    table = read_wide_csv(path)
    ds = table_to_poses(table, path, SOFTWARE)
    warn_of_crop(meta_of(path, ds.attrs["video_path"]), path)
    return only_frames(ds, table.record["frames"]) if "frames" in table.record else ds


def write_csv(
    ds: xr.Dataset, path: str | os.PathLike[str], *, scorer: str | None = None, overwrite: bool = False
) -> list[Path]:
    """Write predictions as a DeepLabCut csv, with the record beside it; see :func:`write_h5`."""
    path = in_folder(ds, path, scorer, ".csv", overwrite=overwrite)
    table = _table(ds, path, scorer)
    with atomic_write(path) as temporary:
        write_wide_csv(table, temporary)
    more = {"frames": table.record["frames"]} if "frames" in table.record else {}
    return [Path(path), record.write_sidecar(ds, path, **more)]


def _table(ds: xr.Dataset, path: str | os.PathLike[str], scorer: str | None) -> WideTable:
    """Return the table of a data set, with the scorer and the rows that the file name requires."""
    scorer = scorer_for(ds, path, scorer)
    table = poses_to_table(ds, path, scorer=scorer, likelihood=True, dtype=np.float32)
    return table if split_name(path, str(ds.attrs.get("video_path", ""))) is None else row_per_frame(table)
