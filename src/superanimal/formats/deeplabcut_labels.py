"""Human labels of a DeepLabCut project: ``CollectedData_<scorer>.h5`` and ``.csv``, always both.

Rows are images ('labeled-data', video, image); older projects store the path as one string.
Every point counts as set by a person (``edited``), unless the table carries likelihoods (machine labels).
"""

from __future__ import annotations

import os
import shutil
import time
import warnings
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import xarray as xr

from superanimal.errors import FormatError
from superanimal.files import atomic_write
from superanimal.formats import record
from superanimal.formats.deeplabcut_project import LABELED_DATA, PREFIX
from superanimal.formats.pandas_h5 import read_frame, write_frame
from superanimal.formats.wide_csv import read_wide_csv, write_wide_csv
from superanimal.formats.wide_table import poses_to_table, table_to_poses


def read(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read labels from the h5 or the csv file.

    The number at the end of an image name becomes ``frame``; image paths become the coordinate ``image``.
    """
    table = read_frame(path) if Path(path).suffix.lower() in (".h5", ".hdf5") else read_wide_csv(path)
    if len(table.index) and not table.is_labels:
        raise FormatError(
            f"{path}: rows are numbers such as {table.index[0]}", "rows of labels are image paths"
        )
    ds = table_to_poses(table, path, "DeepLabCut")
    images = [str(image) for image in ds["image"].values] if "image" in ds.coords else []
    if odd := [image for image in images if len(PurePosixPath(image).parts) == 2]:
        warnings.warn(
            f"{path}: {len(odd)} of {len(images)} rows name an image in two parts, such as {odd[0]}; "
            "DeepLabCut writes labeled-data/video/image: one of the path's columns may be missing",
            stacklevel=2,
        )
    if not table.has_likelihood:
        ds["edited"] = ds["position"].notnull().all("space")
    return ds


def write(
    ds: xr.Dataset, path: str | os.PathLike[str], *, scorer: str | None = None, video: str | None = None
) -> list[Path]:
    """Write labels as h5 and csv, sorted by image.

    Files already there are kept as ``.bak``, and those from before the first change of a day under its date.

    Parameters
    ----------
    path
        The folder of the images, or either file.
    scorer
        By default the part of the file name after ``CollectedData_``, else the data set's ``scorer``.
    video
        Folder name below ``labeled-data`` for a data set without image names; by default the name of the
        target folder.

    Raises
    ------
    FormatError
        When an image appears twice.
    """
    target = Path(path)
    if target.suffix.lower() not in (".h5", ".csv"):
        target = target / f"{PREFIX}{scorer or ds.attrs.get('scorer') or 'superanimal'}.h5"
    if scorer is None and target.stem.startswith(PREFIX):
        scorer = target.stem.removeprefix(PREFIX) or None
    table = poses_to_table(ds, target, scorer=scorer, likelihood=False, dtype=np.float64)
    rows = _image_rows(ds, video or target.resolve().parent.name)
    if len(set(rows)) != len(rows):
        repeated = next(row for row in rows if rows.count(row) > 1)
        raise FormatError(f"{target}: image {'/'.join(repeated)} appears twice", "one row per image")
    order = sorted(range(len(rows)), key=rows.__getitem__)
    rows = [rows[i] for i in order]
    table = replace(table, values=table.values[order], index=rows)

    h5, text = target.with_suffix(".h5"), target.with_suffix(".csv")
    for old in (h5, text):
        if old.exists():
            first = old.with_name(f"{old.name}.{time.strftime('%Y-%m-%d')}.bak")
            for kept in (old.with_name(f"{old.name}.bak"), *([] if first.exists() else [first])):
                shutil.copy2(old, kept)
    with atomic_write(h5) as one, atomic_write(text) as two:
        write_frame(table, one, index=_pandas_index(rows))
        write_wide_csv(table, two, index=rows)
    return [h5, text, record.write_sidecar(ds, text)]


def _image_rows(ds: xr.Dataset, folder: str) -> list[tuple[str, ...]]:
    """Return the index rows: three parts if the image path has one or three, else the whole path."""
    if "image" in ds.coords:
        images = [str(image) for image in ds["image"].values]
    else:
        frames = ds["frame"].values
        width = max(3, len(str(int(frames.max(initial=0)))))
        images = [f"img{int(frame):0{width}d}.png" for frame in frames]
    parts = [PurePosixPath(image.replace("\\", "/")).parts for image in images]
    if all(len(part) in (1, 3) for part in parts):
        return [part if len(part) == 3 else (LABELED_DATA, folder, *part) for part in parts]
    return [("/".join(part),) for part in parts]


def _pandas_index(rows: list[tuple[str, ...]]) -> object:
    import pandas as pd

    if rows and len(rows[0]) == 1:
        return pd.Index([row[0] for row in rows])
    return pd.MultiIndex.from_tuples(rows)
