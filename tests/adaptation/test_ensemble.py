from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import superanimal
from superanimal.adaptation.ensemble import ensemble
from superanimal.errors import InputError
from superanimal.poses import make_poses
from superanimal.poses.provenance import get_provenance

KEYPOINTS = ["nose", "neck", "tail_base"]


def truth(frames: int = 120, animals: int = 1) -> np.ndarray:
    """Positions (T, 2, K, N) of animals that run in circles."""
    time = np.arange(frames)[:, None, None] / 15
    offset = np.array([0.0, 20.0, 60.0])[:, None]
    place = 200.0 * np.arange(animals)
    return np.stack(
        [300 + 80 * np.sin(time) + offset + place, 200 + 60 * np.cos(time) + 0 * offset + 0 * place], 1
    )


def models(right: np.ndarray, noise: float = 3.0, count: int = 5) -> list[xr.Dataset]:
    """What models see: errors that differ, and that are large in some frames, in which they are as sure."""
    random = np.random.default_rng(0)
    seen = []
    for _ in range(count):
        hard = np.where(np.arange(len(right)) % 20 < 3, 10.0, 1.0)[:, None, None, None]
        position = right + random.normal(0, noise, right.shape) * hard
        sure = np.full((len(right), *right.shape[2:]), 0.9)
        seen.append(make_poses(position, sure, keypoints=KEYPOINTS, fps=30.0))
    return seen


def error(poses: xr.Dataset, right: np.ndarray) -> float:
    return float(np.linalg.norm(poses["position"].values - right, axis=1).mean())


def test_joined_models_are_better_than_each_and_smoothed_ones_better_still() -> None:
    right = truth()
    seeds = models(right)
    middle, smooth = ensemble(seeds, smooth=False), superanimal.ensemble(seeds)
    assert error(middle, right) < 0.6 * min(error(each, right) for each in seeds)
    assert error(smooth, right) < 0.7 * error(middle, right)
    spread = smooth["spread"].values
    assert spread[:3].mean() > 5 * spread[5:20].mean()  # they say where they differ
    assert smooth["confidence"].values[:3].mean() < smooth["confidence"].values[5:20].mean()
    assert get_provenance(smooth)["action"] == "ensemble"


def test_a_point_is_there_where_half_of_the_models_see_it() -> None:
    seeds = models(truth(), count=4)
    for each, gone in zip(seeds, (slice(10), slice(10), slice(6), slice(0)), strict=True):
        each["position"].values[gone, :, 1] = np.nan
        each["confidence"].values[gone, 1] = np.nan
    joined = ensemble(seeds)
    missing = ~np.isfinite(joined["position"].values[:, 0, 1, 0])
    assert np.flatnonzero(missing).tolist() == list(range(6))
    assert np.isnan(joined["confidence"].values[:6, 1]).all()
    assert np.isfinite(joined["position"].values[:, :, [0, 2]]).all()


def test_animals_in_other_places_are_the_same_animals() -> None:
    right = truth(30, animals=2)
    seeds = models(right, noise=1.0, count=3)
    swapped = seeds[1].isel(individual=[1, 0]).assign_coords(individual=seeds[1]["individual"].values)
    seeds[2]["position"].values[5:9, :, :, 0] = np.nan
    assert error(ensemble([seeds[0], swapped, seeds[2]], smooth=False), right) < 5


def test_without_confidence_there_is_none() -> None:
    seeds = [make_poses(truth(12), keypoints=KEYPOINTS, fps=30.0) for _ in range(2)]
    joined = ensemble(seeds)
    assert np.isnan(joined["confidence"].values).all()
    np.testing.assert_allclose(joined["position"].values, truth(12), atol=1)


def test_poses_that_do_not_belong_together() -> None:
    one, other = models(truth(), count=2)
    with pytest.raises(InputError, match="at least two"):
        ensemble([one])
    with pytest.raises(InputError, match="the same frames"):
        ensemble([one, other.isel(time=slice(50))])
    with pytest.raises(InputError, match="the same keypoints"):
        ensemble([one, other.isel(keypoint=[1, 0, 2])])


def test_files(tmp_path: Path) -> None:
    paths = []
    for n, each in enumerate(models(truth(20), count=2)):
        paths.append(superanimal.save_poses(each, tmp_path / f"{n}.csv")[0])
    joined = ensemble(paths)
    path, *_ = superanimal.save_poses(joined, tmp_path / "joined.nc")
    assert "spread" in superanimal.load_poses(path)
