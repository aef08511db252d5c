from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from superanimal.adaptation.smoothing import kalman_smoothed, median_filtered, neighbours_fit
from superanimal.poses import make_poses


def track(noise: float, seed: int = 0) -> tuple[np.ndarray, xr.Dataset]:
    """A point on a curve at 60 frames per second, and what is measured of it."""
    time = np.arange(240) / 60
    truth = np.stack([200 + 80 * np.sin(2 * time), 150 + 60 * np.cos(1.3 * time)], axis=1)
    seen = truth + np.random.default_rng(seed).normal(0, noise, truth.shape)
    return truth, make_poses(seen[:, :, None, None], np.full((240, 1, 1), 0.9), keypoints=["nose"], fps=60.0)


def error(poses: xr.Dataset, truth: np.ndarray) -> float:
    return float(np.nanmedian(np.linalg.norm(poses["position"].values[:, :, 0, 0] - truth, axis=1)))


def test_filters_come_nearer_to_the_truth() -> None:
    truth, poses = track(noise=2.0)
    raw = error(poses, truth)
    assert error(median_filtered(poses), truth) < 0.8 * raw
    assert error(kalman_smoothed(poses), truth) < 0.5 * raw


def test_without_noise_filters_change_next_to_nothing() -> None:
    truth, poses = track(noise=0.0)
    assert error(kalman_smoothed(poses), truth) < 0.05


def test_unknown_points_stay_unknown() -> None:
    _, poses = track(noise=1.0)
    poses["position"].values[50:60] = np.nan
    for smooth in (median_filtered(poses), kalman_smoothed(poses)):
        gone = ~np.isfinite(smooth["position"].values).all((1, 2, 3))
        assert np.flatnonzero(gone).tolist() == list(range(50, 60))
    assert np.isfinite(poses["position"].values).sum() == 230 * 2


def test_neighbours_know_where_a_frame_that_jumps_should_be() -> None:
    truth, poses = track(noise=0.0)
    values = poses["position"].values[:, :, 0, 0].astype(float)
    values[100] += 50.0
    told = neighbours_fit(values, np.ones_like(values), np.arange(240), 60.0)
    assert np.linalg.norm(told[100] - truth[100]) < 0.1
    assert np.isnan(told[[0, -1]]).all()  # nothing before, nothing after


def test_neighbours_are_by_frame_and_not_by_row() -> None:
    frames = np.array([0, 1, 2, 3, 500, 501, 502, 503])
    values = np.arange(8.0)[:, None]
    told = neighbours_fit(values, np.ones_like(values), frames, 30.0)
    assert np.isnan(told[3, 0]) and np.isnan(told[4, 0])


@pytest.mark.parametrize("rows", [1, 3])
def test_short_tracks_are_left_alone(rows: int) -> None:
    poses = make_poses(np.ones((rows, 2, 1, 1)), keypoints=["nose"], fps=30.0)
    np.testing.assert_array_equal(kalman_smoothed(poses)["position"], poses["position"])
