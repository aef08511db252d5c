"""The dock widget "Track animals": poses in, a layer in which every animal keeps its name out."""

from __future__ import annotations

from typing import Any, cast

import napari
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from qtpy.QtWidgets import QCheckBox, QPushButton, QSpinBox, QWidget

from napari_superanimal import console
from napari_superanimal.docks.tracking.job import TrackingJob
from napari_superanimal.jobs import Report
from napari_superanimal.parts.form_parts import (
    EmptyState,
    LayerChoice,
    WrappedCaption,
    fill_dock,
    narrow_form,
    page_of,
    row,
)
from napari_superanimal.parts.job_panel import JobPanel
from napari_superanimal.parts.lane_diagram import LaneDiagram
from napari_superanimal.parts.layers import is_video_layer, video_path
from napari_superanimal.parts.theme import theme_colors
from napari_superanimal.pose_layer.colors import individual_colors
from napari_superanimal.pose_layer.layers import is_pose_layer, layer_to_poses
from napari_superanimal.pose_layer.playback import PoseView, attach
from superanimal.tracking import DOUBTFUL, doubts


class TrackingWidget(QWidget):
    """Choose poses and the number of animals, press Track animals, and look where names are doubtful.

    Parameters
    ----------
    viewer
        The viewer; its pose layers are tracked as they stand, corrections included.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.viewer = viewer
        self._view: PoseView | None = None
        self._doubts = np.zeros(0, int)  # first rows of doubtful stretches
        self._tracked: Any = None  # the layer whose job is running, or ran last
        self.layer = LayerChoice(viewer, is_pose_layer)
        self.layer.setToolTip("The poses to track, as they stand now. Names of corrected animals are kept.")
        self.animals = QSpinBox()
        self.animals.setRange(1, 100)
        self.animals.setValue(2)
        self.animals.setToolTip("Greatest number of animals in the video.")
        self.by_colour = QCheckBox("Tell apart by colour in")
        self.by_colour.setToolTip("Colour and brightness of the animals count, too. Slower.")
        self.video = LayerChoice(viewer, is_video_layer)
        self.video.setToolTip("Image layer of the video of these poses.")
        self.panel = JobPanel(
            self,
            ("Track animals", "Find out who is who; the result is a new layer (Ctrl+Return).", self.track),
            ("Cancel", "Stop. The poses stay as they are."),
        )
        self.message = self.panel.message
        self.said = WrappedCaption()
        self.lanes = LaneDiagram(*theme_colors(viewer), "is")
        self.lanes.setToolTip("When each animal is seen; pale where it is doubtful who it is.")
        self.before, self.next = QPushButton("◀ Doubtful"), QPushButton("Doubtful ▶")
        self.before.setToolTip("Go to the doubtful place before.")
        self.next.setToolTip(
            "Go to the next doubtful place. If names are wrong, edit a point and track again."
        )
        self._lay_out()

        self.layer.changed.connect(self._on_layer)
        self.video.changed.connect(self._update)
        self.by_colour.toggled.connect(self._update)
        self.panel.changed.connect(self._update)
        self.panel.ended.connect(self._on_ended)
        self.lanes.went.connect(self._go)
        self.before.clicked.connect(lambda: self.step(-1))
        self.next.clicked.connect(lambda: self.step(1))
        viewer.dims.events.current_step.connect(self._on_step)
        viewer.events.theme.connect(self._on_theme)
        self._on_layer()

    def _lay_out(self) -> None:
        form = narrow_form()
        form.addRow("Poses", self.layer)
        form.addRow("Animals", row(self.animals, "at most"))
        form.addRow("", row(self.by_colour, self.video, stretch=1))
        page = page_of(form, self.panel, self.said, self.lanes, row(self.before, self.next))
        empty = EmptyState(
            "No poses yet", "Run 'Estimate poses' on a video, or open a pose file by dropping it here.", []
        )
        self.pages = fill_dock(self, empty, page)
        self.pages.setMinimumWidth(380)

    # ---------------------------------------------------------------- tracking

    def track(self) -> None:
        """Track the chosen poses, in a process of its own."""
        self.panel.attempt(self._begin)

    def _begin(self) -> None:
        self._tracked = self.layer.layer()
        path = video_path(self.video.layer()) if self.by_colour.isChecked() else None
        options = {"max_individuals": self.animals.value(), "video": None if path is None else str(path)}
        job = TrackingJob(layer_to_poses(self._tracked), options)
        job.start()
        self.panel.begin(job)

    def _on_ended(self, report: Report) -> None:
        job = cast("TrackingJob", self.panel.job)
        if job is None or job.tracked is None:
            return
        self.layer.choose(console.show_tracked(self.viewer, self._tracked, job.tracked))
        if job.notes:
            self.message.show_text("info", *(f"{note[0].upper()}{note[1:]}." for note in job.notes[:2]))

    # ---------------------------------------------------------------- how sure it is

    def step(self, way: int) -> None:
        """Go to the next (1) or the last (-1) doubtful stretch."""
        if self._view is not None and len(self._doubts):
            now = -1 if self._view.time is None else self._view.time
            later = self._doubts[self._doubts > now] if way > 0 else self._doubts[self._doubts < now][::-1]
            if len(later):
                self._view.show_time(int(later[0]))

    def _on_layer(self) -> None:
        layer = self.layer.layer()
        self.pages.setCurrentIndex(0 if layer is None else 1)
        self._view = None if layer is None else attach(self.viewer, layer)
        poses = None if layer is None else layer_to_poses(layer)
        self._times = np.zeros(0)
        if poses is not None and "identity_confidence" in poses:
            self._show(poses)
        for part in (self.said, self.lanes, self.before, self.next):
            part.setVisible(len(self._times) > 0)
        self._update()

    def _show(self, poses: Any) -> None:
        """Show the stretches in which each animal is seen."""
        table = doubts(poses)
        rate = float(poses.attrs.get("fps") or 1.0)
        self.lanes.unit = "seconds" if poses.attrs.get("fps") else "frames"
        self._times = poses["frame"].values / rate
        doubtful = table[table["confidence"] < DOUBTFUL]
        self._doubts = np.unique(doubtful["first"])
        bars = pd.DataFrame(
            {
                "lane": table["individual"],
                "start_s": self._times[table["first"]],
                "end_s": self._times[table["last"]] + 1 / rate,
                "note": [f"confidence {c:.2f}" if c < DOUBTFUL else "" for c in table["confidence"]],
            }
        )
        names = [str(name) for name in poses["individual"].values]
        colours = {name: to_hex(c) for name, c in zip(names, individual_colors(len(names)), strict=True)}
        none = pd.DataFrame(columns=["lane", "start_s", "end_s", "reason"])
        self.lanes.show_bars(colours, bars, none, float(self._times.max(initial=0)) + 1 / rate)
        self.said.setText(_summary(len(names), doubtful))
        self._on_step()

    def _go(self, time: float) -> None:
        if self._view is not None and len(self._times):
            self._view.show_time(int(np.abs(self._times - time).argmin()))

    def _on_step(self, event: Any = None) -> None:
        view = self._view
        if view is not None and len(self._times) and (now := view.time) is not None:
            self.lanes.show_time(float(self._times[now]))

    def _on_theme(self) -> None:
        self.lanes.show_theme(*theme_colors(self.viewer))

    def _update(self) -> None:
        ready = not self.by_colour.isChecked() or self.video.layer() is not None
        self.video.setEnabled(self.by_colour.isChecked())
        self.panel.allow(self.layer.layer() is not None and ready)
        for button in (self.before, self.next):
            button.setEnabled(len(self._doubts) > 0)

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Disconnect from the viewer."""
        self.layer.release()
        self.video.release()
        super().closeEvent(event)


def _summary(animals: int, doubtful: pd.DataFrame) -> str:
    """Return how many animals there are, and in how many places and frames it is doubtful who they are."""
    frames = int((doubtful["last"] - doubtful["first"] + 1).sum())
    many = f"{animals} animal{'' if animals == 1 else 's'}"
    if not frames:
        return f"{many}; it is clear who is who."
    places = f"{len(doubtful)} place{'' if len(doubtful) == 1 else 's'}"
    return f"{many}; who is who is doubtful in {places}, {frames} frame{'' if frames == 1 else 's'}."
