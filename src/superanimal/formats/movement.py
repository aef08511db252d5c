"""The netCDF file of the movement package, which is the pose data set itself: lossless."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import xarray as xr

from superanimal.errors import FormatError, InputError
from superanimal.files import atomic_write
from superanimal.formats.frame_times import in_seconds, place_frames
from superanimal.poses import validate_poses

_TEXT = ("source_software", "source_file", "video_path")


def read(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a movement data set; ``frame`` and provenance, which only this project uses, are added if missing.

    Raises
    ------
    FormatError
        When the file is not netCDF or holds no poses.
    """
    try:
        with Path(path).open("rb") as file:
            engine = "scipy" if file.read(3) == b"CDF" else "h5netcdf"  # netCDF 3; libnetcdf itself can crash
        with xr.open_dataset(path, engine=engine) as stored:
            ds = stored.load()
    except (OSError, ValueError) as error:
        raise FormatError(f"{path}: not a readable netCDF file ({error})") from error
    if ds.attrs.get("ds_type", "poses") != "poses" or "position" not in ds:
        raise FormatError(
            f"{path}: ds_type {ds.attrs.get('ds_type')!r} with variables {list(ds.data_vars)}",
            "only pose data sets can be read, not boxes or other variables",
        )
    ds = ds.rename({f"{dim}s": dim for dim in ("individual", "keypoint") if f"{dim}s" in ds.dims})
    dims = ("time", "space", "keypoint", "individual")
    if set(ds["position"].dims) != set(dims):
        raise FormatError(f"{path}: position has dimensions {ds['position'].dims}", f"expected {dims}")
    position = ds["position"].transpose(*dims).astype(np.float32)
    if "confidence" not in ds:
        ds["confidence"] = xr.full_like(position.isel(space=0, drop=True), np.nan)
    confidence = ds["confidence"].transpose(dims[0], *dims[2:]).astype(np.float32)
    ds = ds.assign(position=position, confidence=confidence)
    if "edited" in ds:
        ds["edited"] = ds["edited"].astype(bool)
    if "frame" not in ds.coords:
        ds = _with_frames(ds, path)
    for name in ("space", "keypoint", "individual", "image", "box"):
        if name in ds.coords:
            dim = "time" if name == "image" else name
            ds = ds.assign_coords({name: (dim, [str(value) for value in ds[name].values])})
    ds.attrs = {**dict.fromkeys(_TEXT, ""), "provenance": "{}", "ds_type": "poses", **ds.attrs}
    ds.attrs["source_file"] = str(path)
    if "unique_keypoints" in ds.attrs:
        ds.attrs["unique_keypoints"] = np.atleast_1d(ds.attrs["unique_keypoints"]).tolist()
    try:
        return validate_poses(ds)
    except InputError as error:
        raise FormatError(f"{path}: {error.problem}", error.rule, error.remedy) from error


def _with_frames(ds: xr.Dataset, path: str | os.PathLike[str]) -> xr.Dataset:
    """Return the data set with its frame numbers, told by its times."""
    if ds.attrs.get("time_unit") == "frames":
        return ds.assign_coords(frame=("time", np.round(ds["time"].values).astype(np.int64)))
    times = in_seconds(ds["time"].values)
    frames, fps, _ = place_frames(times, float(ds.attrs.get("fps") or 0) or None, path)
    known = {"fps": fps, "time_unit": "seconds"} if fps else {"time_unit": "frames"}
    return ds.assign_coords(time=times, frame=("time", frames)).assign_attrs(known)


def write(ds: xr.Dataset, path: str | os.PathLike[str]) -> list[Path]:
    """Write the data set as netCDF 4, compressed."""
    stored = ds.copy()
    stored.encoding = {}
    for name in stored.variables:
        stored[name].encoding = {}
    numeric = [name for name in stored.data_vars if stored[name].size]
    encoding = {name: {"zlib": True, "complevel": 1, "shuffle": True} for name in numeric}
    with atomic_write(path) as temporary:
        stored.to_netcdf(temporary, mode="w", engine="h5netcdf", encoding=encoding)
    return [Path(path)]
