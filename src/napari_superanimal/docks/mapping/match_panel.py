"""The buttons Auto-match and Cancel with progress, and the job behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_superanimal import console
from napari_superanimal.docks.estimate.widget import BAR_STYLE
from napari_superanimal.docks.mapping.job import MatchJob
from napari_superanimal.jobs import Report
from napari_superanimal.parts.form_parts import SPACING, Caption, row
from superanimal.progress import clock

if TYPE_CHECKING:
    from superanimal.labels.labelled_set import LabelledSet


class MatchPanel(QWidget):
    """Starts, shows and stops a matching.

    Signals
    -------
    changed()
        The job began or ended; see :attr:`running`.
    finished(MatchJob)
        The result is there.
    failed(str, str)
        What went wrong, and what can be done.
    """

    changed = Signal()
    finished = Signal(object)
    failed = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.job: MatchJob | None = None
        self.match_button, self.cancel_button = QPushButton("Auto-match"), QPushButton("Cancel")
        self.match_button.setToolTip("Run the model on your images and pair the keypoints that lie together.")
        self.cancel_button.setToolTip("Stop. The table stays as it is.")
        self.cancel_button.clicked.connect(self.cancel)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setStyleSheet(BAR_STYLE)
        self.status = Caption()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACING)
        layout.addWidget(row(self.match_button, self.cancel_button))
        layout.addWidget(self.bar)
        layout.addWidget(self.status)
        self.say("")
        self._update()

    @property
    def running(self) -> bool:
        """Whether the model is at work."""
        return self.job is not None and self.job.running

    def start(self, labels: LabelledSet, model: str, accept_license: bool) -> None:
        """Match the keypoints of labels with those of a model, in a process of its own."""
        self.stop()
        self.job = console.match_keypoints(labels, model=model, accept_license=accept_license)
        self.job.reported.connect(self._on_report)
        self.destroyed.connect(self.job.stop)
        self._on_report(self.job.report)

    def cancel(self) -> None:
        """Ask the job to stop."""
        if self.job is not None:
            self.job.cancel()

    def stop(self) -> None:
        """End the job at once and forget it."""
        if self.job is not None:
            self.job.reported.disconnect(self._on_report)
            self.job.stop()
            self.job.deleteLater()
            self.job = None
        self.say("")
        self._update()

    def say(self, text: str) -> None:
        """Write a line below the buttons; without text there is none."""
        self.status.setText(text)
        self.status.setVisible(bool(text))

    def _on_report(self, report: Report) -> None:
        self.bar.setRange(0, report.total or 1)
        self.bar.setValue(report.done)
        self.say(_status(report))
        if report.state == "finished":
            self.finished.emit(self.job)
        elif report.state == "failed":
            self.failed.emit(report.text, report.remedy)
        elif report.state == "died":
            log = "\n".join(self.job.log) if self.job is not None else ""
            self.failed.emit(report.text, f"{report.remedy}\n{log}".strip())
        self._update()

    def _update(self) -> None:
        self.bar.setVisible(self.running)
        self.cancel_button.setEnabled(
            self.running and self.job is not None and self.job.report.state != "cancelling"
        )
        self.changed.emit()


def _status(report: Report) -> str:
    if report.state == "starting":
        return f"{report.text}…"
    if report.state == "cancelled":
        return "cancelled; the table is as it was"
    if not report.running:
        return ""
    parts = [] if report.total is None else [f"{report.done:,} of {report.total:,} {report.unit}"]
    if report.state == "cancelling":
        parts.append("stopping…")
    elif report.remaining_s is not None:
        parts.append(f"{clock(report.remaining_s)} left")
    return " · ".join(parts)
