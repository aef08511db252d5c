"""Training from the viewer: start, live curves, stop, resume, results, and what is said of trouble."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog

import napari_superanimal as plugin
from napari_superanimal.docks.finetune.curve_plot import CurvePlot
from napari_superanimal.docks.finetune.result_view import ResultView
from napari_superanimal.docks.finetune.widget import CURVES, FORM, RESULT, FinetuneWidget
from superanimal.labels import ImageRef, LabelledSet, materialize, synthetic_labels
from superanimal.training.finetuning.methods import LENGTHS
from superanimal.training.finetuning.run_folder import Comparison, TrainingResult
from superanimal.zoo.catalog import load_catalog

PATIENCE_MS = 400_000  # loading torch takes minutes on a machine under heavy load
OWN = {"nose": "snout", "left_ear": "leftear", "right_ear": "rightear", "tail_base": "tailbase"}
STEPS = 40

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="session")
def labels(tmp_path_factory: pytest.TempPathFactory) -> LabelledSet:
    """Ten rendered pictures of mice, four keypoints under a lab's own names."""
    pictures = synthetic_labels(tmp_path_factory.mktemp("pictures"), 10, size=(120, 160), seed=3)
    keep = [pictures.keypoints.index(name) for name in OWN]
    return pictures.with_columns(
        name="lab",
        keypoints=tuple(OWN.values()),
        xy=pictures.xy[:, keep],
        visibility=pictures.visibility[:, keep],
    )


