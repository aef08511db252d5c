"""The dock widget "Fine-tune": train a model on labels and show the evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import napari
from qtpy.QtWidgets import QPushButton, QSizePolicy, QTabWidget, QWidget

from napari_superanimal import console
from napari_superanimal.docks.finetune.curve_plot import CurvePlot
from napari_superanimal.docks.finetune.folders import free_folder
from napari_superanimal.docks.finetune.form import FinetuneForm
from napari_superanimal.docks.finetune.jobs import FinetuneJob
from napari_superanimal.docks.finetune.result_view import ResultView
from napari_superanimal.jobs import Report
from napari_superanimal.parts.form_parts import EmptyState, Message, fill_dock, page_of
from napari_superanimal.parts.job_panel import JobPanel
from napari_superanimal.parts.labels_menu import LabelsMenu
from napari_superanimal.parts.take_in import TakeIn
from napari_superanimal.parts.theme import theme_colors
from superanimal.errors import InputError, SuperAnimalError
from superanimal.labels.labelled_set import LabelledSet
from superanimal.training.finetuning.run_folder import TrainingResult, holds_run, is_finished

FORM, CURVES, RESULT = range(3)
NEW_FOLDER = "Start in a new folder"


class FinetuneWidget(QWidget):
    """Choose labels, a model and a method, press Start, and inspect the result.

    Parameters
    ----------
    viewer
        The viewer; its labelled Points layers can be used as data sets.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.viewer = viewer
        self.menu = LabelsMenu(viewer, self)
        self.form = FinetuneForm(self.menu)
        self.curves = CurvePlot(*theme_colors(viewer))
        self.result = ResultView()
        self.panel = JobPanel(
            self,
            ("Start", "Train in a separate process; the viewer stays responsive (Ctrl+Return).", self.start),
            (
                "Stop",
                "Stop after this step, keep and evaluate the best weights. Press again to end immediately.",
            ),
            ("Resume", "Resume the run in the folder after its last validation.", self.resume),
        )
        self.message = self.panel.message
        self.taking = TakeIn(viewer, self.message, self)
        self.empty_message = Message()
        self.empty_open = QPushButton("Open labels…")
        self._lay_out()
        self._connect()
        self._update()

    def _lay_out(self) -> None:
        self.tabs = QTabWidget()
        for widget, title in ((self.form, "Set up"), (self.curves, "Curves"), (self.result, "Result")):
            self.tabs.addTab(widget, title)
        empty = EmptyState(
            "Open labelled images first",
            "A DeepLabCut project, a Lightning Pose, COCO, SLEAP, Label Studio or NWB data set, or a Points "
            "layer whose points have a feature 'keypoint'. Ten labelled frames are enough to begin.",
            [self.empty_open],
            self.empty_message,
        )
        page = page_of(self.tabs, self.panel, grow=self.tabs)
        self.pages = fill_dock(self, empty, page)
        self.pages.setMinimumWidth(420)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def _connect(self) -> None:
        self.empty_open.setMenu(self.menu)
        self.menu.tell(self.message, self.empty_message)
        self.menu.read.connect(self._on_read)
        self.form.failed.connect(self.message.show_error)
        for signal in (
            self.menu.began,
            self.menu.failed,
            self.form.changed,
            self.form.failed,
            self.panel.changed,
        ):
            signal.connect(self._update)
        self.form.table.wanted.connect(self.open_mapping)
        self.panel.ended.connect(self._on_ended)
        self.taking.changed.connect(self._update)
        self.result.used.connect(self.use_model)
        self.result.kept.connect(self.keep_base)
        self.viewer.events.theme.connect(self._on_theme)

    @property
    def job(self) -> FinetuneJob | None:
        """The training shown."""
        return cast("FinetuneJob | None", self.panel.job)

    # ---------------------------------------------------------------- actions of the buttons

    def start(self) -> None:
        """Start a run with the settings of the form."""
        self._try(self._start_new)

    def _start_new(self) -> None:
        folder = self.form.folder
        if holds_run(folder):
            raise InputError(
                f"{folder} already holds a run",
                "a run is never overwritten",
                "resume it, or choose a new folder",
            )
        self._begin()

    def _begin(self) -> None:
        labels, options = self.form.require_labels(), self.form.options()
        self.panel.end()
        self.form.stop_gauge()
        self.result.show_result(None)
        job = console.finetune(labels, **options)
        self.panel.begin(job)
        job.validated.connect(self._on_validated)
        self._on_validated(job.rows)
        self.tabs.setCurrentIndex(CURVES)

    def resume(self) -> None:
        """Resume the run in the folder; options that differ from its original ones are rejected."""
        self._try(self._begin)

    def _start_elsewhere(self) -> None:
        self.form.set_folder(free_folder(self.form.folder))
        self.start()

    def use_model(self) -> None:
        """Add the trained model to the list of models and select it in *Estimate poses*."""
        result = self.result.result
        if result is not None:
            self._try(lambda: self.taking.take(result.folder))

    def keep_base(self) -> None:
        """Select the base model in *Estimate poses*."""
        result = self.result.result
        if result is not None:
            self.taking.choose(result.base_model)

    def open_mapping(self) -> None:
        """Open *Keypoint mapping* with these labels and this model."""
        _, widget = self.viewer.window.add_plugin_dock_widget("napari-superanimal", "Keypoint mapping")
        assert self.form.labels is not None and self.form.model.entry is not None
        widget.work_on(self.form.labels, self.form.source, self.form.model.entry.name)
        self.form.table.follow(widget)

    def _try(self, action: Callable[[], Any]) -> None:
        error = self.panel.attempt(action)
        if isinstance(error, InputError) and holds_run(self.form.folder):
            self.message.offer(NEW_FOLDER, self._start_elsewhere)
        self._update()

    # ---------------------------------------------------------------- labels

    def _on_read(self, labels: LabelledSet, source: str) -> None:
        self.pages.setCurrentIndex(1)
        self.tabs.setCurrentIndex(FORM)
        self.form.show_labels(labels, source)

    # ---------------------------------------------------------------- progress of the run

    def _on_validated(self, rows: list[dict[str, float]]) -> None:
        self.curves.show_rows(rows, self.form.settings["steps"])

    def _on_ended(self, report: Report) -> None:
        job = self.job
        assert job is not None
        if report.state == "finished":
            self._show_result(job)
        elif report.state == "cancelled":
            self.message.show_text("info", "Stopped.", job.kept)
        elif report.state == "failed" and report.kind == "InputError" and job.resumed:
            self.message.offer(NEW_FOLDER, self._start_elsewhere)

    def _show_result(self, job: FinetuneJob) -> None:
        try:
            result = TrainingResult.read(job.folder, job.labels)
            self.result.show_result(result)
        except SuperAnimalError as error:
            self.message.show_error(error)
            return
        self.tabs.setCurrentIndex(RESULT)
        if result.stopped:
            self.message.show_text(
                "info",
                f"Stopped after {result.steps} steps; the best weights were kept.",
                "Resume continues from there.",
            )

    def _update(self) -> None:
        running, folder = self.panel.running, self.form.folder
        free = not running and not self.menu.busy
        self.form.setEnabled(free)
        ready = free and self.form.ready
        self.panel.allow(ready, ready and holds_run(folder) and not is_finished(folder))
        for button in (self.result.use_button, self.result.keep_button):
            button.setEnabled(not running and not self.taking.busy)

    def _on_theme(self) -> None:
        self.curves.show_theme(*theme_colors(self.viewer))

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Stop processes and threads and disconnect from the viewer."""
        self.panel.end()
        self.taking.stop()
        self.form.release()
        self.menu.release()
        self.viewer.events.theme.disconnect(self._on_theme)
        super().closeEvent(event)
