"""Estimating poses from the viewer: run, cancel, resume, a child that dies, wrong choices."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QTimer

import napari_superanimal as plugin
import superanimal
from napari_superanimal.docks.estimate.widget import WHOLE_FRAME, EstimatePosesWidget
from napari_superanimal.pose_layer.layers import is_pose_layer
from superanimal.poses import get_provenance
from superanimal.poses.run_store import RunStore
from superanimal.samples import sample_path

PATIENCE_MS = 240_000  # loading torch takes minutes on a machine under heavy load
CHUNK = 256

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def dock(viewer: Any, random_model: str) -> Callable[[Path], EstimatePosesWidget]:
    """Open a video and dock the widget, set to the random model and the whole frame."""

    def dock(video: Path) -> EstimatePosesWidget:
        plugin.open_video(viewer, video)
        _, widget = viewer.window.add_plugin_dock_widget("napari-superanimal", "Estimate poses")
        widget.model.setCurrentIndex(widget.model.findData(random_model))
        widget.detector.setCurrentIndex(widget.detector.findText(WHOLE_FRAME))
        return widget

    return dock


def run_of(widget: EstimatePosesWidget) -> Any:
    run = widget._run()
    assert run is not None
    return run


def wait_for(qtbot: Any, run: Any, condition: Callable[[Any], bool]) -> None:
    """Wait for a report that satisfies a condition; a run that ended otherwise tells why."""
    qtbot.waitUntil(lambda: condition(run.report) or not run.report.running, timeout=PATIENCE_MS)
    assert condition(run.report), (run.report, list(run.job.log))


def wait_for_state(qtbot: Any, run: Any, state: str) -> None:
    wait_for(qtbot, run, lambda report: report.state == state)


def pose_layer(viewer: Any) -> Any:
    layers = [layer for layer in viewer.layers if is_pose_layer(layer)]
    assert len(layers) == 1
    return layers[0]


def assert_layer_shows_the_store(viewer: Any, run: Any) -> None:
    stored = RunStore.open(run.job.store_path).to_poses()
    shown = plugin.layer_to_poses(pose_layer(viewer))
    for name in ("position", "confidence", "boxes", "box_confidence"):
        np.testing.assert_array_equal(shown[name], stored[name])
    assert np.isfinite(stored["position"]).all()


def test_the_model_is_chosen_and_legs_sorted_at_the_end_of_a_chunk_reach_the_viewer(
    viewer: Any, dock: Any, tmp_path: Path, qtbot: Any
) -> None:
    video = Path(shutil.copy(sample_path("sideview_horse.mp4"), tmp_path))
    widget = dock(video)
    widget.model.setCurrentIndex(widget.model.findData("auto"))
    assert widget.detector.currentText() == "Default of the model"
    widget.panel.run_button.click()
    run = run_of(widget)
    wait_for_state(qtbot, run, "finished")
    assert "mini_quadruped" in run.job.store_path.name  # it looked at the video
    assert_layer_shows_the_store(viewer, run)
    stored = RunStore.open(run.job.store_path).to_poses()
    assert get_provenance(stored)["limbs"] == "sorted over time"


def test_run_fills_the_layer_and_other_choices_start_over(
    viewer: Any, dock: Any, clip: Path, qtbot: Any
) -> None:
    widget = dock(clip)
    ticks: list[float] = []
    timer = QTimer()
    timer.setInterval(10)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    timer.start()
    widget.last.setValue(19)
    widget.panel.run_button.click()
    assert not widget.panel.run_button.isEnabled() and widget.panel.cancel_button.isEnabled()
    run = run_of(widget)
    wait_for_state(qtbot, run, "finished")
    timer.stop()
    longest = np.diff(ticks).max()
    assert longest < 0.5 * (ticks[-1] - ticks[0]), f"the event loop stood still for {longest:.2f} s"

    assert_layer_shows_the_store(viewer, run)
    assert len(pose_layer(viewer).data) == 20 * 27
    assert widget.message.kind == "good"
    assert widget.panel.bar.value() == widget.panel.bar.maximum()
    assert widget.panel.run_button.isEnabled() and not widget.panel.cancel_button.isEnabled()
    assert any("skeleton" in layer.name for layer in viewer.layers)

    widget.last.setValue(7)  # other choices: refused, with a way out
    widget.panel.run_button.click()
    wait_for_state(qtbot, run_of(widget), "failed")
    assert widget.message.button.text() == "Start over"
    assert "Traceback" not in widget.message.text
    widget.message.button.click()
    wait_for_state(qtbot, run_of(widget), "finished")
    assert len(RunStore.open(run_of(widget).job.store_path)) == 8
    assert pose_layer(viewer).data.shape == (8 * 27, 3)


def test_points_arrive_before_the_first_chunk_and_cancel_then_resume_completes(
    viewer: Any, dock: Any, long_clip: Path, qtbot: Any
) -> None:
    widget = dock(long_clip)
    arrived: list[int] = []
    widget.panel.run_button.click()
    run = run_of(widget)
    run.job.landed.connect(lambda times, arrays: arrived.append(times.stop))
    wait_for(qtbot, run, lambda report: bool(arrived))
    assert arrived[0] < CHUNK
    assert run.view.table.present()[: arrived[0]].all()
    plugin.set_confidence_cutoff(viewer, run.view.points, 0)  # random weights are not sure of anything
    assert run.view.points.shown[: 27 * arrived[0]].all()

    wait_for(qtbot, run, lambda report: report.done >= CHUNK)
    assert widget.panel.cancel_button.isEnabled()
    widget.panel.cancel_button.click()
    assert run.report.state == "cancelling" and "stopping" in widget.panel.status.text()  # at once
    wait_for_state(qtbot, run, "cancelled")
    store = RunStore.open(run.job.store_path)
    kept = store.finished_rows()
    done = int(kept.sum())
    assert CHUNK <= done < 900 and kept[:done].all()
    assert done == max(arrived) == run.report.done  # what was shown is what is kept
    np.testing.assert_array_equal(run.view.table.present().all((1, 2)), kept)
    assert "cancelled" in widget.panel.status.text()
    assert widget.save_button.isVisibleTo(widget)

    widget.panel.resume_button.click()
    wait_for_state(qtbot, run, "finished")
    assert run.report.total == 900 - done  # no finished frame was computed again
    assert RunStore.open(run.job.store_path).finished_chunks() == [0, 1, 2, 3]
    assert_layer_shows_the_store(viewer, run)


@pytest.mark.slow
def test_closing_the_window_ends_the_child_and_keeps_its_frames(
    viewer: Any, dock: Any, long_clip: Path, qtbot: Any
) -> None:
    widget = dock(long_clip)
    widget.panel.run_button.click()
    run = run_of(widget)
    arrived: list[int] = []
    run.job.landed.connect(lambda times, arrays: arrived.append(times.stop))
    wait_for(qtbot, run, lambda report: bool(arrived))
    pid, store = run.job.pid, run.job.store_path
    viewer.close()
    qtbot.waitUntil(lambda: not run.report.running, timeout=PATIENCE_MS)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert RunStore.open(store).finished_frames() >= max(arrived)


@pytest.mark.slow
def test_a_run_of_the_first_frames_goes_on_to_the_last(
    viewer: Any, dock: Any, clip: Path, tmp_path: Path, qtbot: Any
) -> None:
    widget = dock(clip)
    total = widget.last.maximum() + 1
    widget.last.setValue(9)
    widget.out.set_folder(tmp_path / "results")
    widget.panel.run_button.click()
    run = run_of(widget)
    wait_for_state(qtbot, run, "finished")
    assert run.job.store_path.parent == tmp_path / "results"
    assert not list(tmp_path.glob("*.poses.zarr"))
    assert f"{total - 10} further frames" in widget.message.text
    before = RunStore.open(run.job.store_path).to_poses()
    assert widget.message.button.text() == "Continue to the last frame"
    widget.message.button.click()
    again = run_of(widget)
    wait_for_state(qtbot, again, "finished")
    assert again.report.total == total - 10  # the first ten are not computed again
    assert_layer_shows_the_store(viewer, again)
    stored = RunStore.open(again.job.store_path).to_poses()
    assert stored.sizes["time"] == total
    np.testing.assert_array_equal(stored["position"][:10], before["position"])
    assert not widget.message.button.isVisibleTo(widget)


def test_a_folder_that_cannot_be_written_is_told_before_anything_runs(
    dock: Any, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != clip.parent and access(path, mode))
    widget = dock(clip)
    assert not widget.panel.run_button.isEnabled()
    assert "choose a folder" in widget.out_caption.text()
    (tmp_path / "free").mkdir()
    widget.out.set_folder(tmp_path / "free" / "results")  # made when it is missing
    assert widget.panel.run_button.isEnabled() and not widget.out_caption.isVisibleTo(widget)


@pytest.mark.slow
def test_killed_child_leaves_a_helpful_message_and_a_living_viewer(
    viewer: Any, dock: Any, long_clip: Path, qtbot: Any
) -> None:
    widget = dock(long_clip)
    widget.last.setValue(299)
    widget.panel.run_button.click()
    run = run_of(widget)
    wait_for(qtbot, run, lambda report: report.done > 0)
    os.kill(run.job.pid, signal.SIGKILL)
    wait_for_state(qtbot, run, "died")
    assert widget.message.kind == "error"
    assert "ended by the system" in widget.message.text
    assert "Resume" in widget.message.text
    assert widget.panel.resume_button.isEnabled()
    viewer.dims.set_point(0, 7)
    assert viewer.dims.current_step[0] == 7

    widget.panel.resume_button.click()
    wait_for_state(qtbot, run, "finished")
    assert_layer_shows_the_store(viewer, run)


def test_licence_has_to_be_accepted_and_a_firewall_is_told(
    viewer: Any, dock: Any, clip: Path, tmp_path: Path, home: Path, monkeypatch: Any, qtbot: Any
) -> None:
    alone = Path(shutil.copytree(home, tmp_path / "home"))  # what is accepted here stays here
    monkeypatch.setenv("SUPERANIMAL_HOME", str(alone))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens: as behind a firewall
    widget = dock(clip)
    widget.model.setCurrentIndex(widget.model.findData("superanimal_quadruped_resnet_50"))
    assert "research use only" in widget.model_caption.text()
    assert "to be downloaded" in widget.model_caption.text()
    assert widget.accept.isVisibleTo(widget) and not widget.panel.run_button.isEnabled()
    widget.accept.setChecked(True)
    assert widget.panel.run_button.isEnabled()

    widget.panel.run_button.click()
    run = run_of(widget)
    assert run.job.options["accept_license"] is True
    wait_for_state(qtbot, run, "failed")
    assert run.report.kind == "ModelError"
    assert widget.message.kind == "error"
    assert "licence" not in run.report.text  # it was accepted: the trouble is the network
    assert "Traceback" not in widget.message.text and run.report.remedy in widget.message.text
    assert widget.panel.run_button.isEnabled()


def test_missing_video_is_told_in_the_widget(dock: Any, clip: Path) -> None:
    widget = dock(clip)
    clip.unlink()
    widget.panel.run_button.click()
    assert widget.message.kind == "error"
    assert "mouse.mp4 no longer exists" in widget.message.text


def test_empty_state_until_a_video_is_opened(viewer: Any, clip: Path) -> None:
    _, widget = viewer.window.add_plugin_dock_widget("napari-superanimal", "Estimate poses")
    assert widget.pages.currentIndex() == 0
    assert widget.empty_open.isVisibleTo(widget)
    plugin.open_video(viewer, clip)
    assert widget.pages.currentIndex() == 1
    assert widget.last.value() == viewer.layers[0].data.shape[0] - 1
    viewer.layers.clear()
    assert widget.pages.currentIndex() == 0


def test_console_functions_do_what_the_buttons_do(
    viewer: Any, clip: Path, random_model: str, qtbot: Any
) -> None:
    plugin.open_video(viewer, clip)
    weights = Path(superanimal.__file__).parent / "zoo" / "weights" / "mini_topviewmouse.safetensors"
    run = plugin.estimate_poses(viewer, model=weights, whole_frame=True, frames="0:3")  # a path, not a name
    with pytest.raises(ValueError, match="being estimated"):
        plugin.estimate_poses(viewer, model=random_model)
    plugin.cancel(viewer)
    wait_for_state(qtbot, run, "cancelled")
    plugin.resume(viewer)
    wait_for_state(qtbot, run, "finished")
    assert len(pose_layer(viewer).data) == 3 * 27
