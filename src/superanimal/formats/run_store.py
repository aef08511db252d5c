"""The zarr store of an analysis run as a pose format: it can be read while it grows."""

from __future__ import annotations

import os

import xarray as xr


def read(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read the finished chunks of a run."""
    from superanimal.poses.run_store import RunStore

    return RunStore.open(path).to_poses()
