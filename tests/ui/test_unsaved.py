"""Corrections are marked until they are saved, asked about before they go, and are restored after a crash."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from mouse import drag, loneliest, pixel
from napari.layers import _layer_actions
from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog, QMessageBox

import napari_superanimal as plugin
from napari_superanimal.pose_layer.layers import is_pose_layer, table_of
from napari_superanimal.pose_layer.playback import attach
from napari_superanimal.pose_layer.views import view_of
from superanimal.formats import load_poses, save_poses
from superanimal.poses.journal import journal_paths
from superanimal.poses.run_store import RunStore

PLUGIN = "napari-superanimal"


@pytest.fixture
def file(mouse_poses: xr.Dataset, tmp_path: Path) -> Path:
    """A pose file."""
    path = tmp_path / "mouse.nc"
    save_poses(mouse_poses, path)
    return path


@pytest.fixture
def run(mouse_poses: xr.Dataset, tmp_path: Path) -> Path:
    """A finished run."""
    store = RunStore.create(
        tmp_path / "mouse_model.poses.zarr",
        frames=np.arange(50),
        keypoints=mouse_poses["keypoint"].values.tolist(),
        individuals=["animal0"],
    )
    arrays = {
        "position": mouse_poses["position"].values.transpose(0, 3, 2, 1),
        "confidence": mouse_poses["confidence"].values.transpose(0, 2, 1),
        "boxes": mouse_poses["boxes"].values.transpose(0, 2, 1),
        "box_confidence": mouse_poses["box_confidence"].values,
    }
    store.write_chunk(0, arrays, {})
    return store.path


def opened(viewer: Any, path: Path) -> Any:
    if "video" not in viewer.layers:
        viewer.add_image(np.zeros((50, 480, 640), np.uint8), name="video")
    (layer,) = viewer.open(str(path), plugin=PLUGIN)
    viewer.layers.selection.active = layer
    viewer.dims.set_point(0, 10)
    QApplication.processEvents()
    return layer


def drag_one(viewer: Any, layer: Any) -> tuple[int, np.ndarray]:
    """Drag a point of frame 10 with the mouse; return its row and where it is now."""
    layer.mode = "select"
    row = loneliest(layer, 270 + np.arange(27))
    drag(viewer, pixel(viewer, *layer.data[row, 1:]), pixel(viewer, 60, 80))
    return row, np.array(layer.data[row, 1:])


def answer(label: str) -> list[str]:
    """Press a button of the next question; return a list that gets the text of the question."""
    seen: list[str] = []

    def press() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            QTimer.singleShot(50, press)
            return
        seen.append(f"{box.text()} {box.informativeText()}")
        button = next(b for b in box.buttons() if b.text().replace("&", "") == label)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    QTimer.singleShot(50, press)
    return seen


class Closings(QObject):
    """Counts how often a window would close; it stays open, for the fixture to close."""

    def __init__(self, window: Any) -> None:
        super().__init__()
        self.window, self.times = window, 0
        window.installEventFilter(self)  # before the guard, so that it is asked after it

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.Close:
            self.times += 1
            event.ignore()  # else Qt deletes the window
            return True
        return False


@pytest.fixture
def closings(viewer: Any) -> Iterator[Closings]:
    window = viewer.window._qt_window
    closings = Closings(window)
    yield closings
    window.removeEventFilter(closings)
    closings.window = None  # pytest keeps the counter for longer than the window


def close_window(viewer: Any) -> None:
    """Close the window as Ctrl+W and the menu do."""
    viewer.window._qt_window.close(False, False)


def poses_of(viewer: Any) -> list[Any]:
    return [layer for layer in viewer.layers if is_pose_layer(layer)]


@pytest.mark.parametrize("kind", ["file", "run"])
def test_corrections_come_back_after_a_crash(
    make_napari_viewer: Callable[..., Any], kind: str, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(kind)
    viewer = make_napari_viewer(show=True)
    row, where = drag_one(viewer, opened(viewer, path))
    other = make_napari_viewer(show=True)  # nothing was saved or closed: as after a crash
    again = opened(other, path)
    np.testing.assert_array_equal(again.data[row, 1:], where)
    assert again.features["edited"].sum() == 1 and again.features["edited"][row]
    assert again.name.endswith(" *"), "they are still not saved"


def test_the_name_tells_what_is_not_saved(viewer: Any, file: Path, tmp_path: Path) -> None:
    layer = opened(viewer, file)
    assert layer.name == "mouse"
    row, where = drag_one(viewer, layer)
    assert layer.name == "mouse *"
    plugin.undo(viewer, layer)
    assert layer.name == "mouse", "nothing is left to save"
    plugin.redo(viewer, layer)
    assert layer.name == "mouse *"
    plugin.save(layer, tmp_path / "corrected.nc")
    assert layer.name == "mouse"
    plugin.undo(viewer, layer)
    assert layer.name == "mouse *", "the saved file has the correction"
    plugin.redo(viewer, layer)
    assert layer.name == "mouse"
    again = opened(viewer, file)
    assert again.name == "mouse [1]"
    np.testing.assert_array_equal(again.data[row, 1:], where)


def test_napari_saves_too(viewer: Any, file: Path, tmp_path: Path) -> None:
    layer = opened(viewer, file)
    drag_one(viewer, layer)
    viewer.layers.selection = {layer}
    viewer.layers.save(str(tmp_path / "out.h5"), selected=True, plugin=PLUGIN)
    assert layer.name == "mouse"


def test_saving_over_the_file_ends_its_journal(viewer: Any, file: Path) -> None:
    layer = opened(viewer, file)
    row, where = drag_one(viewer, layer)
    assert journal_paths(file)[0].exists()
    plugin.save(layer, file)
    assert not journal_paths(file)[0].exists()
    np.testing.assert_array_equal(load_poses(file)["position"].values[10, ::-1, row % 27, 0], where)


def test_closing_asks_and_can_be_cancelled(viewer: Any, closings: Closings, file: Path) -> None:
    layer = opened(viewer, file)
    drag_one(viewer, layer)
    seen = answer("Cancel")
    close_window(viewer)
    assert len(seen) == 1 and "'mouse'" in seen[0] and "are restored" in seen[0]
    assert closings.times == 0
    plugin.undo(viewer, layer)
    close_window(viewer)  # nothing to ask
    assert closings.times == 1


@pytest.mark.parametrize(("button", "kept"), [("Keep for later", True), ("Discard", False)])
def test_closing_keeps_or_discards(
    viewer: Any, closings: Closings, file: Path, button: str, kept: bool
) -> None:
    layer = opened(viewer, file)
    drag_one(viewer, layer)
    answer(button)
    close_window(viewer)
    assert closings.times == 1
    assert journal_paths(file)[0].exists() == kept
    table_of(layer).discard()  # the fixture closes the window without a question


def test_closing_and_saving(
    viewer: Any, closings: Closings, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, where = drag_one(viewer, opened(viewer, run))
    chosen = iter(["", str(tmp_path / "saved.h5")])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (next(chosen), ""))
    answer("Save…")
    close_window(viewer)
    assert closings.times == 0, "the user gave up in the file dialog"
    answer("Save…")
    close_window(viewer)
    assert closings.times == 1
    saved = load_poses(tmp_path / "saved.h5")
    np.testing.assert_array_equal(saved["position"].values[10, ::-1, row % 27, 0], where)


def test_removing_the_layer_asks_and_puts_it_back(viewer: Any, file: Path, qtbot: Any) -> None:
    layer = opened(viewer, file)
    row, where = drag_one(viewer, layer)
    viewer.layers.selection = {layer}
    seen = answer("Put it back")
    viewer.layers.remove_selected()
    qtbot.waitUntil(lambda: bool(seen) and layer in viewer.layers)
    np.testing.assert_array_equal(layer.data[row, 1:], where)
    layer.selected_data = {row}
    attach(viewer, layer).editing.delete()
    assert not layer.shown[row], "it is alive again"

    seen = answer("Keep for later")
    viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: bool(seen) and QApplication.activeModalWidget() is None)
    qtbot.waitUntil(lambda: len(viewer.layers) == 1)
    assert not opened(viewer, file).shown[row]


def test_poses_without_a_file_say_that_they_would_be_lost(
    viewer: Any, mouse_poses: xr.Dataset, qtbot: Any
) -> None:
    viewer.add_image(np.zeros((50, 480, 640), np.uint8), name="video")
    layer = plugin.show_poses(viewer, mouse_poses)
    attach(viewer, layer).editing.move(np.array([3]), np.array([[5.0, 6.0]]))
    seen = answer("Discard")
    viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: bool(seen) and QApplication.activeModalWidget() is None)
    assert "are lost" in seen[0]


@pytest.mark.parametrize("limit", [2_000_000, 100])
def test_a_duplicated_layer_has_poses_of_its_own(viewer: Any, mouse_poses: xr.Dataset, limit: int) -> None:
    viewer.add_image(np.zeros((50, 480, 640), np.uint8), name="video")
    layer = plugin.show_poses(viewer, mouse_poses, name="mouse", dense_limit=limit)
    viewer.dims.set_point(0, 10)
    viewer.layers.selection = {layer}
    _layer_actions._duplicate_layer(viewer.layers)
    twin = viewer.layers["mouse copy"]
    assert table_of(twin) is not table_of(layer)
    attach(viewer, twin).editing.move(np.array([10 * 27 + 4]), np.array([[5.0, 6.0]]))
    xr.testing.assert_identical(plugin.layer_to_poses(layer), mouse_poses)
    changed = plugin.layer_to_poses(twin)
    assert changed["position"].values[10, :, 4, 0].tolist() == [5, 6] and int(changed["edited"].sum()) == 1
    assert (layer.name, twin.name) == ("mouse", "mouse copy *")
    view_of(layer).editing.move(np.array([10 * 27 + 5]), np.array([[7.0, 8.0]]))
    assert int(plugin.layer_to_poses(twin)["edited"].sum()) == 1


def test_a_copy_outside_a_viewer_leaves_the_original_alone(viewer: Any, mouse_poses: xr.Dataset) -> None:
    from napari.layers import Points

    layer = plugin.show_poses(viewer, mouse_poses)
    twin = Points(copy.deepcopy(layer.data), metadata=dict(layer.metadata))
    twin.data[4, 1:] = 1.0
    plugin.layer_to_poses(twin)
    xr.testing.assert_identical(plugin.layer_to_poses(layer), mouse_poses)
    assert len(poses_of(viewer)) == 1
