"""The dock widget "Display poses": appearance of a pose layer, undo, and saving."""

from __future__ import annotations

from typing import Any

import napari
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QPushButton,
    QSlider,
    QSpinBox,
    QWidget,
)

from napari_superanimal import console
from napari_superanimal._settings import setting
from napari_superanimal.parts.form_parts import (
    Caption,
    EmptyState,
    LayerChoice,
    Message,
    fill_dock,
    narrow_form,
    page_of,
    row,
)
from napari_superanimal.parts.pose_strip import PoseStrip
from napari_superanimal.pose_layer.layers import is_pose_layer
from napari_superanimal.pose_layer.playback import PoseView, attach
from napari_superanimal.pose_layer.save import save_dialog
from superanimal.errors import SuperAnimalError

COLORINGS = {"keypoint": "Keypoint", "individual": "Individual", "confidence": "Confidence"}
ALL = "(all)"


class DisplayPosesWidget(QWidget):
    """Colours, confidence cut-off, point size, skeleton, boxes and trails of a pose layer; undo; save.

    Parameters
    ----------
    viewer
        The viewer.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.viewer = viewer
        self.layer = LayerChoice(viewer, is_pose_layer)
        self.layer.setToolTip("The pose layer these controls act on.")
        self.color = QComboBox()
        self.color.setToolTip("What the colour of a point shows.")
        for name, label in COLORINGS.items():
            self.color.addItem(label, name)
        self.cutoff = QSlider(Qt.Orientation.Horizontal)
        self.cutoff.setRange(0, 100)
        self.cutoff.setToolTip("Points below this confidence are hidden. Points you placed are always shown.")
        self.cutoff_value = QDoubleSpinBox()
        self.cutoff_value.setRange(0, 1)
        self.cutoff_value.setSingleStep(0.05)
        self.cutoff_value.setToolTip(self.cutoff.toolTip())
        self.shown = Caption()
        self.point_size = QDoubleSpinBox()
        self.point_size.setRange(0.5, 200)
        self.point_size.setSuffix(" px")
        self.point_size.setToolTip("Diameter of the points, in pixels of the video.")
        self.skeleton = QCheckBox("Skeleton")
        self.skeleton.setToolTip("Lines between connected keypoints.")
        self.boxes = QCheckBox("Boxes")
        self.boxes.setToolTip("The bounding boxes in which keypoints were estimated.")
        self.trails = QCheckBox("Trails")
        self.trails.setToolTip("Paths of the points over the last frames.")
        self.names = QCheckBox("Names")
        self.names.setToolTip("Keypoint names beside the points (Shift+N on the layer).")
        self.trail_of = QComboBox()
        self.trail_of.setToolTip("Keypoint with a trail.")
        self.trail_length = QSpinBox()
        self.trail_length.setRange(1, 500)
        self.trail_length.setSuffix(" frames")
        self.trail_length.setValue(int(setting("display", "trail_length")))
        self.undo_button, self.redo_button = QPushButton("Undo"), QPushButton("Redo")
        self.undo_button.setToolTip("Undo the latest edit (Ctrl+Z on the layer).")
        self.redo_button.setToolTip("Redo (Ctrl+Shift+Z on the layer).")
        self.save_button = QPushButton("Save poses…")
        self.save_button.setToolTip("Save with all edits as DeepLabCut, SLEAP, NWB, csv and others.")
        self.strip = PoseStrip()
        self.message = Message()
        self._shown_view: PoseView | None = None
        self._lay_out()

        self.layer.changed.connect(self._on_layer)
        self.color.activated.connect(lambda: self._do(lambda v: v.set_color_by(self.color.currentData())))
        self.cutoff.valueChanged.connect(lambda value: self.cutoff_value.setValue(value / 100))
        self.cutoff_value.valueChanged.connect(self._on_cutoff)
        self.point_size.valueChanged.connect(lambda value: self._do(lambda v: v.set_point_size(value)))
        self.skeleton.toggled.connect(lambda on: self._do(lambda v: v.show_overlay("skeleton", on)))
        self.boxes.toggled.connect(lambda on: self._do(lambda v: v.show_overlay("boxes", on)))
        self.trails.toggled.connect(self._on_trails)
        self.names.toggled.connect(lambda on: self._do(lambda v: v.names.show(on)))
        self.trail_of.activated.connect(self._on_trails)
        self.trail_length.valueChanged.connect(self._on_trails)
        self.undo_button.clicked.connect(lambda: self._do(lambda v: v.editing.undo()))
        self.redo_button.clicked.connect(lambda: self._do(lambda v: v.editing.redo()))
        self.save_button.clicked.connect(self.save)
        self._on_layer()

    def _lay_out(self) -> None:
        form = narrow_form()
        form.addRow("Poses", self.layer)
        form.addRow("Colour by", self.color)
        form.addRow("Confidence", row(self.cutoff, self.cutoff_value, stretch=1))
        form.addRow("", self.shown)
        form.addRow("Point size", row(self.point_size))
        form.addRow("Show", row(self.skeleton, self.boxes))
        form.addRow("", row(self.names, self.trails))
        form.addRow("Trails", row(self.trail_of, self.trail_length, stretch=1))
        form.addRow("Frames", self.strip)
        page = page_of(form, row(self.undo_button, self.redo_button, self.save_button), self.message)
        empty = EmptyState(
            "No poses yet", "Run 'Estimate poses' on a video, or open a pose file by dropping it here.", []
        )
        self.pages = fill_dock(self, empty, page)
        self.pages.setMinimumWidth(380)

    def save(self) -> None:
        """Ask for a file and save the poses with all edits."""
        layer = self.layer.layer()
        if layer is None:
            return
        try:
            save_dialog(layer, self, self.message)
        except SuperAnimalError as error:
            self.message.show_error(error)

    @property
    def view(self) -> PoseView | None:
        """The view of the chosen layer."""
        layer = self.layer.layer()
        return None if layer is None else attach(self.viewer, layer)

    def _on_layer(self) -> None:
        view = self.view
        self.pages.setCurrentIndex(0 if view is None else 1)
        self.message.clear()
        self._listen(view)
        self.strip.follow(view)
        if view is not None:
            self.trail_of.clear()
            self.trail_of.addItems([ALL, *view.table.keypoints])
            self._follow()

    def _listen(self, view: PoseView | None) -> None:
        if self._shown_view is not None:
            self._shown_view.changed.disconnect(self._follow)
        self._shown_view = view
        if view is not None:
            view.changed.connect(self._follow)

    def _follow(self) -> None:
        """Show the state of the layer, whether changed by this form, the console or the layer list."""
        view = self._shown_view
        if view is None:
            return
        checks = {"skeleton": self.skeleton, "boxes": self.boxes, "trails": self.trails}
        widgets = (self.color, self.cutoff, self.cutoff_value, self.point_size, self.names, *checks.values())
        for widget in widgets:
            widget.blockSignals(True)
        self.color.setCurrentIndex(self.color.findData(view.color_by))
        self.cutoff.setValue(round(view.cutoff * 100))
        self.cutoff_value.setValue(view.cutoff)
        self.point_size.setValue(float(view.points.current_size))
        for name, box in checks.items():
            box.setChecked(name in view.overlays and view.overlays[name][1].visible)
        self.names.setChecked(view.names.shown)
        self.boxes.setEnabled(view.table.boxes is not None)
        self.undo_button.setEnabled(bool(view.editing.done))
        self.redo_button.setEnabled(bool(view.editing.undone))
        for widget in widgets:
            widget.blockSignals(False)
        self._count()

    def _on_cutoff(self, value: float) -> None:
        self.cutoff.blockSignals(True)
        self.cutoff.setValue(round(value * 100))
        self.cutoff.blockSignals(False)
        self._do(lambda view: view.set_cutoff(value))

    def _on_trails(self) -> None:
        layer, on = self.layer.layer(), self.trails.isChecked()
        if layer is None:
            return
        name = self.trail_of.currentText()
        console.show_trails(
            self.viewer,
            layer,
            on,
            length=self.trail_length.value(),
            keypoints=None if name in ("", ALL) else [name],
        )

    def _count(self) -> None:
        view = self.view
        if view is not None:
            present = int(view.table.present().sum())
            visible = int(view.table.visible(view.cutoff).sum())
            share = f"{visible / present:.1%}" if present else "none"
            self.shown.setText(f"{visible:,} of {present:,} points shown ({share})")

    def _do(self, action: Any) -> None:
        view = self.view
        if view is None:
            return
        try:
            action(view)
        except SuperAnimalError as error:
            self.message.show_error(error)

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Disconnect from the viewer."""
        self._listen(None)
        self.strip.follow(None)
        self.layer.release()
        super().closeEvent(event)
