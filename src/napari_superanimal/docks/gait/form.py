"""What a gait analysis is asked for: limbs, frame rate, a known length, the detector."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_superanimal.docks.gait.limb_table import LimbTable
from napari_superanimal.docks.gait.ruler import draw_ruler, length_of, metres_per_pixel, ruler_of
from napari_superanimal.parts.form_parts import Message, WrappedCaption, narrow_form, page_of, row, sentence
from napari_superanimal.pose_layer.layers import table_of
from napari_superanimal.pose_layer.table import PoseTable
from superanimal.errors import InputError
from superanimal.gait import find_limbs
from superanimal.poses import has_own_times, states_rate

DETECTORS = {
    "contact": ("Standing foot", "A foot stands while it does not move over ground."),
    "extremes": ("Foremost and rearmost", "Relative to the trunk, as in the SuperAnimal paper."),
    "height": ("Height", "A foot near its lowest level stands; side views on level ground only."),
}


class GaitForm(QWidget):
    """The settings of the analysis of one pose layer.

    Signals
    -------
    changed()
        A person changed something.
    """

    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.viewer = viewer
        self._layer: Any = None
        self._chosen: WeakKeyDictionary[PoseTable, dict[str, list[str]]] = WeakKeyDictionary()
        self._ruler: Any = None
        self.limbs = LimbTable()
        self.doubt = Message()
        self.add_button, self.remove_button = QPushButton("Add limb"), QPushButton("Remove")
        self.guess_button = QPushButton("Guess again")
        self.add_button.setToolTip("Add a limb to the table.")
        self.remove_button.setToolTip("Remove the selected limbs (Delete).")
        self.guess_button.setToolTip("Fill the table from the names of the keypoints.")
        self.rate = QDoubleSpinBox()
        self.rate.setRange(0, 10_000)
        self.rate.setDecimals(3)
        self.rate.setSpecialValueText("not known")
        self.rate.setSuffix(" frames per second")
        self.rate_known = QLabel()
        self.known = QComboBox()
        for title, name in (("Drawn line", "line"), ("Body", "body")):
            self.known.addItem(title, name)
        self.known.setToolTip("What has a known length: a line in the picture, or the trunk from end to end.")
        self.length = QDoubleSpinBox()
        self.length.setRange(0, 100_000)
        self.length.setDecimals(1)
        self.length.setSpecialValueText("no scale")
        self.length.setSuffix(" cm")
        self.length.setToolTip("How long it is. 0: lengths stay in pixels.")
        self.draw_button = QPushButton("Draw…")
        self.draw_button.setToolTip(
            "Draw a line along something whose length you know, where the animal walks."
        )
        self.scale_said = WrappedCaption()
        self.detector = QComboBox()
        for name, (title, _) in DETECTORS.items():
            self.detector.addItem(title, name)
        self.detector_said = WrappedCaption()
        form = narrow_form()
        form.addRow("Frame rate", row(self.rate, self.rate_known))
        form.addRow("Known length", row(self.known, self.length, self.draw_button))
        form.addRow("", self.scale_said)
        form.addRow("Contacts by", self.detector)
        form.addRow("", self.detector_said)
        page = page_of(
            self.limbs,
            self.doubt,
            row(self.add_button, self.remove_button, self.guess_button),
            form,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(page)
        self._connect()

    def _connect(self) -> None:
        self.limbs.edited.connect(self._on_edited)
        self.limbs.itemSelectionChanged.connect(self._update)
        self.add_button.clicked.connect(self.limbs.add)
        self.remove_button.clicked.connect(self.limbs.remove)
        self.guess_button.clicked.connect(self.guess)
        self.draw_button.clicked.connect(self.draw)
        self.length.valueChanged.connect(self._on_length)
        self.known.currentIndexChanged.connect(self._on_length)
        self.rate.valueChanged.connect(lambda: self.changed.emit())
        self.detector.currentIndexChanged.connect(self._on_detector)
        for signal in (self.viewer.layers.events.inserted, self.viewer.layers.events.removed):
            signal.connect(self._follow_ruler)
        self._follow_ruler()
        self._on_detector()

    def show_layer(self, layer: Any) -> None:
        """Ask about another pose layer; its limbs are guessed unless a person changed them before."""
        self._layer = layer
        template = table_of(layer).template
        fps = template.attrs.get("fps")
        known = states_rate(template)
        self.rate.setVisible(not known)
        self.rate_known.setVisible(known)
        own = "times of the camera" if has_own_times(template) else f"{fps or 0:g} frames per second"
        self.rate_known.setText(own)
        chosen = self._chosen.get(table_of(layer))
        if chosen is None:
            self.guess()
        else:
            self.doubt.clear()
            self.limbs.show_limbs(chosen, table_of(layer).keypoints)
            self._on_edited()
        self._on_length()

    def guess(self) -> None:
        """Fill the table from the names of the keypoints; say why when no limb is recognised."""
        keypoints = table_of(self._layer).keypoints
        self._chosen.pop(table_of(self._layer), None)
        self.doubt.clear()
        try:
            found = {limb.name: list(limb.keypoints) for limb in find_limbs(keypoints)}
        except InputError as error:
            problem, rule, _ = error.parts("viewer")
            found = {}
            self.doubt.show_text("warning", f"{sentence(problem)} {sentence(rule)}", "Add the limbs by hand.")
        self.limbs.show_limbs(found, keypoints)
        self._update()
        self.changed.emit()

    def draw(self) -> None:
        """Let the user draw a line whose length is known."""
        draw_ruler(self.viewer, self._layer)
        self._on_length()

    @property
    def ready(self) -> bool:
        """Whether there is a limb to analyse."""
        return bool(self.limbs.limbs)

    @property
    def by_body(self) -> bool:
        """Whether the known length is that of the animal, and not of a line."""
        return bool(self.known.currentData() == "body")

    def options(self) -> dict[str, Any]:
        """Return keyword arguments of ``superanimal.gait.analyze``.

        Raises
        ------
        InputError
            When a limb stands in two rows or has no name, or a length was given and nothing is drawn.
        """
        if self.limbs.repeated:
            raise InputError(
                f"limb {self.limbs.repeated[0]!r} stands in two rows", "a limb has one row",
                "rename one, or put all its keypoints in one row, separated by commas",
            )  # fmt: skip
        limbs = self.limbs.limbs
        if "" in limbs:
            raise InputError(f"the limb of {', '.join(limbs[''])} has no name", remedy="type one in its row")
        options: dict[str, Any] = {"limbs": limbs, "detector": self.detector.currentData()}
        if not self.rate.isHidden() and self.rate.value():
            options["fps"] = self.rate.value()
        if self.length.value() and self.by_body:
            options["body_length_m"] = self.length.value() / 100
        elif self.length.value():
            options["metres_per_pixel"] = metres_per_pixel(
                self.viewer, self._layer, self.length.value() / 100
            )
        return options

    def _on_edited(self) -> None:
        self._chosen[table_of(self._layer)] = self.limbs.limbs
        self.doubt.clear()
        self._update()
        self.changed.emit()

    def _update(self) -> None:
        self.remove_button.setEnabled(bool(self.limbs.selectedIndexes()))

    def _on_detector(self) -> None:
        self.detector_said.setText(DETECTORS[self.detector.currentData()][1])
        self.changed.emit()

    def _follow_ruler(self, event: Any = None) -> None:
        ruler = ruler_of(self.viewer)
        if ruler is not self._ruler:
            if self._ruler is not None:
                self._ruler.events.data.disconnect(self._on_length)
            self._ruler = ruler
            if ruler is not None:
                ruler.events.data.connect(self._on_length)
        self._on_length()

    def _on_length(self, event: Any = None) -> None:
        if self._layer is None:
            return
        pixels, length = length_of(self._ruler, self._layer), self.length.value() / 100
        self.draw_button.setVisible(not self.by_body)
        if self.by_body:
            text = "From one end of the trunk to the other: the two of its points that lie furthest apart."
        elif not length and pixels > 0:
            text = f"A line of {pixels:.0f} px is drawn: type how long it is."
        elif not length:
            text = "Without a known length, lengths are in pixels."
        elif not (np.isfinite(pixels) and pixels > 0):
            text = "Draw a line of this length in the picture: press at one end, move to the other, release."
        else:
            text = f"{pixels:.0f} px are {length:g} m: a pixel is {length / pixels * 1000:.3g} mm there."
        self.scale_said.setText(text)
        self.changed.emit()

    def release(self) -> None:
        """Stop listening to the viewer."""
        for signal in (self.viewer.layers.events.inserted, self.viewer.layers.events.removed):
            signal.disconnect(self._follow_ruler)
        if self._ruler is not None:
            self._ruler.events.data.disconnect(self._on_length)
