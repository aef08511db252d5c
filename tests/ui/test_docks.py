"""Docks on a small screen, and what shows which frames and points there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.utils.action_manager import action_manager
from qtpy.QtCore import QPoint, Qt

import napari_superanimal as plugin
from napari_superanimal.pose_layer.shortcuts import ACTIONS, PREFIX
from napari_superanimal.pose_layer.views import view_of
from superanimal.synth.herd import make_herd

DOCKS = ("Estimate poses", "Display poses", "Keypoint mapping", "Fine-tune", "Gait", "Behaviour")


@pytest.mark.parametrize("title", DOCKS)
def test_a_dock_fits_a_small_screen_and_keeps_what_was_in_view(
    viewer: Any, clip: Path, mouse_poses: Any, title: str, qtbot: Any
) -> None:
    viewer.window.resize(1280, 760)
    qtbot.wait(200)
    plugin.open_video(viewer, clip)
    plugin.show_poses(viewer, mouse_poses)
    qtbot.wait(200)
    canvas = viewer.window._qt_viewer.canvas
    seen = np.array(canvas.size) / viewer.scene.camera.zoom
    _, widget = viewer.window.add_plugin_dock_widget("napari-superanimal", title)
    qtbot.wait(500)
    window = viewer.window._qt_window
    assert window.height() <= 800 and window.width() <= 1280
    assert (np.array(canvas.size) / viewer.scene.camera.zoom >= seen * 0.99).all()
    page = widget.pages.currentWidget()
    assert page.width() >= page.minimumSizeHint().width()  # nothing is cut off at the side


def test_names_follow_the_points(viewer: Any, mouse_poses: Any, qtbot: Any) -> None:
    layer = plugin.show_poses(viewer, mouse_poses)
    _, dock = viewer.window.add_plugin_dock_widget("napari-superanimal", "Display poses")
    assert not dock.names.isChecked()
    dock.names.setChecked(True)
    view = view_of(layer)
    names = view.names.layer
    assert names.visible and viewer.layers.selection.active is not names
    viewer.dims.set_point(0, 25)  # where a point is missing
    viewer.camera.zoom = 1000  # far apart: each point has its name
    np.testing.assert_array_equal(names.text.values != "", view.table.present(25).ravel())
    k = view.table.keypoints.index("nose")
    np.testing.assert_allclose(names.data[k, ::-1], view.table.xy[25, 0, k])
    assert names.text.values[k] == "nose"
    viewer.camera.zoom = 0.01  # all in one spot: the first name, or that of the selected point
    assert list(names.text.values[names.text.values != ""]) == ["nose"]
    layer.selected_data = {25 * 27 + view.table.keypoints.index("tail_base")}
    assert list(names.text.values[names.text.values != ""]) == ["tail_base"]
    plugin.show_names(viewer, layer, False)
    assert not dock.names.isChecked() and not names.visible
    viewer.layers.remove(names)  # by hand: it comes back when it is asked for
    plugin.show_names(viewer, layer)
    assert view.names.shown
    names = view.names.layer
    viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: names not in viewer.layers, timeout=5000)


def test_undo_and_redo_are_grey_without_anything_to_undo(viewer: Any, mouse_poses: Any) -> None:
    layer = plugin.show_poses(viewer, mouse_poses)
    _, dock = viewer.window.add_plugin_dock_widget("napari-superanimal", "Display poses")

    def state() -> tuple[bool, bool]:
        return dock.undo_button.isEnabled(), dock.redo_button.isEnabled()

    assert state() == (False, False)
    view_of(layer).editing.move(np.array([3]), np.array([[1.0, 2.0]]))
    assert state() == (True, False)
    dock.undo_button.click()
    assert state() == (False, True)
    dock.redo_button.click()
    assert state() == (True, False)


def test_keys_are_in_the_list_of_napari_and_can_be_changed(viewer: Any, mouse_poses: Any) -> None:
    from napari.layers import Points

    layer = plugin.show_poses(viewer, mouse_poses)
    listed = action_manager._get_provider_actions(Points)
    assert {PREFIX + name for name in ACTIONS} <= set(listed)
    view = view_of(layer)
    view.editing.move(np.array([3]), np.array([[1.0, 2.0]]))
    before = view.table.xy.copy()
    listed[PREFIX + "undo_pose_edit"].command(layer)
    assert not np.array_equal(view.table.xy, before, equal_nan=True)
    other = viewer.add_points(np.zeros((1, 2)))
    listed[PREFIX + "undo_pose_edit"].command(other)  # other layers are left alone


def test_the_strip_shows_frames_with_poses_and_goes_there(viewer: Any, mouse_poses: Any, qtbot: Any) -> None:
    poses = mouse_poses.copy(deep=True)
    poses["position"][:20] = np.nan
    layer = plugin.show_poses(viewer, poses)
    _, dock = viewer.window.add_plugin_dock_widget("napari-superanimal", "Display poses")
    strip = dock.strip
    strip.resize(200, 16)
    assert "30 of 50 frames" in strip.toolTip()
    picture = strip.grab().toImage()
    colors = [picture.pixelColor(x, 8).name() for x in (20, 190)]
    assert colors[0] != colors[1]
    at = QPoint(int(25.5 / 50 * strip.width()), 8)  # the middle of frame 25's column
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=at)
    assert viewer.dims.current_step[0] == 25
    view = view_of(layer)
    viewer.dims.set_point(0, 3)
    view.go(1)
    assert viewer.dims.current_step[0] == 20
    view.go(-1)
    assert viewer.dims.current_step[0] == 20  # there is none before


def test_animals_are_tracked_and_doubtful_places_are_found(viewer: Any, qtbot: Any) -> None:
    """Two animals that look alike are lost for a second, twice: who is who afterwards cannot be known."""
    herd = make_herd(2, 240, seed=2, variety=0.0, side=300)
    found = herd.shuffled(seed=0)
    found["position"][{"time": slice(100, 130)}] = np.nan
    plugin.show_poses(viewer, found, name="herd")
    _, dock = viewer.window.add_plugin_dock_widget("napari-superanimal", "Track animals")
    assert dock.lanes.isHidden() and dock.panel.run_button.isEnabled()
    dock.panel.run_button.click()
    qtbot.waitUntil(lambda: not dock.panel.running, timeout=60_000)
    assert dock.panel.job.report.state == "finished", dock.message.text
    layer = viewer.layers["herd tracked"]
    assert dock.layer.layer() is layer and not dock.lanes.isHidden()
    steps = np.abs(np.diff(plugin.layer_to_poses(layer)["position"].values, axis=0))
    assert float(np.nanmax(steps)) < 30  # no animal changed its slot
    assert dock.said.text().startswith("2 animals; who is who is doubtful in 2 places")
    viewer.dims.set_point(0, 200)
    dock.before.click()
    assert viewer.dims.current_step[0] in (0, 130)  # the name is sure on one side of the gap
    dock.by_colour.setChecked(True)
    assert not dock.panel.run_button.isEnabled()  # there is no video
