"""The choice of a conversion table: by name, by position, as edited in "Keypoint mapping", or from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_superanimal.parts.form_parts import WrappedCaption, row
from superanimal.errors import SuperAnimalError
from superanimal.keypoints.conversion_table import ConversionTable
from superanimal.keypoints.mapping import KeypointMapping
from superanimal.labels.labelled_set import LabelledSet
from superanimal.poses import KeypointSpace

BY_NAME, BY_POSITION, EDITED, FROM_FILE = "by name", "by position", "edited", "file"
LONGEST = 150


class TableChoice(QWidget):
    """The choice of the mapping from user keypoints to model keypoints.

    Signals
    -------
    changed()
        The chosen table changed.
    failed(SuperAnimalError)
        The file is not a table for these keypoints.
    wanted()
        The user wants to check the pairs in *Keypoint mapping*.
    """

    changed = Signal()
    failed = Signal(object)
    wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.mapping: KeypointMapping | None = None  # by name
        self._edited: KeypointMapping | None = None
        self._file = ""
        self._choice = BY_NAME
        self._followed: Any = None
        self.box = QComboBox()
        self.box.setToolTip("Mapping from your keypoints to those of the model.")
        self.box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.button = QPushButton("Keypoint mapping…")
        self.button.setToolTip("Check the pairs on your images and correct them.")
        self.caption = WrappedCaption()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(row(self.box, self.button, stretch=1))
        layout.addWidget(self.caption)
        self.box.activated.connect(self._on_chosen)
        self.button.clicked.connect(self.wanted)

    def table(self) -> ConversionTable | str | None:
        """Return the table, its file, or None: match by position.

        Raises
        ------
        InputError
            When nothing is mapped, or several keypoints map to one without a rule.
        """
        choice = self._choice
        if choice == BY_POSITION:
            return None
        if choice == FROM_FILE:
            return self._file
        mapping = self._edited if choice == EDITED else self.mapping
        assert mapping is not None
        mapping.to_table()  # rejects undecided pairs
        known = {master: cell for master, cell in mapping.cells.items() if master in mapping.base.keypoints}
        return ConversionTable(mapping.base.keypoints, {mapping.column: known}, f"table of {mapping.column}")

    def show_keypoints(self, labels: LabelledSet, space: KeypointSpace) -> None:
        """Propose a table for other labels or another model."""
        self.mapping = KeypointMapping(labels.name or "labels", labels.keypoints, space)
        self.mapping.propose_by_name()
        self._edited, self._file = None, ""
        self._fill(BY_POSITION if self.mapping.unmapped else BY_NAME)

    def follow(self, widget: Any) -> None:
        """Follow the mapping edited in the dock widget *Keypoint mapping*."""
        if self._followed is not widget:
            widget.edited.connect(self._on_edited)
            self._followed = widget

    def use_file(self, path: str) -> None:
        """Use the conversion table in a file."""
        assert self.mapping is not None
        try:
            KeypointMapping(self.mapping.column, self.mapping.keypoints, self.mapping.base).read(path)
        except SuperAnimalError as error:
            self.failed.emit(error)
        else:
            self._file, self._choice = path, FROM_FILE
            self.box.setItemText(self.box.findData(FROM_FILE), Path(path).name)
        self._tell()

    def _on_edited(self, mapping: KeypointMapping) -> None:
        mine = self.mapping
        same = mine is not None and (mapping.keypoints, mapping.base.name) == (mine.keypoints, mine.base.name)
        if same and self.isEnabled():
            self._edited = mapping
            self._fill(EDITED)

    def _fill(self, choice: str) -> None:
        """List the available tables and choose one."""
        assert self.mapping is not None
        self.box.clear()
        if self._edited is not None:
            self.box.addItem("As in Keypoint mapping", EDITED)
        if self.mapping.cells:
            self.box.addItem("By name", BY_NAME)
        if self.mapping.unmapped:
            self.box.addItem("By position, at the start", BY_POSITION)
        self.box.addItem("Table from a file…", FROM_FILE)
        self._choice = choice
        self._tell()

    def _on_chosen(self) -> None:
        if self.box.currentData() == FROM_FILE:
            path, _ = QFileDialog.getOpenFileName(self, "Open a conversion table", "", "Tables (*.csv)")
            if path:
                self.use_file(path)
        else:
            self._choice = self.box.currentData()
        self._tell()

    def _tell(self) -> None:
        """Show the choice, unchanged by a rejected file, and its effect."""
        choice = self._choice
        self.box.setCurrentIndex(max(0, self.box.findData(choice)))
        mapping = self._edited if choice == EDITED else self.mapping
        assert mapping is not None
        if choice == BY_POSITION:
            names = ", ".join(mapping.unmapped)
            text = f"No name fits {names}: they are matched by position. Check the pairs first."
        elif choice == FROM_FILE:
            text = self._file
        else:
            pairs = [f"{own} → {mapping.target(own)}" for own in mapping.keypoints if mapping.target(own)]
            new = [*mapping.unmapped, *mapping.added]
            text = f"{len(pairs)} of {len(mapping.keypoints)}: {', '.join(pairs)}"
            text += f". New: {', '.join(new)}" if new else ""
        self.caption.setText(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")
        self.caption.setToolTip(text)
        self.changed.emit()
