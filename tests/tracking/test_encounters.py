"""Keypoints of animals that touch."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr

from superanimal import track
from superanimal.poses import make_poses
from superanimal.tracking.recording import TrackingWarning

SHAPE = np.array([[30.0, 0], [20, 8], [20, -8], [0, 0], [-20, 8], [-20, -8], [-30, 0]])
MEETING = slice(55, 66)


def passing() -> np.ndarray:
    """Return two animals (T, 2, K, 2) that run towards each other and pass, 10 px apart."""
    time = np.arange(120)
    noise = np.random.default_rng(0).normal(size=(120, 2, len(SHAPE), 2))
    there = np.stack([3.0 * time - 180, 0.0 * time], -1)[:, None] + SHAPE
    back = np.stack([180 - 3.0 * time, 10 + 0.0 * time], -1)[:, None] - SHAPE
    return np.stack([there, back], 1) + 300 + noise


def poses_of(points: np.ndarray, edited: np.ndarray | None = None) -> xr.Dataset:
    names = [f"k{i}" for i in range(points.shape[2])]
    return make_poses(points.transpose(0, 3, 2, 1), keypoints=names, edited=edited)


def tracked_points(poses: xr.Dataset) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrackingWarning)
        tracked = track(poses, 2)
    return tracked["position"].transpose("time", "individual", "keypoint", "space").values


def worst(found: np.ndarray, truth: np.ndarray) -> float:
    """Return how far keypoints are off at most, in pixels, individuals in the order that fits better."""
    return min(float(np.nanmax(np.abs(found[:, list(order)] - truth))) for order in ((0, 1), (1, 0)))


def test_two_animals_found_as_one_get_their_own_keypoints() -> None:
    truth, found = passing(), passing()
    mixed = np.random.default_rng(1).random((120, len(SHAPE), 1)) < 0.5
    found[MEETING, 0] = np.where(mixed, found[:, 0], found[:, 1])[MEETING]
    found[MEETING, 1] = np.nan
    result = tracked_points(poses_of(found))
    assert worst(result, truth) < 1e-3
    assert np.isfinite(result[MEETING, ..., 0]).sum() == 11 * len(SHAPE)  # every keypoint that was found


def test_exchanged_keypoints_are_given_back_and_that_is_said() -> None:
    truth, found = passing(), passing()
    found[MEETING, :, 0] = truth[MEETING, ::-1, 0]
    with pytest.warns(TrackingWarning, match="22 keypoints lay on another animal"):
        track(poses_of(found), 2)
    assert worst(tracked_points(poses_of(found)), truth) < 1e-3


def test_what_a_person_set_is_not_given_to_another() -> None:
    found = passing()
    found[60, :, 0] = found[60, ::-1, 0]
    edited = np.zeros((120, len(SHAPE), 2), dtype=bool)
    edited[60, 0] = True
    result = tracked_points(poses_of(found, edited))
    np.testing.assert_array_equal(result[60], found[60].astype(np.float32))


def test_an_animal_has_each_keypoint_once() -> None:
    """One keypoint of both detections lies on the same animal: the other animal has none there."""
    truth, found = passing(), passing()
    found[MEETING, 1, 0] = found[MEETING, 0, 0] + 1.0
    result = tracked_points(poses_of(found))
    assert worst(result, truth) < 3
    assert np.isfinite(result[MEETING, :, 0, 0]).sum() == 11
