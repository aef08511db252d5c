"""movement's half of ``benchmarks/clients.py``; runs in movement's own environment, without our code.

    _movement_client.py FOLDER    # prints one JSON line per call

FOLDER holds the same poses as ``poses.nc`` (our data set itself), ``poses.h5`` and ``poses.csv`` (those of
DeepLabCut), ``poses.slp``, ``poses.analysis.h5``, ``poses.nwb`` and one ``poses_INDIVIDUAL.nwb`` per animal.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
import xarray as xr
from movement.filtering import filter_by_confidence, interpolate_over_time, rolling_filter, savgol_filter
from movement.io import load_dataset, load_poses, save_poses
from movement.kinematics import (
    compute_acceleration,
    compute_forward_displacement,
    compute_forward_vector,
    compute_pairwise_distances,
    compute_path_length,
    compute_speed,
    compute_velocity,
)
from movement.plots import plot_centroid_trajectory, plot_occupancy
from movement.validators.datasets import ValidPosesInputs
from pynwb import NWBHDF5IO


def readers(folder: Path, ours: xr.Dataset) -> dict[str, Callable[[], str]]:
    """Return the calls that read; each compares names, positions and scores with our data set."""
    rate, names = float(ours.attrs["fps"]), [str(name) for name in ours["individual"].values]
    calls = {
        "load_dataset(h5)": lambda: load_dataset(folder / "poses.h5", "DeepLabCut", fps=rate),
        "load_dataset(csv)": lambda: load_dataset(folder / "poses.csv", "DeepLabCut", fps=rate),
        "load_dataset(slp)": lambda: load_dataset(folder / "poses.slp", "SLEAP", fps=rate),
        "load_dataset(analysis.h5)": lambda: load_dataset(folder / "poses.analysis.h5", "SLEAP", fps=rate),
    }

    def one(path: Path, name: str, **options: str) -> xr.Dataset:
        found = load_poses.from_nwb_file(path, **options)
        if found["individual"].values.tolist() != [name]:
            raise ValueError(f"the animal is called {found['individual'].values.tolist()}")
        return found

    for name in names:
        calls[f"from_nwb_file(one animal, {name})"] = lambda name=name: one(
            folder / f"poses_{name}.nwb", name
        )
        key = {"pose_estimation_key": name}
        calls[f"from_nwb_file(pose_estimation_key={name!r})"] = lambda key=key: load_poses.from_nwb_file(
            folder / "poses.nwb", **key
        ).assign_coords(individual=[key["pose_estimation_key"]])
    return {title: lambda call=call: same(call(), ours) for title, call in calls.items()}


def same(read: xr.Dataset, ours: xr.Dataset) -> str:
    """Refuse a data set whose names, positions or scores are not ours; say how far it differs."""
    ours = ours.sel(individual=read["individual"].values, keypoint=read["keypoint"].values)
    far = 0.0
    for name in ("position", "confidence"):
        mine, theirs = ours[name], read[name].transpose(*ours[name].dims)
        both = (np.isfinite(mine.values), np.isfinite(theirs.values))
        if name == "position" and (both[0] != both[1]).any():
            raise ValueError("other points are missing")
        far = max(far, float(np.nanmax(np.abs(mine.values - theirs.values))))
    if far > 1e-3 or not np.allclose(read["time"], ours["time"], atol=1e-6):
        raise ValueError(f"differs by {far:g}, times {read['time'].values[:3]}")
    return f"{read.sizes['time']} frames, largest difference {far:.1g}"


def uses(folder: Path, ours: xr.Dataset) -> dict[str, Callable[[], str]]:
    """Return the calls that take our data set as it is."""
    position, keypoints = ours["position"], [str(name) for name in ours["keypoint"].values]

    def finite(found: xr.DataArray) -> str:
        share = float(np.isfinite(found).mean())
        if not share:
            raise ValueError("nothing but NaN")
        return f"{dict(found.sizes)}, {100 * share:.0f} % finite"

    def drawn(figure: object, name: str) -> str:
        figure.savefig(folder / name)
        return f"{(folder / name).stat().st_size} bytes"

    def written(name: str, write: Callable[[xr.Dataset, Path], object]) -> str:
        write(ours, folder / name)
        return same(load_dataset(folder / name, fps=float(ours.attrs["fps"])), ours)

    def lightning_pose() -> str:
        one = ours.isel(individual=[0])
        save_poses.to_lp_file(one, folder / "theirs_lp.csv")  # it puts the animal into the name
        written = folder / f"theirs_lp_{one['individual'].item()}.csv"
        read = load_poses.from_lp_file(written, fps=float(ours.attrs["fps"]))
        return same(read.assign_coords(individual=one["individual"].values), ours)

    def nwb() -> str:
        files = save_poses.to_nwb_file(ours)
        for file in files if isinstance(files, list) else [files]:
            with NWBHDF5IO(folder / f"theirs_{file.identifier}.nwb", "w") as io:
                io.write(file)
        return f"{len(list(folder.glob('theirs_*.nwb')))} files"

    def valid() -> str:
        ValidPosesInputs.validate(ours)
        return "accepted"

    return {
        "ValidPosesInputs.validate": valid,
        "compute_velocity": lambda: finite(compute_velocity(position)),
        "compute_acceleration": lambda: finite(compute_acceleration(position)),
        "compute_speed": lambda: finite(compute_speed(position)),
        "compute_forward_displacement": lambda: finite(compute_forward_displacement(position)),
        "compute_path_length": lambda: finite(compute_path_length(position, nan_policy="scale")),
        "compute_forward_vector": lambda: finite(compute_forward_vector(position, *keypoints[1:3])),
        "compute_pairwise_distances": lambda: finite(
            compute_pairwise_distances(position, "keypoint", {keypoints[0]: keypoints[1]})
        ),
        "filter_by_confidence": lambda: finite(filter_by_confidence(position, ours["confidence"], 0.3)),
        "interpolate_over_time": lambda: finite(interpolate_over_time(position, max_gap=5)),
        "rolling_filter": lambda: finite(rolling_filter(position, window=3, min_periods=1)),
        "savgol_filter": lambda: finite(
            savgol_filter(position, window=5, mode="nearest")  # its default refuses gaps at the ends
        ),
        "plot_centroid_trajectory": lambda: drawn(plot_centroid_trajectory(position)[0], "trajectory.png"),
        "plot_occupancy": lambda: drawn(plot_occupancy(position)[0], "occupancy.png"),
        "to_dlc_file": lambda: written(
            "theirs.h5", lambda ds, path: save_poses.to_dlc_file(ds, path, split_individuals=False)
        ),
        "to_sleap_analysis_file": lambda: written("theirs.slp.h5", save_poses.to_sleap_analysis_file),
        "to_lp_file": lightning_pose,
        "to_nwb_file": nwb,
    }


def main() -> None:
    """Make every call and print what came of it."""
    folder = Path(sys.argv[1])
    warnings.simplefilter("ignore")
    ours = xr.open_dataset(folder / "poses.nc").load()
    for name, call in (readers(folder, ours) | uses(folder, ours)).items():
        try:
            print("CALL " + json.dumps([name, True, call()]), flush=True)
        except Exception as error:
            traceback.print_exc()
            print("CALL " + json.dumps([name, False, f"{type(error).__name__}: {error}"]), flush=True)


if __name__ == "__main__":
    main()
