"""Five networks on one video of a mouse in two mirrored views: both views must say the same x."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

import superanimal
from superanimal.adaptation.smoothing import kalman_smoothed, median_filtered

HEAD = ["", "disagreement of the views in x, px"]


def disagreement(poses: xr.Dataset) -> float:
    """Return the mean distance in x between the views of each paw, each paw's median taken off, in pixels."""
    names = list(map(str, poses["keypoint"].values))
    x = poses["position"].isel(individual=0).sel(space="x").transpose("time", "keypoint").values
    above = [k for k, name in enumerate(names) if name.endswith("_top")]
    below = [names.index(names[k].replace("_top", "_bot")) for k in above]
    apart = x[:, above] - x[:, below]
    return float(np.nanmean(np.abs(apart - np.nanmedian(apart, axis=0))))


def ensembles(data: Path) -> list[list[str]]:
    """Return the table."""
    files = sorted((data / "eks-mirror-mouse").glob("*.csv"))
    each = [superanimal.load_poses(file) for file in files]
    rows = []
    ways: tuple[tuple[str, Callable[[xr.Dataset], xr.Dataset]], ...] = (
        ("one network", lambda poses: poses),
        ("one network, median filter", median_filtered),
        ("one network, Kalman smoother", kalman_smoothed),
    )
    for title, way in ways:
        figures = sorted(disagreement(way(poses)) for poses in each)
        rows.append([title, f"{figures[0]:.2f} to {figures[-1]:.2f}"])
    middle = superanimal.ensemble(files, smooth=False)
    for title, poses in (
        ("median over the five networks (bar: below it)", middle),
        ("the same, median filter", median_filtered(middle)),
        ("`superanimal.ensemble`", superanimal.ensemble(files)),
    ):
        rows.append([title, f"{disagreement(poses):.2f}"])
    return rows
