"""The view of a long job in a dock: buttons, progress bar, status line with remaining time, and a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_superanimal.jobs import ChildJob, Report
from napari_superanimal.models import LINK_COLOR
from napari_superanimal.parts.form_parts import SPACING, Caption, Message, row
from superanimal.errors import SuperAnimalError
from superanimal.progress import clock

BAR_STYLE = (
    "QProgressBar { border: none; border-radius: 4px; background: rgba(128, 128, 128, 70); }"
    f"QProgressBar::chunk {{ border-radius: 4px; background: {LINK_COLOR}; }}"
)


Button = tuple[str, str, Callable[[], Any]]
"""Caption, tool tip, and callback of a button."""


class JobPanel(QWidget):
    """Starts, shows and stops one job at a time.

    Parameters
    ----------
    dock
        The dock; Ctrl+Return in it presses the first button.
    run, resume
        The first and third button; :meth:`allow` enables them.
    cancel
        Caption and tool tip of the second button.

    Attributes
    ----------
    job
        The job shown.
    message
        Outcome of the job, and other messages of the dock.

    Signals
    -------
    changed()
        The state of the job changed, or another job is shown.
    ended(Report)
        The job shown has ended; an error has already been shown.
    """

    changed = Signal()
    ended = Signal(object)

    def __init__(
        self, dock: QWidget, run: Button, cancel: tuple[str, str], resume: Button | None = None
    ) -> None:
        super().__init__()
        self.job: ChildJob | None = None
        self._told = ""  # last reported state
        self._cancel_title = cancel[0]
        self.run_button, self.cancel_button = _button(*run), _button(*cancel, self.cancel)
        self.resume_button = _button(*resume) if resume else None
        self.bar, self.status, self.message = QProgressBar(), Caption(), Message()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setStyleSheet(BAR_STYLE)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACING)
        buttons = (self.run_button, self.cancel_button, self.resume_button)
        for part in (row(*filter(None, buttons)), self.bar, self.status, self.message):
            layout.addWidget(part)
        shortcut = QShortcut(QKeySequence("Ctrl+Return"), dock)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(self.run_button.click)
        self.follow(None)

    @property
    def running(self) -> bool:
        """Whether the job shown is running."""
        return self.job is not None and self.job.running

    def begin(self, job: ChildJob) -> None:
        """Show a job owned by the dock: it ends with the dock, or when the next one begins."""
        self.end()
        self.destroyed.connect(job.stop)
        self.follow(job)

    def end(self) -> None:
        """Stop and release the job of the dock."""
        job = self.job
        self.follow(None)
        if job is not None:
            job.stop()
            job.deleteLater()

    def follow(self, job: ChildJob | None) -> None:
        """Show another job, or none; the previous one keeps running."""
        if job is not self.job:
            if self.job is not None:
                self.job.reported.disconnect(self._on_report)
            self.job, self._told = job, ""
            if job is not None:
                job.reported.connect(self._on_report)
        self._on_report(Report("") if job is None else job.report)

    def cancel(self) -> None:
        """Ask the job to stop; a job that stops slowly is killed immediately on the second call."""
        if self.job is not None:
            self.job.cancel()

    def attempt(self, action: Callable[[], Any]) -> SuperAnimalError | None:
        """Call a function; show and return the error if it fails."""
        self.message.clear()
        try:
            action()
        except SuperAnimalError as error:
            self.message.show_error(error)
            return error
        return None

    def allow(self, run: bool, resume: bool = False) -> None:
        """Set whether a job could be started or resumed; while one is running, none can."""
        self.run_button.setEnabled(run and not self.running)
        if self.resume_button is not None:
            self.resume_button.setEnabled(resume and not self.running)

    def _on_report(self, report: Report) -> None:
        self.bar.setVisible(report.running)
        # never 0..0: Qt's busy animation also repaints the canvas, sixty times a second
        self.bar.setRange(0, report.total or 1)
        self.bar.setValue(self.bar.maximum() if report.state == "finished" else report.done)
        self.status.setText("" if self.job is None else _status(self.job))
        self.status.setVisible(bool(self.status.text()))
        stopping = report.state == "cancelling"
        again = stopping and self.job is not None and self.job.stops_slowly
        self.cancel_button.setText("End immediately" if again else self._cancel_title)
        self.cancel_button.setEnabled(report.running and (again or not stopping))
        if report.state != self._told:  # once: later messages about other things stay
            self._told = report.state
            if report.running:
                self.message.clear()
            elif report.state in ("failed", "died"):
                self.message.show_text("error", report.text, report.remedy)
            if not report.running:
                self.ended.emit(report)
        self.changed.emit()


def _button(title: str, tip: str, do: Callable[[], Any]) -> QPushButton:
    button = QPushButton(title)
    button.setToolTip(tip)
    button.clicked.connect(lambda: do())
    return button


def _status(job: ChildJob) -> str:
    report, parts = job.report, []
    main = report.unit == job.unit  # otherwise it is a stage before or after the actual work
    if report.state == "starting":
        return f"{report.text}…"
    if report.running and not main:
        parts.append(report.text)
    if report.total is not None and (report.running or main):
        million = 1e6 if report.unit == "bytes" else 1
        unit = "MB" if report.unit == "bytes" else report.unit
        parts.append(f"{report.done / million:,.0f} of {report.total / million:,.0f} {unit}")
    running = report.state == "running"
    if running and main and report.rate > 0:
        parts.append(f"{report.rate:.1f} {report.unit}/s")
    if running and report.remaining_s is not None:
        parts.append(f"{clock(report.remaining_s)} left")
    ending = {"cancelling": job.stopping, "cancelled": f"cancelled; {job.kept}"}
    return " · ".join([*parts, *filter(None, [ending.get(report.state)])])
