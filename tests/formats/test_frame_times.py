"""Times of other programs become frame numbers without a loss, whatever file they stand in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from superanimal.errors import FormatError
from superanimal.formats import load_poses, save_poses

T = 300
REGULAR = np.arange(T) / 30
CAMERA = 1000.5 + REGULAR + np.resize([0, 0.004, -0.003], T)


def movement_file(path: Path, times: np.ndarray, **attrs: object) -> Path:
    dims = ("time", "space", "keypoint", "individual")
    coords = {"time": times, "space": ["x", "y"], "keypoint": ["a"], "individual": ["i"]}
    position = np.arange(2.0 * len(times)).reshape(-1, 2, 1, 1)
    ds = xr.Dataset({"position": (dims, position)}, coords=coords, attrs={"ds_type": "poses", **attrs})
    ds.to_netcdf(path)
    return path


def tidy(path: Path, times: np.ndarray) -> Path:
    pd.DataFrame({"time": times, "keypoint": "a", "x": np.arange(len(times)), "y": 1.0}).to_csv(
        path, index=False
    )
    return path


@pytest.mark.parametrize("times", [REGULAR, CAMERA], ids=["regular", "camera"])
@pytest.mark.parametrize("attrs", [{}, {"fps": 30.0}], ids=["no rate", "rate"])
def test_movement_in_seconds_loses_no_frame(
    tmp_path: Path, times: np.ndarray, attrs: dict[str, float]
) -> None:
    ds = load_poses(movement_file(tmp_path / "x.nc", times, time_unit="seconds", **attrs))
    assert ds["frame"].values.tolist() == list(range(T))
    assert ds.attrs["fps"] == pytest.approx(30, rel=1e-3)
    np.testing.assert_array_equal(ds["time"].values, times)
    assert load_poses(save_poses(ds, tmp_path / "x.h5")[0]).sizes["time"] == T


def test_a_part_of_a_recording_keeps_its_frame_numbers(tmp_path: Path) -> None:
    path = movement_file(tmp_path / "x.nc", REGULAR[90:95], time_unit="seconds", fps=30.0)
    assert load_poses(path)["frame"].values.tolist() == [90, 91, 92, 93, 94]
    path = movement_file(tmp_path / "y.nc", np.arange(7, 10), time_unit="frames")
    assert load_poses(path)["frame"].values.tolist() == [7, 8, 9]


def test_tidy_times_of_a_camera_lose_no_frame(tmp_path: Path) -> None:
    path = tidy(tmp_path / "x.csv", CAMERA)
    with pytest.warns(UserWarning, match=r"begin at 1000\.5 s; the first row is taken for frame 0"):
        ds = load_poses(path)
    assert ds["frame"].values.tolist() == list(range(T))
    np.testing.assert_allclose(ds["time"].values, CAMERA, rtol=0, atol=1e-9)


def test_rounded_times_keep_their_gaps(tmp_path: Path) -> None:
    ds = load_poses(tidy(tmp_path / "x.csv", np.round(np.delete(REGULAR, [5, 6, 40]), 3)))
    assert ds["frame"].values.tolist() == np.delete(np.arange(T), [5, 6, 40]).tolist()


def test_milliseconds_are_not_taken_for_frames_or_seconds(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"whole numbers such as 0, 33.*milliseconds"):
        load_poses(tidy(tmp_path / "x.csv", np.array([0, 33, 67, 100])))
    assert load_poses(tidy(tmp_path / "y.csv", np.array([0, 1, 2, 5])))["frame"].values.tolist() == [
        0,
        1,
        2,
        5,
    ]
    frame = pd.read_csv(tidy(tmp_path / "z.csv", np.arange(0, 400, 40))).assign(frame=range(10))
    frame.to_csv(tmp_path / "z.csv", index=False)
    with pytest.warns(UserWarning, match="0.025 frames per second"):
        load_poses(tmp_path / "z.csv")
    times = pd.to_timedelta([0, 40, 80], unit="ms")
    pd.DataFrame({"time": times, "keypoint": "a", "x": 1.0, "y": 1.0}).to_parquet(tmp_path / "x.parquet")
    ds = load_poses(tmp_path / "x.parquet")
    assert (ds["frame"].values.tolist(), ds.attrs["fps"]) == ([0, 1, 2], 25)
