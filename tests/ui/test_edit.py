"""Showing and correcting poses: real mouse and keys on the canvas, saving, reading back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from mouse import canvas_of, click, drag, loneliest, pixel
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

import napari_superanimal as plugin
from napari_superanimal.pose_layer.layers import poses_to_layer
from napari_superanimal.pose_layer.playback import attach
from napari_superanimal.pose_layer.views import view_of
from superanimal.formats import load_poses


@pytest.fixture
def layer(viewer: Any, mouse_poses: xr.Dataset, qtbot: Any) -> Any:
    """The pose layer, with a black video below it, at frame 10."""
    viewer.add_image(np.zeros((50, 480, 640), np.uint8), name="video")
    layer = plugin.show_poses(viewer, mouse_poses, name="mouse")
    viewer.layers.selection.active = layer
    viewer.dims.set_point(0, 10)
    qtbot.wait(50)
    return layer


def row(t: int, k: Any) -> Any:
    return t * 27 + k


def test_drag_a_point_with_the_mouse_save_and_reopen(
    viewer: Any, layer: Any, mouse_poses: xr.Dataset, tmp_path: Path
) -> None:
    layer.mode = "select"
    chosen = loneliest(layer, row(10, np.arange(27)))
    k = chosen % 27
    y, x = layer.data[chosen, 1:].copy()
    drag(viewer, pixel(viewer, y, x), pixel(viewer, 60, 80))
    np.testing.assert_allclose(layer.data[chosen, 1:], [60, 80], atol=2 / viewer.camera.zoom)

    poses = plugin.layer_to_poses(layer)
    point = poses.isel(time=10, keypoint=k, individual=0)
    assert bool(point["edited"]) and float(point["confidence"]) == 1.0
    assert int(poses["edited"].sum()) == 1
    expected = mouse_poses["position"].values.copy()
    expected[10, :, k, 0] = point["position"]
    np.testing.assert_array_equal(poses["position"], expected)

    path = tmp_path / "corrected.h5"
    viewer.layers.selection = {layer}
    written = viewer.layers.save(str(path), selected=True, plugin="napari-superanimal")
    assert written == [str(path)]
    again = load_poses(path)
    np.testing.assert_array_equal(again["position"], poses["position"])
    np.testing.assert_array_equal(again["confidence"], poses["confidence"])
    (opened,) = viewer.open(str(path), plugin="napari-superanimal")
    np.testing.assert_array_equal(plugin.layer_to_poses(opened)["position"], poses["position"])
    assert view_of(opened) is not None, "the reader has to bring the skeleton with the layer"


def test_undo_and_redo_of_a_drag(viewer: Any, layer: Any, mouse_poses: xr.Dataset) -> None:
    layer.mode = "select"
    chosen = loneliest(layer, row(10, np.arange(27)))
    before = layer.data[chosen].copy()
    drag(viewer, pixel(viewer, *before[1:]), pixel(viewer, 30, 40))
    after = layer.data[chosen].copy()
    assert not np.allclose(before, after)
    plugin.undo(viewer, layer)
    np.testing.assert_array_equal(layer.data[chosen], before)
    xr.testing.assert_identical(plugin.layer_to_poses(layer), mouse_poses)
    plugin.redo(viewer, layer)
    np.testing.assert_array_equal(layer.data[chosen], after)


@pytest.mark.parametrize("how", ["key", "button"])
def test_deleting_keeps_the_rows(viewer: Any, layer: Any, how: str) -> None:
    layer.selected_data = {row(10, 2), row(10, 7)}
    if how == "key":
        QTest.keyClick(canvas_of(viewer), Qt.Key.Key_Delete)
    else:
        layer.remove_selected()
    assert layer.data.shape == (50 * 27, 3)
    assert not layer.shown[[row(10, 2), row(10, 7)]].any()
    poses = plugin.layer_to_poses(layer)
    assert np.isnan(poses["position"].values[10, :, [2, 7], 0]).all()
    assert int(poses["edited"].sum()) == 2
    plugin.undo(viewer, layer)
    assert layer.shown[[row(10, 2), row(10, 7)]].all()


def test_click_in_add_mode_fills_the_slot(viewer: Any, layer: Any) -> None:
    viewer.dims.set_point(0, 25)
    assert not layer.shown[row(25, 3)], "this point is missing in the poses"
    attach(viewer, layer).editing.aim(0, 3)
    layer.mode = "add"
    click(viewer, pixel(viewer, 100, 150))
    assert layer.data.shape == (50 * 27, 3)
    assert layer.shown[row(25, 3)]
    np.testing.assert_allclose(layer.data[row(25, 3)], [25, 100, 150], atol=2 / viewer.camera.zoom)
    poses = plugin.layer_to_poses(layer)
    assert bool(poses["edited"][25, 3, 0])
    assert attach(viewer, layer).editing.target == (0, 4), "the next click places the next keypoint"


def test_copied_points_go_to_the_same_slots_of_another_frame(viewer: Any, layer: Any) -> None:
    source = layer.data[row(10, 0), 1:].copy()
    layer.selected_data = {row(10, 0)}
    editing = attach(viewer, layer).editing
    editing.copy()
    viewer.dims.set_point(0, 12)
    editing.paste()
    np.testing.assert_array_equal(layer.data[row(12, 0), 1:], source)
    assert layer.data.shape == (50 * 27, 3)


def test_cutoff_hides_low_points_but_never_edited_ones(
    viewer: Any, layer: Any, mouse_poses: xr.Dataset
) -> None:
    plugin.set_confidence_cutoff(viewer, layer, 0.7)
    expected = (mouse_poses["confidence"].values[:, :, 0] >= 0.7).ravel()
    np.testing.assert_array_equal(layer.shown, expected)
    low = int(np.flatnonzero(~expected & np.isfinite(mouse_poses["confidence"].values.ravel()))[0])
    attach(viewer, layer).editing.move(np.array([low]), np.array([[5.0, 6.0]]))
    assert layer.shown[low]
    plugin.set_confidence_cutoff(viewer, layer, 0.0)
    assert layer.shown.sum() == 50 * 27 - 1
    with pytest.raises(ValueError, match=r"0\.\.1"):
        plugin.set_confidence_cutoff(viewer, layer, 1.5)


def test_skeleton_boxes_and_trails_follow_the_frame(
    viewer: Any, layer: Any, mouse_poses: xr.Dataset, qtbot: Any
) -> None:
    plugin.show_boxes(viewer, layer)
    plugin.show_trails(viewer, layer, length=10, keypoints=["nose"])
    view = attach(viewer, layer)
    skeleton, boxes, trails = (view.overlays[n][1] for n in ("skeleton", "boxes", "trails"))
    for t in (10, 33):
        viewer.dims.set_point(0, t)
        xy = mouse_poses["position"].values[t, :, :, 0]
        edges = view.overlays["skeleton"][0].edges
        np.testing.assert_array_equal(skeleton.data[:, 0], xy[::-1, edges[:, 0]].T)
        ends = skeleton.data[:, 0] + skeleton.data[:, 1]
        np.testing.assert_allclose(ends, xy[::-1, edges[:, 1]].T, atol=1e-4)
        x, y = mouse_poses["boxes"].values[t, :2, 0]
        np.testing.assert_allclose(boxes.data[0, 0], [y, x], atol=1e-4)
        nose = mouse_poses["position"].values[t - 10 : t + 1, ::-1, 0, 0]
        np.testing.assert_allclose(trails.data[:, 0], nose[:-1], atol=1e-4)
    plugin.show_skeleton(viewer, layer, False)
    assert not skeleton.visible
    viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: len(viewer.layers) == 1)  # overlays go with their poses


def test_skeleton_keeps_its_program_when_the_frame_changes(viewer: Any, layer: Any, qtbot: Any) -> None:
    skeleton = attach(viewer, layer).overlays["skeleton"][1]
    node = viewer.window._qt_viewer.canvas.layer_to_visual[skeleton].node
    qtbot.waitUntil(lambda: not node._data_changed)
    program = node.shared_program.vert["color_transform"]
    before = node.mesh_data.get_vertices().copy()
    viewer.dims.set_point(0, 30)
    qtbot.waitUntil(lambda: not node._data_changed)
    assert not np.array_equal(node.mesh_data.get_vertices(), before)
    assert node.shared_program.vert["color_transform"] is program


def test_colours(viewer: Any, layer: Any) -> None:
    by_keypoint = layer.face_color.copy()
    plugin.color_by(viewer, layer, "confidence")
    assert not np.allclose(layer.face_color, by_keypoint)
    plugin.color_by(viewer, layer, "keypoint")
    np.testing.assert_allclose(layer.face_color, by_keypoint)
    with pytest.raises(ValueError, match="keypoint"):
        plugin.color_by(viewer, layer, "mood")


def test_one_frame_layer_edits_reach_the_poses(viewer: Any, mouse_poses: xr.Dataset, qtbot: Any) -> None:
    layer = poses_to_layer(mouse_poses, dense_limit=100)
    viewer.add_layer(layer)
    assert len(layer.data) == 29
    view = attach(viewer, layer)
    viewer.dims.set_point(0, 30)
    np.testing.assert_array_equal(layer.data[:27, 2], mouse_poses["position"].values[30, 0, :, 0])
    assert viewer.dims.nsteps[0] == 50, "the slider has to cover all frames"
    layer.mode = "select"
    qtbot.wait(50)
    chosen = loneliest(layer, np.arange(27))
    other = (chosen + 1) % 27
    y, x = layer.data[chosen, 1:].copy()
    drag(viewer, pixel(viewer, y, x), pixel(viewer, y + 30, x + 30))
    layer.selected_data = {other}
    view.editing.delete()
    viewer.dims.set_point(0, 3)
    viewer.dims.set_point(0, 30)
    assert not layer.shown[other]
    poses = plugin.layer_to_poses(layer)
    assert int(poses["edited"].sum()) == 2
    assert abs(float(poses["position"][30, 0, chosen, 0]) - (x + 30)) < 2 / viewer.camera.zoom
    view.editing.undo()
    view.editing.undo()
    xr.testing.assert_identical(plugin.layer_to_poses(layer), mouse_poses)


def test_display_widget_drives_the_layer(viewer: Any, layer: Any) -> None:
    _, widget = viewer.window.add_plugin_dock_widget("napari-superanimal", "Display poses")
    widget.cutoff.setValue(70)
    assert attach(viewer, layer).cutoff == pytest.approx(0.7)
    assert "of 1,349 points shown" in widget.shown.text()
    widget.boxes.setChecked(True)
    widget.trails.setChecked(True)
    assert set(attach(viewer, layer).overlays) == {"skeleton", "boxes", "trails"}
    widget.skeleton.setChecked(False)
    assert not attach(viewer, layer).overlays["skeleton"][1].visible
    widget.point_size.setValue(12)
    assert set(np.unique(layer.size)) == {12}


def test_display_widget_follows_what_is_switched_elsewhere(viewer: Any, layer: Any) -> None:
    _, widget = viewer.window.add_plugin_dock_widget("napari-superanimal", "Display poses")
    assert widget.skeleton.isChecked() and not widget.trails.isChecked()
    plugin.show_trails(viewer, layer, length=5, keypoints=["nose"])
    assert widget.trails.isChecked()
    overlays = attach(viewer, layer).overlays
    overlays["skeleton"][1].visible = False  # the eye in the layer list
    assert not widget.skeleton.isChecked()
    viewer.layers.remove(overlays["trails"][1].name)
    assert not widget.trails.isChecked()
    plugin.set_confidence_cutoff(viewer, layer, 0.5)
    assert widget.cutoff.value() == 50
    plugin.color_by(viewer, layer, "confidence")
    assert widget.color.currentData() == "confidence"


def test_saving_tells_what_the_format_cannot_hold(
    viewer: Any, layer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, widget = viewer.window.add_plugin_dock_widget("napari-superanimal", "Display poses")
    answers = iter([(str(tmp_path / "a.csv"), "DeepLabCut csv (*.csv)"), ("", "")])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: next(answers))
    widget.save_button.click()
    assert (tmp_path / "a.csv").exists()
    assert widget.message.kind == "warning"
    assert "a.csv" in widget.message.text and "boxes" in widget.message.text
    before = widget.message.text
    widget.save_button.click()  # the user gave up
    assert widget.message.text == before


def test_sample_opens_with_truth(viewer: Any) -> None:
    layers = viewer.open_sample("napari-superanimal", "topview_mouse")
    assert [type(layer).__name__ for layer in layers] == ["Image", "Points"]
    video, poses = layers
    assert video.rgb and video.data.shape[0] == plugin.layer_to_poses(poses).sizes["time"]


def test_horse_sample_shows_which_hooves_stand(viewer: Any) -> None:
    _, contacts, poses = viewer.open_sample("napari-superanimal", "sideview_horse")
    stances = contacts.metadata["contacts"]
    assert set(contacts.features["hoof"]) == set(stances["foot"])
    stance = stances.iloc[0]
    of_hoof = contacts.data[(contacts.features["hoof"] == stance.foot).to_numpy()]
    assert of_hoof[0, 0] == np.ceil(stance.touchdown_frame)
    truth = plugin.layer_to_poses(poses)["position"].sel(keypoint=f"{stance.foot}_paw")
    frame = int(of_hoof[0, 0])
    np.testing.assert_allclose(of_hoof[0, :0:-1], truth.isel(time=frame, individual=0), atol=1e-4)


def test_damaged_video_warns_once(
    make_napari_viewer: Callable[..., Any], clip: Path, recwarn: pytest.WarningsRecorder
) -> None:
    content = clip.read_bytes()
    middle = len(content) // 2
    clip.write_bytes(content[:middle] + bytes(4000) + content[middle + 4000 :])
    viewer = make_napari_viewer(show=True)
    layer = plugin.open_video(viewer, clip)
    for t in range(0, layer.data.shape[0], 5):
        viewer.dims.set_point(0, t)
    warned = [w for w in recwarn if type(w.message).__name__ == "VideoWarning"]
    assert len(warned) <= 1