@pytest.fixture
def widget(
    viewer: Any, random_model: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> FinetuneWidget:
    """The widget with the model of random weights, a folder and few steps; its models are its own."""
    monkeypatch.setenv("SUPERANIMAL_HOME", str(shutil.copytree(home, tmp_path / "home")))
    monkeypatch.setitem(LENGTHS, "quick", STEPS / 250)
    area, widget = viewer.window.add_plugin_dock_widget("napari-superanimal", "Fine-tune")
    area.setMinimumWidth(440)
    widget.form.model.choose(random_model)
    return widget


@pytest.fixture
def ready(widget: FinetuneWidget, labels: LabelledSet, tmp_path: Path, qtbot: Any) -> FinetuneWidget:
    """The widget with labels, ready to start."""
    show(widget, labels, qtbot)
    widget.form.set_folder(tmp_path / "run")
    return widget


def show(widget: FinetuneWidget, labels: LabelledSet, qtbot: Any) -> None:
    widget.menu.read.emit(labels, "memory")
    qtbot.waitUntil(lambda: widget.form.split is not None, timeout=PATIENCE_MS)
    widget.form.length.setCurrentIndex(widget.form.length.findData("quick"))
    widget.form.batch.setValue(2)
    widget.form.stop_gauge()


def wait_for(qtbot: Any, widget: FinetuneWidget, condition: Callable[[Any], bool]) -> None:
    """Wait until a condition on the job holds; a job that ended otherwise tells why."""
    job = widget.job
    assert job is not None, widget.message.text
    qtbot.waitUntil(lambda: condition(job) or not job.running, timeout=PATIENCE_MS)
    assert condition(job), (job.report, list(job.log))


def wait_for_state(qtbot: Any, widget: FinetuneWidget, state: str) -> None:
    wait_for(qtbot, widget, lambda job: job.report.state == state)


def press(qtbot: Any, target: Any, key: Qt.Key, modifier: Qt.KeyboardModifier) -> None:
    target.window().activateWindow()  # shortcuts belong to the active window, and a server may be slow
    qtbot.waitUntil(lambda: QApplication.activeWindow() is target.window(), timeout=PATIENCE_MS)
    target.setFocus()
    QApplication.processEvents()
    QTest.keyClick(target, key, modifier)
    QApplication.processEvents()


def cells(view: ResultView, line: int) -> list[str]:
    return [view.table.item(line, column).text() for column in range(3)]


def test_start_live_curves_result_and_the_model_is_used(
    viewer: Any, ready: FinetuneWidget, labels: LabelledSet, qtbot: Any
) -> None:
    widget = ready
    assert widget.form.method.currentData() == "memory-replay"
    assert "keeps the other keypoints" in widget.form.method_caption.text()
    assert f"{STEPS} steps of 2" in widget.form.length_caption.text()
    press(qtbot, widget.form.share, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert widget.tabs.currentIndex() == CURVES
    assert not widget.panel.run_button.isEnabled() and not widget.form.isEnabled()
    assert widget.panel.cancel_button.isEnabled()

    wait_for(qtbot, widget, lambda job: len(job.rows) >= 2)
    assert widget.job.running, "the curves have to come while it works"
    line = widget.curves.error.lines[0]
    np.testing.assert_allclose(line.get_xdata(), [row["step"] for row in widget.job.rows])
    wait_for_state(qtbot, widget, "finished")
    assert [row["step"] for row in widget.job.rows] == [0, 20, 40]
    assert widget.form.isEnabled() and not widget.panel.resume_button.isEnabled()

    view = widget.result
    assert widget.tabs.currentIndex() == RESULT
    report = view.result.report
    assert view.verdict.text.startswith(report["verdict"])
    assert cells(view, 0) == [
        "Mean error (px)",
        f"{report['before']['mean_euclidean_px']:.2f}",
        f"{report['after']['mean_euclidean_px']:.2f}",
    ]
    assert {view.table.item(line, 0).text() for line in range(view.table.rowCount())} >= set(OWN.values())
    assert "23 keypoints you did not label" in view.forgetting.text()
    errors = [view.result.comparison(n).error(1) for n in range(len(view.result.animals))]
    marked = [len(view.result.comparison(n).labels) for n in range(len(view.result.animals))]
    mean = np.average(errors, weights=marked)
    assert mean == pytest.approx(report["after"]["mean_euclidean_px"], rel=1e-3), "the pictures show the same"
    first = view.canvas.comparison
    press(qtbot, view.table, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert view.canvas.comparison is not first and view.place.text().startswith("2 of")

    view.use_button.click()
    qtbot.waitUntil(lambda: not widget.taking.busy, timeout=PATIENCE_MS)
    assert widget.message.kind == "good", widget.message.text
    _, estimate = viewer.window.add_plugin_dock_widget("napari-superanimal", "Estimate poses")
    assert estimate.model.currentData() == "run"
    assert load_catalog()["run"].sha256 == load_catalog()[estimate.model.currentData()].sha256
    widget.result.kept.emit()
    assert estimate.model.currentData() == "random_mouse"


@pytest.mark.slow  # a killed training is resumed in tests/training/loop too
def test_stop_keeps_the_best_and_resume_ends_as_if_nothing_had_been(
    ready: FinetuneWidget, qtbot: Any
) -> None:
    widget = ready
    widget.form.method.setCurrentIndex(widget.form.method.findData("finetune"))
    widget.panel.run_button.click()
    wait_for(qtbot, widget, lambda job: len(job.rows) >= 2)
    widget.panel.cancel_button.click()
    assert widget.panel.cancel_button.text() == "End immediately"
    wait_for_state(qtbot, widget, "finished")
    result = widget.result.result
    assert result.stopped and "Stopped after" in widget.message.text
    assert (widget.form.folder / "entry.yaml").is_file(), "what it learned so far is a model"
    made = len(widget.job.rows)
    assert widget.panel.resume_button.isEnabled()

    widget.form.length.setCurrentIndex(widget.form.length.findData("long"))
    widget.panel.resume_button.click()
    wait_for_state(qtbot, widget, "failed")
    assert "holds another run" in widget.message.text and "steps was 40" in widget.message.text
    assert widget.message.button.text() == "Start in a new folder"
    widget.form.length.setCurrentIndex(widget.form.length.findData("quick"))
    widget.panel.resume_button.click()
    assert len(widget.job.rows) == made, "the curves go on, they do not begin anew"
    wait_for_state(qtbot, widget, "finished")
    assert [row["step"] for row in widget.job.rows] == [0, 20, 40]
    assert not widget.result.result.stopped
    assert not widget.panel.resume_button.isEnabled()
    assert "no keypoints besides" in widget.result.forgetting.text()

    widget.panel.run_button.click()  # the folder is taken
    assert "already holds a run" in widget.message.text
    assert widget.message.button.text() == "Start in a new folder"
    widget.message.button.click()
    assert widget.form.folder.name == "run-2"
    widget.panel.cancel()
    wait_for_state(qtbot, widget, "cancelled")
    assert "Stopped" in widget.message.text and "Traceback" not in widget.message.text


@pytest.mark.slow
def test_a_killed_training_says_so_and_resumes(ready: FinetuneWidget, qtbot: Any) -> None:
    widget = ready
    widget.panel.run_button.click()
    wait_for(qtbot, widget, lambda job: len(job.rows) >= 2)
    os.kill(widget.job.pid, signal.SIGKILL)
    wait_for_state(qtbot, widget, "died")
    assert widget.message.kind == "error" and "ended by the system" in widget.message.text
    assert "Resume" in widget.message.text
    widget.panel.resume_button.click()
    wait_for_state(qtbot, widget, "finished")
    assert [row["step"] for row in widget.job.rows] == [0, 20, 40]


def test_missing_pictures_are_told(widget: FinetuneWidget, labels: LabelledSet, qtbot: Any) -> None:
    gone = labels.with_columns(images=[type(image)("/gone.png") for image in labels.images])
    widget.menu.read.emit(gone, "memory")
    qtbot.waitUntil(lambda: widget.message.kind == "error", timeout=PATIENCE_MS)
    assert "gone.png" in widget.message.text and "Traceback" not in widget.message.text
    assert widget.form.split_caption.text() == "Not counted."


def test_empty_at_first_then_a_deeplabcut_project_is_read(
    viewer: Any, widget: FinetuneWidget, labels: LabelledSet, tmp_path: Path, qtbot: Any
) -> None:
    assert widget.pages.currentIndex() == 0 and widget.empty_open.isVisibleTo(widget)
    widget.menu.open(tmp_path / "nothing")
    qtbot.waitUntil(lambda: widget.empty_message.kind == "error", timeout=PATIENCE_MS)
    project = materialize(labels, tmp_path / "lab", "deeplabcut", images="copy").path
    widget.menu.open(project)
    qtbot.waitUntil(lambda: widget.form.split is not None, timeout=PATIENCE_MS)
    assert widget.pages.currentIndex() == 1 and widget.tabs.currentIndex() == FORM
    assert "10 images · 4 keypoints" in widget.form.data_set.text()
    assert widget.form.folder.parent.name == "trained" and tmp_path in widget.form.folder.parents
    assert widget.panel.run_button.isEnabled()
    widget.form.folder_line.clear()
    widget.form._on_folder()
    assert not widget.panel.run_button.isEnabled()


def test_the_split_is_counted_and_doubted_before_anything_runs(
    ready: FinetuneWidget, labels: LabelledSet, tmp_path: Path, qtbot: Any
) -> None:
    form = ready.form
    assert form.split_caption.text() == "8 images to train on, 2 held out, by image."
    assert "only 2 held-out" in form.split_message.text.lower()
    assert "a verdict needs at least 8, 6 more" in form.split_message.text
    form.share.setValue(0)
    qtbot.waitUntil(lambda: "nothing is measured" in form.split_caption.text(), timeout=PATIENCE_MS)
    film = labels.with_columns(video=["a.mp4"] * len(labels))
    show(ready, film, qtbot)
    form.share.setValue(50)
    qtbot.waitUntil(lambda: "same video" in form.split_message.text, timeout=PATIENCE_MS)
    form.by.setCurrentIndex(form.by.findData("video"))
    qtbot.waitUntil(lambda: form._splitting is None, timeout=PATIENCE_MS)


def test_what_cannot_be_used_is_named_before_anything_runs(
    ready: FinetuneWidget, labels: LabelledSet, tmp_path: Path, qtbot: Any
) -> None:
    xy, images = labels.xy.copy(), list(labels.images)
    xy[0, 0] = 5000
    images[3] = ImageRef(str(tmp_path / "gone.png"))
    show(ready, labels.with_columns(xy=xy, images=images), qtbot)
    form = ready.form
    assert form.split is not None and len(form.split.train) + form.split.held_out == 9
    assert "gone.png (missing)" in form.split_message.text
    assert f"{labels.keypoints[0]} at (5000, 5000)" in form.split_message.text


def test_the_length_is_measured_here(ready: FinetuneWidget, qtbot: Any) -> None:
    form = ready.form
    form._measure()
    assert "estimating" in form.length_caption.text()
    qtbot.waitUntil(lambda: form._gauge is None, timeout=PATIENCE_MS)
    assert "on this computer" in form.length_caption.text() and "estimating" not in form.length_caption.text()
    short = form.length_caption.text()
    form.length.setCurrentIndex(form.length.findData("long"))
    assert form.settings["steps"] == 750 and form.length_caption.text() != short


def test_keypoints_by_name_by_position_from_a_file_and_from_keypoint_mapping(
    viewer: Any, ready: FinetuneWidget, labels: LabelledSet, tmp_path: Path, monkeypatch: Any, qtbot: Any
) -> None:
    table = ready.form.table
    assert table.box.currentText() == "By name" and "snout → nose" in table.caption.text()
    column = table.table().column("lab")
    assert {cell.names[0]: master for master, cell in column.items()} == {v: k for k, v in OWN.items()}

    table.button.click()
    _, mapping = viewer.window.add_plugin_dock_widget("napari-superanimal", "Keypoint mapping")
    assert mapping.session.labels.name == "lab"
    mapping.assign("snout", "head_midpoint")
    assert table.box.currentText() == "As in Keypoint mapping"
    assert "snout → head_midpoint" in table.caption.text()
    assert table.table().column("lab")["head_midpoint"].names == ("snout",)

    path = tmp_path / "table.csv"
    mapping.session.mapping.write(path)
    show(ready, labels, qtbot)
    assert table.box.currentText() == "By name"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    table.box.setCurrentIndex(table.box.count() - 1)
    table._on_chosen()
    assert table.table() == str(path) and table.box.currentText() == "table.csv"

    strange = labels.with_columns(keypoints=("snout", "leftear", "rightear", "xyzzy"), name="strange")
    show(ready, strange, qtbot)
    assert table.box.currentText().startswith("By position") and table.table() is None
    path.write_text("no table")
    table.use_file(str(path))
    assert ready.message.kind == "error" and table.table() is None


def test_a_labelled_layer_over_a_video(
    viewer: Any, widget: FinetuneWidget, clip: Path, mouse_poses: Any, qtbot: Any
) -> None:
    plugin.open_video(viewer, clip)
    plugin.show_poses(viewer, mouse_poses, name="a name that is much longer than the dock is wide " * 3)
    widget.menu.refresh()
    widget.menu.actions()[-1].trigger()
    qtbot.waitUntil(lambda: widget.form.split is not None, timeout=PATIENCE_MS)
    assert "50 images · 27 keypoints" in widget.form.data_set.text()
    assert widget.width() <= 460, "long names must not widen the dock"
    assert clip.parent in widget.form.folder.parents


def test_a_worse_model_is_not_recommended(labels: LabelledSet, tmp_path: Path, qtbot: Any) -> None:
    view = ResultView()
    qtbot.addWidget(view)
    report = {
        "method": "finetune",
        "model": "mine",
        "base_model": "base",
        "recommended": False,
        "verdict": "Not recommended: the mean held-out error grew by 3 px.",
        "warnings": ["only 4 labelled animals to train on"],
        "notes": ["keypoints matched by position"],
        "table": {"snout": "nose"},
        "new_keypoints": {},
        "before": {"mean_euclidean_px": 4.0, "AP": 0.9},
        "after": {"mean_euclidean_px": 7.0, "AP": float("nan")},
        "keypoints": [{"keypoint": "snout", "before_px": None, "after_px": 7.0}],
        "forgetting": None,
        "training": {"ended": "finished"},
    }
    view.show_result(TrainingResult(tmp_path, report, labels))
    assert view.verdict.kind == "warning" and "Only 4 labelled animals" in view.verdict.text
    assert view.use_button.text() == "Use it anyway" and not view.use_button.isDefault()
    assert view.keep_button.isVisibleTo(view) and view.keep_button.isDefault()
    assert [cells(view, line) for line in range(3)] == [
        ["Mean error (px)", "4.00", "7.00"],
        ["Average precision", "0.900", "–"],
        ["snout", "–", "7.00"],
    ]
    assert not view.table.item(0, 2).font().bold()
    assert view.notes.text() == "keypoints matched by position"
    assert view.place.text() == "no held-out frames"


def test_curves_mark_the_best_and_bear_gaps(qtbot: Any) -> None:
    plot = CurvePlot("#ffffff", "#000000")
    qtbot.addWidget(plot)
    rows = [
        {"step": 0.0, "held_out_error_px": 9.0, "held_out_oks": 0.5, "held_out_loss": 2.0},
        {"step": 25.0, "loss": 1.0, "held_out_error_px": 4.0, "held_out_oks": 0.9, "held_out_loss": 1.0},
        {"step": 50.0, "loss": 0.5, "held_out_error_px": 5.0, "held_out_oks": 0.8, "held_out_loss": 1.5},
    ]
    plot.show_rows(rows, 100)
    assert plot.best["step"] == 25 and plot.loss.axison
    assert plot.error.lines[-1].get_xydata().tolist() == [[25, 4]]
    assert plot.loss.lines[0].get_xydata().tolist() == [[25, 1], [50, 0.5]]
    plot.show_rows([{"step": 25.0, "loss": 1.0}], 100)  # nothing is held out
    assert plot.best == {} and not plot.error.lines


def test_comparison_counts_only_what_both_have() -> None:
    after = {"a": (0, 1), "b": (10, 3)}
    shown = Comparison(labels={"a": (0, 0), "b": (10, 0)}, before={"a": (3, 4)}, after=after)
    assert shown.error(0) == 5 and shown.error(1) == 2
    assert np.isnan(Comparison(labels={"a": (0, 0)}).error(0))
