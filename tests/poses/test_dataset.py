from __future__ import annotations

import json

import numpy as np
import pytest

from superanimal.errors import InputError
from superanimal.poses import (
    get_provenance,
    has_own_times,
    make_poses,
    make_provenance,
    require_pixels,
    set_provenance,
    validate_poses,
)


def poses(t=4, k=3, n=2, **options):
    rng = np.random.default_rng(0)
    options = {"keypoints": [f"k{i}" for i in range(k)], **options}
    return make_poses(rng.random((t, 2, k, n)) * 100, rng.random((t, k, n)), **options)


def test_follows_the_movement_schema():
    ds = poses(fps=25.0, frames=np.array([0, 2, 4, 6]))
    assert ds["position"].dims == ("time", "space", "keypoint", "individual")
    assert ds["position"].dtype == np.float32
    assert ds["confidence"].dims == ("time", "keypoint", "individual")
    assert list(ds.space.values) == ["x", "y"]
    np.testing.assert_allclose(ds.time, [0, 0.08, 0.16, 0.24])
    assert ds.attrs["ds_type"] == "poses"
    assert ds.attrs["time_unit"] == "seconds"
    assert ds.attrs["fps"] == 25.0
    assert list(ds.individual.values) == ["animal0", "animal1"]


def test_without_fps_time_counts_frames():
    ds = poses()
    assert ds.attrs["time_unit"] == "frames"
    assert "fps" not in ds.attrs
    assert list(ds.time.values) == [0, 1, 2, 3]


def test_optional_variables():
    ds = poses(
        boxes=np.ones((4, 4, 2)),
        box_confidence=np.ones((4, 2)),
        edited=np.zeros((4, 3, 2)),
        images=[f"img{i}.png" for i in range(4)],
    )
    assert ds["boxes"].dims == ("time", "box", "individual")
    assert ds["edited"].dtype == bool
    assert list(ds["image"].values) == ["img0.png", "img1.png", "img2.png", "img3.png"]


def test_empty_recording_is_valid():
    ds = make_poses(np.zeros((0, 2, 1, 1)), keypoints=["nose"])
    assert ds.sizes["time"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keypoints": ["a", "b"]}, "2 keypoints are named; the arrays hold 3"),
        ({"keypoints": ["a", "a", "b"]}, r"\['a'\] appear more than once"),
        ({"keypoints": ["a", "", "b"]}, "empty name"),
        ({"fps": 0.0}, "fps is 0.0"),
        ({"fps": float("nan")}, "fps is nan"),
        ({"boxes": np.ones((4, 2, 2))}, r"boxes has shape \(4, 2, 2\)"),
        ({"frames": np.arange(3)}, "3 frames are named"),
    ],
)
def test_refuses_what_breaks_a_rule(change, message):
    with pytest.raises(InputError, match=message):
        poses(**change)


def test_refuses_wrong_position_shape_and_confidence_range():
    with pytest.raises(InputError, match=r"position has shape \(4, 3, 2\)"):
        make_poses(np.zeros((4, 3, 2)), keypoints=["a"])
    with pytest.raises(InputError, match="confidence ranges from"):
        make_poses(np.zeros((1, 2, 1, 1)), np.full((1, 1, 1), 3.0), keypoints=["a"])
    with pytest.raises(InputError, match="no variable 'position'"):
        validate_poses(poses().drop_vars("position"))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (("other", [0, 1, 2, 3, 4, 5, 6, 7]), "frame has dimensions"),
        (("time", "half"), "frames must be whole numbers"),
        (("time", "names"), "frames must be whole numbers"),
        (("time", "missing"), "frames must be whole numbers"),
    ],
)
def test_each_row_has_one_whole_frame_number(frame, message):
    ds = poses()
    rows = np.arange(ds.sizes["time"], dtype=float)
    named = {"half": rows + 0.5, "names": rows.astype(str), "missing": np.where(rows == 0, np.nan, rows)}
    dim, values = frame
    values = named[values] if isinstance(values, str) else values
    with pytest.raises(InputError, match=message):
        validate_poses(ds.drop_vars("frame").assign_coords(frame=(dim, values)))


def test_provenance_travels_with_the_data():
    ds = set_provenance(poses(), make_provenance("analyze", model="mini", parameters={"batch": 8}))
    record = get_provenance(ds)
    assert record["action"] == "analyze"
    assert record["parameters"] == {"batch": 8}
    assert record["software"].startswith("napari-superanimal ")
    json.loads(ds.attrs["provenance"])
    assert get_provenance(poses()) == {}


def test_three_coordinates_and_measured_times() -> None:
    times = np.array([1.0, 1.034, 1.066])
    ds = make_poses(np.ones((3, 3, 1, 1)), keypoints=["a"], fps=30.0, times=times, space_unit="mm")
    assert list(ds["space"].values) == ["x", "y", "z"]
    assert ds.attrs["space_unit"] == "mm"
    assert has_own_times(ds)
    np.testing.assert_array_equal(ds["time"].values, times)
    with pytest.raises(InputError, match="a drawing needs x and y in pixels"):
        require_pixels(ds, "a drawing")
    flat = ds.sel(space=["x", "y"])
    assert require_pixels(flat, "a drawing") is flat
    assert not has_own_times(make_poses(np.ones((3, 2, 1, 1)), keypoints=["a"], fps=30.0))
    with pytest.raises(InputError, match=r"2 or 3"):
        make_poses(np.ones((3, 4, 1, 1)), keypoints=["a"])
    with pytest.raises(InputError, match="2 times are named"):
        make_poses(np.ones((3, 2, 1, 1)), keypoints=["a"], times=times[:2])
