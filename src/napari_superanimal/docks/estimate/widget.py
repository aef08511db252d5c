"""The dock widget "Estimate poses": a form that calls ``estimate_poses`` and shows its progress."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import napari
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QPushButton,
    QSpinBox,
    QWidget,
)

from napari_superanimal import console
from napari_superanimal._settings import setting
from napari_superanimal.docks.estimate.run import Estimation, estimation_of
from napari_superanimal.jobs import Report
from napari_superanimal.models import describe, detectors_of, needs_acceptance, pose_models, short_title
from napari_superanimal.parts.form_parts import (
    DEVICES,
    Caption,
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
from napari_superanimal.parts.open_video import open_video_dialog
from napari_superanimal.parts.pose_strip import PoseStrip
from napari_superanimal.pose_layer.save import save_dialog
from superanimal.inference.options import AUTO
from superanimal.progress import clock

START_OVER, GO_ON = "Start over", "Continue to the last frame"
WHOLE_FRAME = "(whole frame, no detector)"
#: Represents the default detector of the chosen model.
OWN_DETECTOR = "own"


class EstimatePosesWidget(QWidget):
    """Choose a video and a model, press Run, and watch the points appear.

    Parameters
    ----------
    viewer
        The viewer; its pose layers are filled during a run.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.viewer = viewer
        self._writable = True

        self.video = LayerChoice(viewer, is_video_layer)
        self.video.setToolTip("Image layer of the video in which poses are estimated.")
        self.open_button = QPushButton("Open…")
        self.open_button.setToolTip("Open another video.")
        self.model = QComboBox()
        self.model.setToolTip("Pose model, which defines the animal and its keypoints.")
        self.model_caption = Caption()
        self.detector = QComboBox()
        self.detector.setToolTip("Finds the animals; the pose model then estimates the keypoints of each.")
        self.detector_caption = Caption()
        self.accept = QCheckBox("I accept this licence")
        self.accept.setToolTip("Required once, before the weights are downloaded.")
        self.animals = _spin(1, 100, 1, "Maximum number of animals per frame.")
        self.first = _spin(0, 0, 0, "First frame.")
        self.last = _spin(0, 0, 0, "Last frame.")
        self.every = _spin(1, 10_000, 1, "Use every frame, or only every n-th frame.")
        self.every.setSpecialValueText("all of them")
        self.every.setPrefix("one in ")
        self.frames_caption = Caption()
        self.device = QComboBox()
        self.device.setToolTip("Device on which the models run. Automatic uses a GPU if there is one.")
        self.out = FolderLine("Folder for the results", "beside the video")
        self.out_caption = WrappedCaption()
        self.out.line.setToolTip("Folder of the results; created if missing.")
        self.panel = JobPanel(
            self,
            ("Run", "Estimate poses. An earlier run with the same settings is resumed.", self.run),
            ("Cancel", "Stop. Finished frames are kept."),
            ("Resume", "Continue after the last finished frame.", self.resume),
        )
        self.message = self.panel.message
        self.strip = PoseStrip()
        self.save_button = QPushButton("Save poses…")
        self._lay_out()

        self._models = {entry.name: entry for entry in pose_models()}
        for name, entry in self._models.items():
            self.model.addItem(short_title(entry), name)
        self.model.insertItem(0, "Automatic: inspects the video", AUTO)
        self._choose(self.model, setting("analysis", "model"))
        for name, label in DEVICES.items():
            self.device.addItem(label, name)
        self._choose(self.device, setting("analysis", "device"))

        self.video.changed.connect(self._on_video)
        self.model.currentIndexChanged.connect(self._on_model)
        self.detector.currentIndexChanged.connect(self._on_detector)
        for spin in (self.first, self.last, self.every):
            spin.valueChanged.connect(self._on_frames)
        self.accept.toggled.connect(self._update_buttons)
        self.out.changed.connect(self._on_out)
        self.open_button.clicked.connect(self._open)
        self.save_button.clicked.connect(self.save)
        self.panel.changed.connect(self._on_news)
        self.panel.ended.connect(self._on_ended)
        self._on_model()
        self._on_video()

    def _lay_out(self) -> None:
        for box in (self.model, self.detector):  # the longest title would take space from the canvas
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(26)
        form = narrow_form()
        form.addRow("Video", row(self.video, self.open_button, stretch=1))
        form.addRow("Model", self.model)
        form.addRow("", self.model_caption)
        form.addRow("Detector", self.detector)
        form.addRow("", self.detector_caption)
        form.addRow("", self.accept)
        form.addRow("Animals", row(self.animals, "at most per frame"))
        form.addRow("Frames", row(self.first, "to", self.last))
        form.addRow("Take", row(self.every))
        form.addRow("", self.frames_caption)
        form.addRow("Device", self.device)
        form.addRow("Results", self.out)
        form.addRow("", self.out_caption)

        self.save_button.setToolTip(
            "Save the poses with your corrections as DeepLabCut, SLEAP, NWB, csv and others."
        )

        page = page_of(form, self.panel, self.strip, self.save_button)

        self.empty_open = QPushButton("Open video…")
        self.empty_open.clicked.connect(self._open)
        self.empty_sample = QPushButton("Open sample")
        self.empty_sample.setToolTip("A short synthetic video of a mouse to try things out.")
        self.empty_sample.clicked.connect(self._open_sample)
        empty = EmptyState(
            "Open a video first",
            "Then choose a model and press Run.\nThe points appear during the run.",
            [self.empty_open, self.empty_sample],
        )
        self.pages = fill_dock(self, empty, page)
        self.pages.setMinimumWidth(380)

    # ---------------------------------------------------------------- actions of the buttons

    def run(self) -> None:
        """Start a run with the settings of the form."""
        options: dict[str, Any] = {
            "model": self.model.currentData(),
            "max_individuals": self.animals.value(),
            "frames": self._frames(),
            "device": self.device.currentData(),
            "out": self.out.folder,
            **self._boxes(),
        }
        if self.accept.isVisibleTo(self):
            options["accept_license"] = self.accept.isChecked()
        self._try(lambda: console.estimate_poses(self.viewer, self.video.layer(), **options))

    def resume(self) -> None:
        """Resume the run."""
        self._try(lambda: console.resume(self.viewer, self.video.layer()))

    def start_over(self) -> None:
        """Discard the earlier run of this video and model, and start from the first frame."""
        run = self._run()
        if run is not None:
            self._try(run.start_over)

    def go_on(self) -> None:
        """Extend the run to the last frame; finished frames are kept."""
        self.last.setValue(self.last.maximum())
        self.run()

    def save(self) -> None:
        """Ask for a file and save the poses with all corrections."""
        run = self._run()
        if run is not None and run.view is not None:
            points = run.view.points
            self.panel.attempt(lambda: save_dialog(points, self, self.message))

    def choose_model(self, name: str) -> None:
        """Choose a model, including one that was just added."""
        self._models = {entry.name: entry for entry in pose_models()}
        if name in self._models and self.model.findData(name) < 0:
            self.model.addItem(short_title(self._models[name]), name)
        self._choose(self.model, name)

    def _try(self, action: Any) -> None:
        self.panel.attempt(action)
        self._follow()

    def _open(self) -> None:
        open_video_dialog(self.viewer, self)

    def _open_sample(self) -> None:
        self.viewer.open_sample("napari-superanimal", "topview_mouse")

    # ---------------------------------------------------------------- the form

    def _frames(self) -> str | None:
        whole = self.first.value() == 0 and self.last.value() == self.last.maximum()
        if whole and self.every.value() == 1:
            return None
        return f"{self.first.value()}:{self.last.value() + 1}:{self.every.value()}"

    def _boxes(self) -> dict[str, Any]:
        detector = self.detector.currentData()
        if detector == OWN_DETECTOR:
            return {}
        return {"whole_frame": True} if detector is None else {"detector": detector}

    def _on_video(self) -> None:
        layer = self.video.layer()
        self.pages.setCurrentIndex(0 if layer is None else 1)
        if layer is not None:
            n = int(layer.data.shape[0])
            for spin in (self.first, self.last):
                spin.blockSignals(True)
                spin.setMaximum(n - 1)
                spin.blockSignals(False)
            self.first.setValue(0)
            self.last.setValue(n - 1)
            self._on_frames()
        self._on_out()
        self.message.clear()
        self._follow()

    def _on_model(self) -> None:
        entry = self._models.get(self.model.currentData())
        self.detector.blockSignals(True)
        self.detector.clear()
        if entry is not None:
            self.model_caption.setText(describe(entry))
            for detector in detectors_of(entry):
                self.detector.addItem(short_title(detector), detector.name)
            self._choose(self.detector, entry.default_detector)
        else:
            self.model_caption.setText("Uses the built-in model that fits best.")
            self.detector.addItem("Default of the model", OWN_DETECTOR)
        self.detector.addItem(WHOLE_FRAME, None)
        self.detector.blockSignals(False)
        self._on_detector()

    def _on_detector(self) -> None:
        chosen = self._chosen_models()
        detector = chosen[1] if len(chosen) > 1 else None
        whole = self.detector.currentData() is None
        text = "Treats the whole frame as one animal." if whole else describe(detector) if detector else ""
        self.detector_caption.setText(text)
        self.detector_caption.setVisible(bool(text))
        self.accept.setVisible(any(needs_acceptance(entry) for entry in chosen))
        self._update_buttons()

    def _chosen_models(self) -> list[Any]:
        entry = self._models.get(self.model.currentData())
        if entry is None:
            return []
        name = self.detector.currentData()
        return [entry, *(d for d in detectors_of(entry) if d.name == name)]

    def _on_frames(self) -> None:
        layer = self.video.layer()
        count = len(range(self.first.value(), self.last.value() + 1, self.every.value()))
        text = f"{count:,} frame{'' if count == 1 else 's'}"
        fps = layer.metadata.get("fps") if layer is not None else None
        if fps:
            span = (self.last.value() - self.first.value() + 1) / fps
            text += f" from {clock(span)} min at {fps:.4g} fps"
        self.frames_caption.setText(text if count else "The first frame is after the last one.")
        self._update_buttons()

    def _on_out(self) -> None:
        """Show whether the output folder is writable."""
        layer, chosen = self.video.layer(), self.out.folder
        path = layer.metadata.get("path") or layer.source.path if layer is not None else None
        folder = chosen or (Path(path).parent if path else None)
        while folder is not None and chosen is not None and not folder.exists() and folder != folder.parent:
            folder = folder.parent  # it is created if missing
        self._writable = folder is None or (folder.is_dir() and os.access(folder, os.W_OK))
        where = "" if self._writable else f"{folder} is not writable: choose a folder for the results."
        self.out_caption.setText(where)
        self.out_caption.setVisible(bool(where))
        self._update_buttons()

    @staticmethod
    def _choose(box: QComboBox, value: str) -> None:
        index = box.findData(value)
        if index >= 0:
            box.setCurrentIndex(index)

    # ---------------------------------------------------------------- progress of the run

    def _run(self) -> Estimation | None:
        layer = self.video.layer()
        return None if layer is None else estimation_of(layer)

    def _follow(self) -> None:
        """Show the run of the chosen video."""
        run = self._run()
        self.panel.follow(None if run is None else run.job)

    def _on_news(self) -> None:
        run = self._run()
        view = None if run is None else run.view
        self.strip.follow(view)
        self.save_button.setVisible(view is not None and not self.panel.running)
        self._update_buttons()

    def _on_ended(self, report: Report) -> None:
        run = self._run()
        if run is None:
            return
        if report.state == "failed":
            store = run.job.store_path
            if report.kind == "InputError" and store is not None and store.exists():
                self.message.offer(START_OVER, self.start_over)
        elif report.state == "finished":
            what_next = "Select the pose layer and its select tool (3) to drag points, then save."
            more = run.frames_left(self.last.maximum() + 1)
            if more:
                what_next += f" {more:,} further frames have no poses yet."
            self.message.show_text("good", "Done.", what_next)
            if more:
                self.message.offer(GO_ON, self.go_on)

    def _update_buttons(self) -> None:
        run = self._run()
        frames = self.last.value() >= self.first.value()
        accepted = not self.accept.isVisibleTo(self) or self.accept.isChecked()
        ready = frames and accepted and bool(self._models) and self._writable
        self.panel.allow(ready, run is not None and run.report.state in ("cancelled", "died"))

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Disconnect from the viewer."""
        self.strip.follow(None)
        self.video.release()
        super().closeEvent(event)


def _spin(low: int, high: int, value: int, tip: str) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(low, high)
    spin.setValue(value)
    spin.setToolTip(tip)
    spin.setKeyboardTracking(False)
    spin.setMinimumWidth(64)
    return spin
