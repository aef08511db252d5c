"""Pose data sets of generated gaits."""

from __future__ import annotations

import numpy as np
import xarray as xr

from superanimal.poses import make_poses
from superanimal.synth.gaits import GaitTruth


def poses_of(truth: GaitTruth) -> xr.Dataset:
    return make_poses(truth.position[..., None], keypoints=truth.keypoints, times=truth.time)


def nearest(found: np.ndarray, true: np.ndarray, truth: GaitTruth) -> np.ndarray:
    """Return the error of the nearest event for each true one that is not at the edge, seconds."""
    inside = true[(true > 0.2 * truth.period) & (true < truth.time[-1] - 0.2 * truth.period)]
    return np.array([np.abs(found - t).min() for t in inside])
