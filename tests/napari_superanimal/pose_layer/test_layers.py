from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.layers import Points

from napari_superanimal.pose_layer.layers import layer_to_poses, poses_to_layer, poses_to_layerdata, table_of
from superanimal.poses import load_space, make_poses


def test_dense_layout(pair: xr.Dataset) -> None:
    layer = poses_to_layer(pair)
    assert layer.data.shape == (6 * 2 * 3, 3)
    assert layer.data.dtype == np.float32 and layer.data.flags.f_contiguous
    assert np.isfinite(layer.data).all()
    t, i, k = 3, 1, 2
    row = (t * 2 + i) * 3 + k
    x, y = pair["position"].values[t, :, k, i]
    np.testing.assert_array_equal(layer.data[row], [16, y, x])
    feature = layer.features.iloc[row]
    assert (feature["individual"], feature["keypoint"]) == ("bob", "tail_base")
    assert feature["confidence"] == pair["confidence"].values[t, k, i]
    assert list(layer.features.columns) == ["individual", "keypoint", "confidence", "edited"]
    present = np.isfinite(pair["position"].values).all(axis=1).transpose(0, 2, 1).ravel()
    np.testing.assert_array_equal(layer.shown, present)


@pytest.mark.parametrize("dense_limit", [1_000_000, 3])
def test_back_is_identical(pair: xr.Dataset, dense_limit: int) -> None:
    xr.testing.assert_identical(layer_to_poses(poses_to_layer(pair, dense_limit=dense_limit)), pair)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_back_is_identical_for_any_poses(data: st.DataObject) -> None:
    times, keypoints, individuals = (data.draw(st.integers(1, 4)) for _ in range(3))
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    position = rng.normal(0, 1e4, (times, 2, keypoints, individuals)).astype(np.float32)
    position[rng.random(position.shape) < data.draw(st.sampled_from([0, 0.3, 1]))] = np.nan
    confidence = rng.random((times, keypoints, individuals)).astype(np.float32)
    confidence[rng.random(confidence.shape) < 0.2] = np.nan
    edited = rng.random(confidence.shape) < 0.5 if data.draw(st.booleans()) else None
    frames = np.cumsum(rng.integers(1, 5, times))
    ds = make_poses(
        position,
        confidence,
        keypoints=[f"k{i}" for i in range(keypoints)],
        individuals=[f"a{i}" for i in range(individuals)],
        frames=frames,
        fps=data.draw(st.sampled_from([None, 25.0])),
        edited=edited,
        images=[f"img{i}.png" for i in range(times)] if data.draw(st.booleans()) else None,
    )
    xr.testing.assert_identical(layer_to_poses(poses_to_layer(ds)), ds)


def test_labelled_images_are_counted(pair: xr.Dataset) -> None:
    """Images of one folder form a stack: its slider counts them, whatever their frame numbers are."""
    labelled = pair.assign_coords(image=("time", [f"img{i}.png" for i in range(6)]))
    assert set(poses_to_layer(labelled).data[:, 0]) == set(range(6))


def test_writing_into_the_rows_is_found_and_marked(pair: xr.Dataset) -> None:
    layer = poses_to_layer(pair)
    layer.data[4, 1:] = [7.5, 9.25]  # time 0, bob, neck
    poses = layer_to_poses(layer)
    np.testing.assert_array_equal(poses["position"].values[0, :, 1, 1], [9.25, 7.5])
    assert poses["edited"].values.sum() == 1 and poses["edited"].values[0, 1, 1]
    assert poses["confidence"].values[0, 1, 1] == 1


def test_cutoff_and_colouring_do_not_touch_the_poses(pair: xr.Dataset) -> None:
    layer = poses_to_layer(pair, cutoff=0.9, color_by="confidence", size=3)
    low = (pair["confidence"].values < 0.9).transpose(0, 2, 1).ravel()
    assert not layer.shown[low].any()
    xr.testing.assert_identical(layer_to_poses(layer), pair)
    with pytest.raises(ValueError, match="'mood'"):
        poses_to_layerdata(pair, color_by="mood")


def test_copied_layer_is_independent(pair: xr.Dataset) -> None:
    layer = poses_to_layer(pair)
    twin = Points(layer.data.copy(), **{"metadata": copy.deepcopy(layer.metadata)})
    twin.data[0, 1] = 1.0
    layer_to_poses(twin)
    xr.testing.assert_identical(layer_to_poses(layer), pair)


def test_points_of_other_origin() -> None:
    data = np.array([[0, 1, 2], [0, 3, 4], [5, 6, 7]], dtype=float)
    features = {"keypoint": ["nose", "tail", "nose"], "individual": ["a", "a", "a"]}
    poses = layer_to_poses(Points(data, features=features))
    assert list(poses["frame"].values) == [0, 5]
    np.testing.assert_array_equal(poses["position"].sel(keypoint="nose")[1, :, 0], [7, 6])
    assert np.isnan(poses["position"].sel(keypoint="tail")[1]).all()
    with pytest.raises(ValueError, match="keypoint"):
        layer_to_poses(Points(data))
    with pytest.raises(ValueError, match="no poses"):
        table_of(Points(data))


def test_keypoint_colours_are_those_of_the_space() -> None:
    space = load_space("topviewmouse")
    position: Any = np.ones((1, 2, len(space), 1))
    layer = poses_to_layer(make_poses(position, keypoints=space.keypoints))
    red = int(space.colors[space.index("right_hip")][1:3], 16) / 255
    assert layer.face_color[space.index("right_hip"), 0] == pytest.approx(red)
