"""Measures of paths whose length, rests and visits are known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from superanimal.behavior.measures import Regions, measure
from superanimal.errors import InputError, NotFoundError
from superanimal.poses import make_poses

FPS = 25.0
BODY = np.array([[40.0, 0], [20, 5], [20, -5], [0, 0], [-10, 0]])
NAMES = ["nose", "left_side", "right_side", "tail_base", "tail_tip"]


def animal(path: np.ndarray, noise: float = 0.0, **options: object) -> xr.Dataset:
    """An animal of 40 px that moves along (T, 2)."""
    points = path[:, None] + BODY + np.random.default_rng(0).normal(0, noise, (len(path), 5, 2))
    return make_poses(points.transpose(0, 2, 1)[..., None], keypoints=NAMES, **{"fps": FPS, **options})  # type: ignore[arg-type]


def there_and_back() -> np.ndarray:
    """10 s along x at 100 px/s, 10 s at rest, 10 s back."""
    x = np.concatenate([np.arange(250) * 4.0, np.full(250, 1000.0), 1000 - np.arange(250) * 4.0])
    return np.stack([x, np.full(750, 50.0)], axis=1)


def test_distance_speed_and_rest() -> None:
    row = measure(animal(there_and_back()), metres_per_pixel=0.001).animals.iloc[0]
    assert row["distance_px"] == pytest.approx(2000, rel=0.01)
    assert row["distance_body"] == pytest.approx(50, rel=0.01)
    assert row["distance_cm"] == pytest.approx(200, rel=0.01)
    assert row["speed_cm"] == pytest.approx(200 / 30, rel=0.01)
    assert row["immobile_s"] == pytest.approx(10, abs=0.6) and row["immobile_bouts"] == 1
    assert row["body_length_px"] == pytest.approx(40) and row["body_length_cm"] == pytest.approx(4)


def test_jitter_of_keypoints_is_no_distance() -> None:
    row = measure(animal(np.full((750, 2), 100.0), noise=1.0)).animals.iloc[0]
    assert row["distance_body"] < 4 and np.isnan(row["distance_cm"])
    moving = measure(animal(there_and_back(), noise=1.0)).animals.iloc[0]
    assert moving["distance_px"] == pytest.approx(2000, rel=0.06)


def test_regions_are_entered_and_left() -> None:
    far = np.array([[900.0, 0], [1100, 0], [1100, 100], [900, 100]])
    near = far - [900, 0]
    result = measure(
        animal(there_and_back()), regions=Regions({"far": far, "near": near, "never": far + 5000})
    )
    table = result.regions.set_index("region")
    assert table.loc["far", "time_s"] == pytest.approx(12, abs=1.0)  # its middle is ahead of its tail base
    assert table.loc["far", ["visits", "entries"]].tolist() == [1, 1]
    assert table.loc["far", "latency_s"] == pytest.approx(9, abs=0.5)
    assert table.loc["near", ["visits", "entries", "latency_s"]].tolist() == [2, 1, 0]
    assert table.loc["never", ["time_s", "visits"]].tolist() == [0, 0] and np.isnan(
        table.loc["never", "latency_s"]
    )
    assert set(result.bouts["label"]) == {"immobile", "far", "near"}


def test_an_arena_gives_centre_periphery_and_edge() -> None:
    arena = np.array([[-200.0, -200], [1200, -200], [1200, 200], [-200, 200]])
    result = measure(animal(there_and_back()), regions=Regions({}, arena))
    shares = result.regions.set_index("region")["share"]
    assert shares.sum() == pytest.approx(1) and shares["centre"] == pytest.approx(0.655, abs=0.02)
    assert 100 < result.animals["edge_distance_px"].item() < 160


def test_time_without_the_animal_counts_nowhere() -> None:
    poses = animal(there_and_back())
    poses["position"][250:500] = np.nan
    result = measure(poses)
    assert result.animals["observed_s"].item() == pytest.approx(20, abs=0.1)
    assert result.animals["distance_px"].item() == pytest.approx(2000, rel=0.01)
    assert result.animals["immobile_s"].item() == 0
    assert "not seen in 33 % of the time" in result.notes[0]
    poses["position"][:] = np.nan
    gone = measure(poses)
    assert np.isnan(gone.animals["distance_px"].item()) and "never seen" in gone.notes[0]


def test_three_coordinates_have_their_own_unit() -> None:
    path = np.zeros((100, 3, 2, 1))
    path[:, 0] = np.arange(100)[:, None, None]
    path[:, 1, 1] = 5
    row = measure(make_poses(path, keypoints=["a", "b"], fps=10, space_unit="mm")).animals.iloc[0]
    assert row["distance_cm"] == pytest.approx(9.9, rel=0.02) and np.isnan(row["distance_px"])


def test_what_cannot_be_measured_is_refused() -> None:
    poses = animal(there_and_back())
    with pytest.raises(NotFoundError, match="unknown keypoint 'nse'; did you mean nose"):
        measure(poses, point="nse")
    with pytest.raises(InputError, match="scale of -1 metres per pixel"):
        measure(poses, metres_per_pixel=-1)
    with pytest.raises(InputError, match="measuring needs times in seconds"):
        measure(animal(there_and_back(), fps=None))
