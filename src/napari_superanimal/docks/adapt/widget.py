"""The dock widget "Adapt to video": a video in, a model that fits it better, or the reason why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import napari
from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QCheckBox, QComboBox, QPushButton, QSpinBox, QWidget

from napari_superanimal import console
from napari_superanimal.jobs import Report
from napari_superanimal.parts.form_parts import (
    EmptyState,
    FolderLine,
    LayerChoice,
    WrappedCaption,
    fill_dock,
    narrow_form,
    page_of,
    row,
)
from napari_superanimal.parts.job_panel import JobPanel
from napari_superanimal.parts.layers import is_video_layer
from napari_superanimal.parts.model_choice import ModelChoice
from napari_superanimal.parts.open_video import open_video_dialog
from napari_superanimal.parts.take_in import TakeIn
from napari_superanimal.pose_layer.layers import is_pose_layer
from superanimal.adaptation.run_folder import PAGE

MASKS = {
    "unknown": "are left out of the training",
    "absent": "count as hidden (views from the side)",
}


class AdaptWidget(QWidget):
    """Choose a video and a model, press Adapt, see whether the adapted model is better, and use it.

    Parameters
    ----------
    viewer
        The viewer.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.viewer = viewer
        self.video = LayerChoice(viewer, is_video_layer)
        self.video.setToolTip("Image layer of the video to which the model is adapted.")
        self.model = ModelChoice(spaces=False)
        self.model.box.setToolTip("The model that is adapted; it stays as it is, the result is a new one.")
        self.corrected = QCheckBox("Learn from my corrections in")
        self.corrected.setToolTip("Frames in which you moved, added or deleted points count in full.")
        self.poses = LayerChoice(viewer, is_pose_layer)
        self.poses.setToolTip("Pose layer with the corrected frames.")
        self.animals = QSpinBox()
        self.animals.setRange(1, 100)
        self.animals.setToolTip("Maximum number of animals per frame.")
        self.unsure = QComboBox()
        self.unsure.setToolTip("What becomes of keypoints that the model is not sure of.")
        for name, title in MASKS.items():
            self.unsure.addItem(title, name)
        self.out = FolderLine("Folder for the results", "beside the video")
        self.panel = JobPanel(
            self,
            ("Adapt", "Train on the video in a process of its own; the viewer stays free.", self.adapt),
            ("Cancel", "Stop. What was done is kept."),
            ("Resume", "Go on where it stopped.", self.adapt),
        )
        self.message = self.panel.message
        self.taking = TakeIn(viewer, self.message, self)
        self.use_button = QPushButton("Use this model")
        self.compare_button = QPushButton("Show before and after")
        self.report_button = QPushButton("Open report")
        self._lay_out()
        self._connect()
        self._update()

    def _lay_out(self) -> None:
        self.use_button.setToolTip("Select the adapted model in Estimate poses.")
        self.compare_button.setToolTip("Held-out frames as two pose layers; B blinks between them.")
        self.report_button.setToolTip("Figures, curves and pictures of held-out frames.")
        form = narrow_form()
        form.addRow("Video", self.video)
        form.addRow("Model", self.model)
        form.addRow("Animals", row(self.animals, "at most per frame"))
        form.addRow("", row(self.corrected, self.poses))
        form.addRow("Unsure keypoints", self.unsure)
        form.addRow("Results", self.out)
        caption = WrappedCaption()
        caption.setText(
            "Takes some minutes on a CPU. The adapted model is kept only if it is better on a fifth of the "
            "video that it never saw."
        )
        form.addRow("", caption)
        buttons = row(self.use_button, self.compare_button, self.report_button)
        page = page_of(form, self.panel, buttons)
        self.empty_open = QPushButton("Open video…")
        self.empty_open.clicked.connect(lambda: open_video_dialog(self.viewer, self))
        empty = EmptyState(
            "Open a video first",
            "A model that is unsteady on your video can learn from the video itself, without labels.",
            [self.empty_open],
        )
        self.pages = fill_dock(self, empty, page)
        self.pages.setMinimumWidth(380)

    def _connect(self) -> None:
        for signal in (self.video.changed, self.poses.changed, self.panel.changed):
            signal.connect(self._update)
        self.corrected.toggled.connect(self._update)
        self.model.accepted.connect(self._update)
        self.model.changed.connect(self._update)
        self.panel.ended.connect(self._on_ended)
        self.taking.changed.connect(self._update)
        self.use_button.clicked.connect(self.use_model)
        self.compare_button.clicked.connect(self.compare)
        self.report_button.clicked.connect(self._open_report)

    @property
    def result(self) -> dict[str, Any]:
        """What came of the adaptation shown; empty before it is finished."""
        return {} if self.panel.job is None else self.panel.job.result

    # ---------------------------------------------------------------- actions of the buttons

    def adapt(self) -> None:
        """Start, or resume where an earlier adaptation with this folder stopped."""
        self.panel.attempt(self._begin)

    def _begin(self) -> None:
        entry = self.model.entry
        self.panel.begin(
            console.adapt(
                self.viewer,
                self.video.layer(),
                model=None if entry is None else entry.name,
                corrections=self.poses.layer() if self.corrected.isChecked() else None,
                out=self.out.folder,
                max_individuals=self.animals.value(),
                mask=self.unsure.currentData(),
                accept_license=self.model.accept.isChecked(),
            )
        )

    def use_model(self) -> None:
        """Add the adapted model to the list of models and select it in *Estimate poses*."""
        self.panel.attempt(lambda: self.taking.take(Path(self.result["model"])))

    def compare(self) -> None:
        """Show the held-out frames before and after."""
        self.panel.attempt(lambda: console.compare_adaptation(self.viewer, self.result["folder"]))

    def _open_report(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(self.result["folder"]) / PAGE)))

    # ---------------------------------------------------------------- what is shown

    def _on_ended(self, report: Report) -> None:
        if report.state == "finished":
            first, _, rest = self.result["verdict"].partition(": ")
            kind = "good" if self.result["kept"] else "info"
            self.message.show_text(kind, f"{first}.", f"{rest[:1].upper()}{rest[1:]}")
        self._update()

    def _update(self) -> None:
        self.pages.setCurrentIndex(0 if self.video.layer() is None else 1)
        job = self.panel.job
        has_poses = self.poses.layer() is not None
        self.corrected.setEnabled(has_poses)
        self.poses.setEnabled(has_poses and self.corrected.isChecked())
        ready = self.video.layer() is not None and self.model.usable
        self.panel.allow(ready, job is not None and job.report.state in ("cancelled", "died"))
        done = bool(self.result)
        self.use_button.setEnabled(done and self.result["kept"] and not self.taking.busy)
        for button in (self.use_button, self.compare_button, self.report_button):
            button.setVisible(done)

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """End the job and disconnect from the viewer."""
        self.panel.end()
        self.taking.stop()
        self.video.release()
        self.poses.release()
        super().closeEvent(event)
