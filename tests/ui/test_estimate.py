"""Estimating poses from the viewer: run, cancel, resume, a child that dies, wrong choices."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QTimer

import napari_superanimal as plugin
from napari_superanimal.layers import is_pose_layer
from napari_superanimal.widgets.estimate_poses import WHOLE_FRAME, EstimatePosesWidget
from superanimal.inference import RunStore

PATIENCE_MS = 240_000  # loading torch takes minutes on a machine under heavy load


pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def widget(viewer: Any, clip: Path, random_model: str) -> EstimatePosesWidget:
    """The docked widget with the sample video, set to the random model and the whole frame."""
    plugin.open_video(viewer, clip)
    _, widget = viewer.window.add_plugin_dock_widget("napari-superanimal", "Estimate poses")
    widget.model.setCurrentIndex(widget.model.findData(random_model))
    widget.detector.setCurrentIndex(widget.detector.findText(WHOLE_FRAME))
    return widget


def report_of(widget: EstimatePosesWidget) -> Any:
    run = widget._run()
    assert run is not None
    return run.report


def pose_layer(viewer: Any) -> Any:
    layers = [layer for layer in viewer.layers if is_pose_layer(layer)]
    assert len(layers) == 1
    return layers[0]


def test_run_fills_the_layer_and_other_choices_start_over(viewer: Any, widget: Any, qtbot: Any) -> None:
    ticks: list[float] = []
    timer = QTimer()
    timer.setInterval(10)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    timer.start()
    widget.last.setValue(19)
    widget.run_button.click()
    assert not widget.run_button.isEnabled() and widget.cancel_button.isEnabled()
    qtbot.waitUntil(lambda: report_of(widget).state == "finished", timeout=PATIENCE_MS)

    timer.stop()
    longest = np.diff(ticks).max()
    assert longest < 0.2 * (ticks[-1] - ticks[0]), f"the event loop stood still for {longest:.2f} s"

    run = widget._run()
    stored = RunStore.open(run.job.store_path).to_poses()
    layer = pose_layer(viewer)
    np.testing.assert_array_equal(plugin.layer_to_poses(layer)["position"], stored["position"])
    assert stored.sizes["time"] == 20
    assert np.isfinite(stored["position"]).all()
    assert widget.message.kind == "good"
    assert widget.bar.value() == widget.bar.maximum()
    assert widget.run_button.isEnabled() and not widget.cancel_button.isEnabled()
    assert any("skeleton" in layer.name for layer in viewer.layers)

    widget.last.setValue(7)  # other choices: refused, with a way out
    widget.run_button.click()
    qtbot.waitUntil(lambda: report_of(widget).state == "failed", timeout=PATIENCE_MS)
    assert widget.message.button.text() == "Start over"
    assert "Traceback" not in widget.message.text
    widget.message.button.click()
    qtbot.waitUntil(lambda: report_of(widget).state == "finished", timeout=PATIENCE_MS)
    assert len(RunStore.open(widget._run().job.store_path)) == 8
    assert pose_layer(viewer).data.shape == (8 * 27, 3)


def test_cancel_and_resume_with_points_arriving(viewer: Any, widget: Any, qtbot: Any) -> None:
    widget.run_button.click()
    run = widget._run()
    qtbot.waitUntil(lambda: run.view is not None and run.view.table.present().any(), timeout=PATIENCE_MS)
    assert report_of(widget).running, "points have to appear while it runs"
    widget.cancel_button.click()
    qtbot.waitUntil(lambda: report_of(widget).state == "cancelled", timeout=PATIENCE_MS)
    finished = RunStore.open(run.job.store_path).finished_chunks()
    total = RunStore.open(run.job.store_path).n_chunks
    assert 0 < len(finished) < total
    assert "cancelled" in widget.status.text()

    widget.resume_button.click()
    qtbot.waitUntil(lambda: report_of(widget).state == "finished", timeout=PATIENCE_MS)
    assert RunStore.open(run.job.store_path).finished_chunks() == list(range(total))
    layer = pose_layer(viewer)
    stored = RunStore.open(run.job.store_path).to_poses()
    np.testing.assert_array_equal(plugin.layer_to_poses(layer)["position"], stored["position"])


def test_killed_child_leaves_a_helpful_message_and_a_living_viewer(
    viewer: Any, widget: Any, qtbot: Any
) -> None:
    widget.run_button.click()
    run = widget._run()
    qtbot.waitUntil(lambda: report_of(widget).state == "running", timeout=PATIENCE_MS)
    os.kill(run.job.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: report_of(widget).state == "died", timeout=PATIENCE_MS)
    assert widget.message.kind == "error"
    assert "ended by the system" in widget.message.text
    assert "Resume" in widget.message.text
    assert widget.resume_button.isEnabled()
    viewer.dims.set_point(0, 7)
    assert viewer.dims.current_step[0] == 7
    widget.last.setValue(9)

    widget.resume_button.click()
    qtbot.waitUntil(lambda: report_of(widget).state == "finished", timeout=PATIENCE_MS)


def test_missing_video_is_told_in_the_widget(viewer: Any, widget: Any, clip: Path) -> None:
    clip.unlink()
    widget.run_button.click()
    assert widget.message.kind == "error"
    assert "mouse.mp4 is gone" in widget.message.text


def test_empty_state_until_a_video_is_opened(viewer: Any, clip: Path) -> None:
    _, widget = viewer.window.add_plugin_dock_widget("napari-superanimal", "Estimate poses")
    assert widget.pages.currentIndex() == 0
    assert widget.empty_open.isVisible()
    plugin.open_video(viewer, clip)
    assert widget.pages.currentIndex() == 1
    assert widget.last.value() == viewer.layers[0].data.shape[0] - 1
    viewer.layers.clear()
    assert widget.pages.currentIndex() == 0


def test_console_functions_do_what_the_buttons_do(
    viewer: Any, clip: Path, random_model: str, qtbot: Any
) -> None:
    plugin.open_video(viewer, clip)
    run = plugin.estimate_poses(viewer, model=random_model, whole_frame=True, frames="0:3")
    with pytest.raises(ValueError, match="being estimated"):
        plugin.estimate_poses(viewer, model=random_model)
    plugin.cancel(viewer)
    qtbot.waitUntil(lambda: not run.report.running, timeout=PATIENCE_MS)
    assert run.report.state == "cancelled"
    plugin.resume(viewer)
    qtbot.waitUntil(lambda: run.report.state == "finished", timeout=PATIENCE_MS)
    assert len(pose_layer(viewer).data) == 3 * 27
