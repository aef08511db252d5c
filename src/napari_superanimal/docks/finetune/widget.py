"""The dock widget "Fine-tune": labels and a model in, a trained model and what it is worth out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import napari
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QTabWidget,
    QWidget,
)

from napari_superanimal import console
from napari_superanimal.docks.estimate.widget import BAR_STYLE
from napari_superanimal.docks.finetune.curve_plot import CurvePlot
from napari_superanimal.docks.finetune.folders import free_folder
from napari_superanimal.docks.finetune.form import TrainForm
from napari_superanimal.docks.finetune.jobs import TakeInJob, TrainJob
from napari_superanimal.docks.finetune.result_view import TrainingResultView
from napari_superanimal.jobs import Report
from napari_superanimal.parts.form_parts import Caption, EmptyState, Message, fill_dock, page_of, row
from napari_superanimal.parts.labels_menu import LabelsMenu
from superanimal.errors import InputError, SuperAnimalError
from superanimal.labels.labelled_set import LabelledSet
from superanimal.progress import clock
from superanimal.training.finetuning.run_folder import TrainingResult, holds_run, is_finished

FORM, CURVES, RESULT = range(3)
NEW_FOLDER = "Start in a new folder"


class TrainWidget(QWidget):
    """Choose labels, a model and a method, press Start, look at what came of it.

    Parameters
    ----------
    viewer
        The viewer; its labelled Points layers may be taken as data sets.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.viewer = viewer
        self.job: TrainJob | None = None
        self.taking: TakeInJob | None = None
        self.menu = LabelsMenu(viewer, self)
        self.form = TrainForm(self.menu)
        self.curves = CurvePlot(*_colors(viewer))
        self.result = TrainingResultView()
        self.start_button, self.stop_button = QPushButton("Start"), QPushButton("Stop")
        self.resume_button = QPushButton("Resume")
        self.bar = QProgressBar()
        self.status = Caption()
        self.message = Message()
        self.empty_message = Message()
        self.empty_open = QPushButton("Open labels…")
        self._lay_out()
        self._connect()
        self._update()

    def _lay_out(self) -> None:
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setStyleSheet(BAR_STYLE)
        self.start_button.setToolTip("Train in a process of its own; the viewer stays free (Ctrl+Return).")
        self.stop_button.setToolTip(
            "Stop after this step, keep the best weights and judge them. Once more: end at once."
        )
        self.resume_button.setToolTip("Go on with the run in the folder after its last validation.")
        self.tabs = QTabWidget()
        for widget, title in ((self.form, "Set up"), (self.curves, "Curves"), (self.result, "Result")):
            self.tabs.addTab(widget, title)
        empty = EmptyState(
            "Open labelled images first",
            "A DeepLabCut project, a Lightning Pose, COCO, SLEAP, Label Studio or NWB data set, or a Points "
            "layer whose points have a feature 'keypoint'. Ten labelled frames are a beginning.",
            [self.empty_open],
            self.empty_message,
        )
        buttons = row(self.start_button, self.stop_button, self.resume_button)
        page = page_of(self.tabs, buttons, self.bar, self.status, self.message, grow=self.tabs)
        self.pages = fill_dock(self, empty, page)
        self.pages.setMinimumWidth(420)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def _connect(self) -> None:
        self.empty_open.setMenu(self.menu)
        self.menu.began.connect(self._on_began)
        self.menu.read.connect(self._on_read)
        self.menu.failed.connect(self._on_failed)
        self.form.changed.connect(self._update)
        self.form.failed.connect(self._on_failed)
        self.form.table.wanted.connect(self.open_mapping)
        self.start_button.clicked.connect(self.start)
        self.stop_button.clicked.connect(self.stop)
        self.resume_button.clicked.connect(self.resume)
        self.message.acted.connect(self._start_elsewhere)
        self.result.used.connect(self.use_model)
        self.result.kept.connect(self.keep_base)
        self.viewer.events.theme.connect(self._on_theme)
        shortcut = QShortcut(QKeySequence("Ctrl+Return"), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(self.start_button.click)

    # ---------------------------------------------------------------- what the buttons do

    def start(self) -> None:
        """Begin a run with the settings of the form."""
        self._try(self._start_new)

    def _start_new(self) -> None:
        folder = self.form.folder
        if holds_run(folder):
            raise InputError(
                f"{folder} holds a run already",
                "a run is never overwritten",
                "resume it, or take a new folder",
            )
        self._begin()

    def _begin(self) -> None:
        labels, options = self.form.require_labels(), self.form.options()
        self._drop_job()
        self.form.stop_gauge()
        self.result.show_result(None)
        self.job = console.finetune(labels, **options)
        self.destroyed.connect(self.job.stop)
        self.job.reported.connect(self._on_report)
        self.job.validated.connect(self._on_validated)
        self._on_validated(self.job.rows)
        self._on_report(self.job.report)
        self.tabs.setCurrentIndex(CURVES)

    def stop(self) -> None:
        """Stop; the best weights are kept and judged. A second time ends the process at once."""
        if self.job is not None:
            self.job.cancel()

    def resume(self) -> None:
        """Go on with the run in the folder; choices that differ from those it began with are refused."""
        self._try(self._begin)

    def _start_elsewhere(self) -> None:
        self.form.set_folder(free_folder(self.form.folder))
        self.start()

    def use_model(self) -> None:
        """Take the trained model into the list of models and choose it in *Estimate poses*."""
        result = self.result.result
        if result is None or self.taking is not None:
            return
        self.taking = TakeInJob(result.folder, self)
        self.taking.reported.connect(self._on_taking)
        self._try(self.taking.start)

    def keep_base(self) -> None:
        """Choose the base model in *Estimate poses*."""
        result = self.result.result
        if result is not None:
            self._choose_in_estimate(result.report["base_model"])

    def open_mapping(self) -> None:
        """Open *Keypoint mapping* with these labels and this model."""
        _, widget = self.viewer.window.add_plugin_dock_widget("napari-superanimal", "Keypoint mapping")
        assert self.form.labels is not None and self.form.model.entry is not None
        widget.work_on(self.form.labels, self.form.source, self.form.model.entry.name)
        self.form.table.follow(widget)

    def _choose_in_estimate(self, model: str) -> None:
        _, widget = self.viewer.window.add_plugin_dock_widget("napari-superanimal", "Estimate poses")
        widget.choose_model(model)
        self.message.show_text("good", f"{model} is chosen in Estimate poses.")

    def _try(self, action: Callable[[], Any]) -> None:
        self.message.clear()
        try:
            action()
        except SuperAnimalError as error:
            occupied = isinstance(error, InputError) and holds_run(self.form.folder)
            self.message.show_error(error, NEW_FOLDER if occupied else "")
        self._update()

    # ---------------------------------------------------------------- labels

    def _on_began(self, name: str) -> None:
        self.empty_message.show_text("info", f"Reading {name}…")
        self.status.setText(f"Reading {name}…")
        self._update()

    def _on_read(self, labels: LabelledSet, source: str) -> None:
        self.status.clear()
        self.empty_message.clear()
        self.message.clear()
        self.pages.setCurrentIndex(1)
        self.tabs.setCurrentIndex(FORM)
        self.form.show_labels(labels, source)

    def _on_failed(self, error: SuperAnimalError) -> None:
        self.status.clear()
        for message in (self.message, self.empty_message):
            message.show_error(error)
        self._update()

    # ---------------------------------------------------------------- how the run goes

    def _on_validated(self, rows: list[dict[str, float]]) -> None:
        self.curves.show_rows(rows, self.form.steps)

    def _on_report(self, report: Report) -> None:
        job = self.job
        assert job is not None
        self.bar.setRange(0, report.total or 1)
        self.bar.setValue(report.done)
        self.status.setText(self._status(report))
        if report.state == "finished":
            self._show_result()
        elif report.state == "cancelled":
            self.message.show_text("info", "Stopped.", "Resume goes on after the last validation.")
        elif report.state == "died":
            log = "\n".join(job.log)
            self.message.show_text("error", report.text, f"{report.remedy}\n\nIts last words:\n{log}".strip())
        elif report.state == "failed":
            other = report.kind == "InputError" and job.resumed
            self.message.show_text("error", report.text, report.remedy, NEW_FOLDER if other else "")
        elif self.message.kind:
            self.message.clear()
        self._update()

    def _show_result(self) -> None:
        assert self.job is not None
        try:
            result = TrainingResult.read(self.job.folder, self.job.labels)
            self.result.show_result(result)
        except SuperAnimalError as error:
            self.message.show_error(error)
            return
        self.tabs.setCurrentIndex(RESULT)
        if result.stopped:
            steps = result.report["training"]["steps"]
            self.message.show_text(
                "info",
                f"Stopped after {steps} steps; the best weights were kept.",
                "Resume goes on from there.",
            )

    def _status(self, report: Report) -> str:
        if report.state == "starting":
            return "Loading the model…"
        if report.state == "cancelling":
            return "stopping: the best weights are judged on the held-out frames…"
        if not report.running:
            return ""
        parts = [report.text]
        if report.unit == "steps":
            parts = [f"step {report.done:,} of {report.total or 0:,}"]
            if report.remaining_s is not None:
                parts.append(f"{clock(report.remaining_s)} left")
            best = self.curves.best
            if best.get("held_out_error_px") is not None:
                parts.append(f"best {best['held_out_error_px']:.2f} px at step {best['step']:.0f}")
        elif report.total:
            parts.append(f"{report.done:,} of {report.total:,} {report.unit}")
        return " · ".join(parts)

    def _on_taking(self, report: Report) -> None:
        taking = self.taking
        if taking is None:
            return
        if report.running:
            self.message.show_text("info", "Adding the model to the list of models…")
        else:
            self.taking = None
            if report.state == "finished":
                self._choose_in_estimate(taking.model)
            else:
                self.message.show_text("error", report.text, report.remedy)
            taking.deleteLater()
        self._update()

    def _update(self) -> None:
        job = self.job
        running = job is not None and job.running
        busy = self.menu.busy
        folder = self.form.folder
        self.form.setEnabled(not running and not busy)
        idle = not running and not busy and self.form.ready
        self.start_button.setEnabled(idle)
        self.stop_button.setEnabled(running)
        stopping = job is not None and job.report.state == "cancelling"
        self.stop_button.setText("End at once" if stopping else "Stop")
        self.resume_button.setEnabled(idle and holds_run(folder) and not is_finished(folder))
        self.bar.setVisible(running)
        for button in (self.result.use_button, self.result.keep_button):
            button.setEnabled(not running and self.taking is None)

    def _on_theme(self) -> None:
        self.curves.show_theme(*_colors(self.viewer))

    def _drop_job(self) -> None:
        if self.job is not None:
            self.job.reported.disconnect(self._on_report)
            self.job.stop()
            self.job.deleteLater()
            self.job = None

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Let go of processes, threads and the viewer."""
        self._drop_job()
        if self.taking is not None:
            self.taking.stop()
        self.form.release()
        self.menu.release()
        self.viewer.events.theme.disconnect(self._on_theme)
        super().closeEvent(event)


def _colors(viewer: Any) -> tuple[str, str]:
    """Return the colours of text and background of the theme."""
    theme = get_theme(viewer.theme)
    return theme.text.as_hex(format="long"), theme.background.as_hex(format="long")
