"""Pose layers that are scaled or moved, also along time: everything drawn goes with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from mouse import canvas_of, click
from qtpy.QtCore import QPoint

import napari_superanimal as plugin
from napari_superanimal.docks.estimate.run import Estimation
from napari_superanimal.pose_layer.playback import attach

SCALE, TRANSLATE = (0.04, 0.5, 0.5), (2.0, 10.0, 20.0)


@pytest.fixture
def layer(viewer: Any, mouse_poses: xr.Dataset) -> Any:
    """Poses and video in seconds and millimetres, with an offset, at frame 10."""
    viewer.add_image(np.zeros((50, 480, 640), np.uint8), name="video", scale=SCALE, translate=TRANSLATE)
    layer = plugin.show_poses(viewer, mouse_poses, name="mouse", skeleton=False)
    layer.scale, layer.translate = SCALE, TRANSLATE
    plugin.show_skeleton(viewer, layer)
    plugin.show_trails(viewer, layer, length=5, keypoints=["nose"])
    viewer.layers.selection.active = layer
    viewer.reset_view()
    go(viewer, 10)
    return layer


def go(viewer: Any, frame: int) -> None:
    viewer.dims.set_point(0, frame * SCALE[0] + TRANSLATE[0])


def drawn(viewer: Any, layer: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return start and end of the segments of an overlay in world coordinates, (n, 2) each."""
    vectors = attach(viewer, layer).overlays[name][1]
    data = np.asarray(vectors.data)
    starts = [vectors.data_to_world(start) for start in data[:, 0]]
    ends = [vectors.data_to_world(start + direction) for start, direction in data]
    return np.array(starts), np.array(ends)


def test_skeleton_and_trails_are_those_of_the_frame(viewer: Any, layer: Any, mouse_poses: xr.Dataset) -> None:
    view = attach(viewer, layer)
    for frame in (10, 33, 49):
        go(viewer, frame)
        assert view.time == frame
        xy = mouse_poses["position"].values[frame, :, :, 0]
        world = np.array(TRANSLATE[1:]) + np.array(SCALE[1:]) * xy[::-1].T
        start, end = drawn(viewer, layer, "skeleton")
        edges = view.overlays["skeleton"][0].edges
        np.testing.assert_allclose(start, world[edges[:, 0]], atol=1e-3)
        np.testing.assert_allclose(end, world[edges[:, 1]], atol=1e-3)
        np.testing.assert_allclose(drawn(viewer, layer, "trails")[1][-1], world[0], atol=1e-3)


def test_a_click_adds_the_point_to_the_frame_on_show(viewer: Any, layer: Any, qtbot: Any) -> None:
    go(viewer, 25)
    attach(viewer, layer).editing.aim(0, 3)
    layer.mode = "add"
    qtbot.wait(50)
    native = canvas_of(viewer)
    at = QPoint(native.width() // 3, native.height() // 2)
    click(viewer, at)
    poses = plugin.layer_to_poses(layer)
    assert np.argwhere(poses["edited"].values).tolist() == [[25, 3, 0]]
    _, center_y, center_x = viewer.camera.center
    world_y = center_y + (at.y() - native.height() / 2) / viewer.camera.zoom
    world_x = center_x + (at.x() - native.width() / 2) / viewer.camera.zoom
    expected = [(world_x - TRANSLATE[2]) / SCALE[2], (world_y - TRANSLATE[1]) / SCALE[1]]
    np.testing.assert_allclose(
        poses["position"].values[25, :, 3, 0], expected, atol=4 / viewer.camera.zoom / SCALE[1]
    )


def test_points_added_by_napari_go_to_their_own_frame(viewer: Any, layer: Any) -> None:
    attach(viewer, layer).editing.aim(0, 7)
    layer.add(np.array([[31, 100, 150]]))
    poses = plugin.layer_to_poses(layer)
    assert np.argwhere(poses["edited"].values).tolist() == [[31, 7, 0]]
    np.testing.assert_array_equal(poses["position"].values[31, :, 7, 0], [150, 100])


def test_copied_points_are_pasted_into_the_frame_on_show(viewer: Any, layer: Any) -> None:
    layer.selected_data = {10 * 27 + 2}
    editing = attach(viewer, layer).editing
    editing.copy()
    go(viewer, 20)
    editing.paste()
    assert np.argwhere(plugin.layer_to_poses(layer)["edited"].values).tolist() == [[20, 2, 0]]


def test_one_frame_layers_are_filled_with_the_frame_on_show(viewer: Any, mouse_poses: xr.Dataset) -> None:
    layer = plugin.show_poses(viewer, mouse_poses, dense_limit=100)
    layer.scale = SCALE
    viewer.dims.set_point(0, 30 * SCALE[0])
    np.testing.assert_array_equal(layer.data[:27, 2], mouse_poses["position"].values[30, 0, :, 0])


def test_overlays_follow_when_the_layer_is_changed(viewer: Any, layer: Any) -> None:
    view = attach(viewer, layer)
    view.names.show()
    overlays = [view.overlays["skeleton"][1], view.names.layer]
    layer.scale = (1, 2, 3)
    layer.translate = (0, 4, 5)
    layer.rotate = (0, 0, 30)
    layer.shear = (0, 0, 0.2)
    layer.affine = np.array([[1, 0, 0, 0], [0, 1, 0.1, 7], [0, 0, 1, 8], [0, 0, 0, 1]], dtype=float)
    for y, x in ((0, 0), (100, 20), (5, 300)):
        for overlay in overlays:
            np.testing.assert_allclose(
                overlay.data_to_world((y, x)), np.asarray(layer.data_to_world((0, y, x)))[1:], atol=1e-6
            )


def test_poses_of_a_scaled_video_lie_on_it(
    viewer: Any, clip: Path, tmp_path: Path, mouse_poses: xr.Dataset
) -> None:
    from superanimal.poses.run_store import RunStore

    video = plugin.open_video(viewer, clip)
    video.scale, video.translate = SCALE, TRANSLATE
    run = Estimation(viewer, video, {"model": "mini_topviewmouse"})
    names = mouse_poses["keypoint"].values.tolist()
    store = RunStore.create(
        tmp_path / "mouse_model.poses.zarr", frames=np.arange(50), keypoints=names, individuals=["animal0"]
    )
    run._on_opened(store)
    assert run.view is not None
    np.testing.assert_array_equal(run.view.points.scale, SCALE)
    np.testing.assert_array_equal(run.view.points.translate, TRANSLATE)
