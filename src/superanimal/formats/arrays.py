"""Plain numbers without names: a csv with no header, or an ``.npy`` array. The caller names the columns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from superanimal.errors import FormatError
from superanimal.poses import make_poses
from superanimal.poses.dataset import SPACE


def read(
    path: str | os.PathLike[str],
    *,
    keypoints: Sequence[str] | None = None,
    individuals: Sequence[str] = ("animal0",),
    coords: str = "xy",
) -> xr.Dataset:
    """Read rows of numbers, one row per frame.

    Parameters
    ----------
    keypoints, individuals
        Names in the order of the columns: all keypoints of the first individual, then the next. An
        ``.npy`` array may have the shape (T, N, K, C).
    coords
        Columns of one keypoint, such as ``"xyz"``; columns other than x, y and z are ignored.

    Raises
    ------
    FormatError
        When the names are missing or do not match the number of columns.
    """
    try:
        with Path(path).open("rb") as file:
            binary = file.read(6) == b"\x93NUMPY"
        values = np.load(path, allow_pickle=False) if binary else np.loadtxt(path, delimiter=",", ndmin=2)
    except ValueError as error:
        raise FormatError(f"{path}: not a table of numbers ({error})") from error
    values = values.reshape(len(values), -1)
    if keypoints is None:
        raise FormatError(
            f"{path}: {values.shape[1]} columns of numbers without names",
            "such a file does not say what its columns are",
            'name them: load_poses(path, keypoints=["nose", ...], coords="xyz")',
        )
    expected = len(individuals) * len(keypoints) * len(coords)
    if values.shape[1] != expected or not {"x", "y"} <= set(coords):
        raise FormatError(
            f"{path}: {values.shape[1]} columns",
            f"{len(individuals)} individuals x {len(keypoints)} keypoints x {coords!r} make {expected}, "
            "with x and y among them",
        )
    points = values.reshape(len(values), len(individuals), len(keypoints), len(coords))
    position = points[..., [coords.index(axis) for axis in SPACE if axis in coords]].transpose(0, 3, 2, 1)
    return make_poses(
        position, keypoints=list(keypoints), individuals=list(individuals), source_file=str(path)
    )
