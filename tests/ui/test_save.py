"""Saving poses from the docks: what went wrong or was lost is what the user reads."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

import napari_superanimal as plugin
from napari_superanimal import console
from napari_superanimal.docks.estimate.run import Estimation
from napari_superanimal.jobs import Report
from napari_superanimal.pose_layer.playback import attach
from napari_superanimal.pose_layer.save import target_of
from superanimal.formats import load_poses


@pytest.fixture
def dock(viewer: Any, mouse_poses: xr.Dataset, clip: Path) -> Any:
    """The dock 'Estimate poses' after a run that finished, as if its child had gone."""
    video = plugin.open_video(viewer, clip)
    _, widget = viewer.window.add_plugin_dock_widget("napari-superanimal", "Estimate poses")
    run = Estimation(viewer, video, {"model": "mini_topviewmouse"})
    run.view = attach(viewer, plugin.show_poses(viewer, mouse_poses, name="mouse"))
    run.job.report = Report(state="finished", total=50, done=50)
    widget._follow()
    assert widget.message.text.startswith("Done.")
    return widget


def choose(monkeypatch: pytest.MonkeyPatch, path: Path, filter_: str) -> list[str]:
    """Answer the save dialog; return the list to which the path it started with is added."""
    started: list[str] = []

    def answer(parent: Any, title: str, start: str, filters: str) -> tuple[str, str]:
        started.append(start)
        return str(path), filter_

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    return started


def press(button: Any) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_failed_save_is_an_error_and_stays_one(
    dock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    choose(monkeypatch, blocked / "a.h5", "DeepLabCut h5 (*.h5)")
    press(dock.save_button)
    assert dock.message.kind == "error" and "a.h5" in dock.message.text
    dock.panel.job.reported.emit(dock.panel.job.report)  # whatever makes the run report again
    assert dock.message.kind == "error"

    choose(monkeypatch, tmp_path / "a.h5", "DeepLabCut h5 (*.h5)")
    press(dock.save_button)
    assert dock.message.kind == "good" and "Saved" in dock.message.text


def test_what_a_format_loses_stays_on_show(
    dock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = choose(monkeypatch, tmp_path / "a.csv", "DeepLabCut csv (*.csv)")
    press(dock.save_button)
    assert dock.message.kind == "warning" and "boxes" in dock.message.text
    assert Path(started[0]).is_absolute() or not Path(started[0]).parent.name


def test_a_refused_click_is_told_while_a_run_goes_on(dock: Any) -> None:
    dock.panel.job.report = Report(state="running", total=50)
    dock.panel.job.reported.emit(dock.panel.job.report)
    assert not dock.message.text
    dock.run()
    assert dock.message.kind == "error" and "being estimated" in dock.message.text
    dock.panel.job.reported.emit(dock.panel.job.report)
    assert dock.message.kind == "error"


def test_other_warnings_of_a_save_are_not_swallowed(
    dock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(monkeypatch, tmp_path / "a.h5", "DeepLabCut h5 (*.h5)")

    def write(path: Path, *_: Any) -> list[Path]:
        warnings.warn("the clock is wrong", RuntimeWarning, stacklevel=1)
        return [path]

    monkeypatch.setattr("napari_superanimal.pose_layer.save.write", write)
    with pytest.warns(RuntimeWarning, match="the clock is wrong"):
        press(dock.save_button)


@pytest.mark.parametrize(
    ("typed", "written", "format_name"),
    [
        ("a.h5", "a.h5", "dlc-h5"),
        ("a", "a.h5", "dlc-h5"),
        ("mouse.v1", "mouse.v1.h5", "dlc-h5"),
        ("a.nwb", "a.nwb", "nwb"),
        ("a.H5", "a.H5", "dlc-h5"),
    ],
)
def test_the_name_and_the_format_agree(typed: str, written: str, format_name: str) -> None:
    assert target_of(Path(typed), "dlc-h5", ".h5") == (Path(written), format_name)


def test_an_added_ending_never_replaces_a_file(
    dock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.h5").write_bytes(b"precious")
    choose(monkeypatch, tmp_path / "a", "DeepLabCut h5 (*.h5)")
    press(dock.save_button)
    assert dock.message.kind == "error" and "already exists" in dock.message.text
    assert (tmp_path / "a.h5").read_bytes() == b"precious"


def test_the_dialog_starts_beside_the_file_of_the_poses(
    viewer: Any, mouse_poses: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.save(plugin.show_poses(viewer, mouse_poses), tmp_path / "poses.h5")
    (layer,) = viewer.open(str(tmp_path / "poses.h5"), plugin="napari-superanimal")
    _, widget = viewer.window.add_plugin_dock_widget("napari-superanimal", "Display poses")
    widget.layer.choose(layer)
    started = choose(monkeypatch, tmp_path / "again.h5", "DeepLabCut h5 (*.h5)")
    press(widget.save_button)
    assert Path(started[0]).parent == tmp_path
    np.testing.assert_array_equal(
        load_poses(tmp_path / "again.h5")["position"], mouse_poses["position"].values
    )
