"""The table of behaviours: key, name and colour, changed by double click, and what was labelled."""

from __future__ import annotations

from typing import Any

import pandas as pd
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem

from napari_superanimal.docks.behavior.catalogue import Catalogue
from napari_superanimal.parts.tables import RIGHT, height_of, make_plain, set_heads, swatch

KEY, NAME, BOUTS, TIME = range(4)
HEADS = (
    ("Key", "Hold it while the video plays or while you step, or tap it to begin and to end. Double click to "
     "change it."),
    ("Behaviour", "Double click to rename it."),
    ("Bouts", "Bouts of the chosen rater, of all animals."),
    ("Time", "Seconds in these bouts."),
)  # fmt: skip
ROWS = 5
"""So many rows are seen without scrolling."""


class BehaviorTable(QTableWidget):
    """One row for each behaviour.

    Signals
    -------
    changed(str, str, str)
        Field (``name`` or ``key``) of a behaviour was changed to a value: behaviour, field, value.
    removed(str)
        Delete was pressed on a behaviour.
    """

    changed = Signal(str, str, str)
    removed = Signal(str)

    def __init__(self) -> None:
        super().__init__(0, len(HEADS))
        make_plain(self)
        set_heads(self, HEADS, wide=[NAME], left=[KEY, NAME])
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setMinimumHeight(height_of(self, ROWS))
        self.itemChanged.connect(self._on_changed)

    def show_behaviors(self, behaviors: Catalogue, bouts: pd.DataFrame) -> None:
        """Show the behaviours and how much of ``bouts`` each has."""
        chosen = self.chosen
        self.blockSignals(True)
        self.setRowCount(len(behaviors))
        for number, one in enumerate(behaviors):
            own = bouts[bouts["label"] == one.name]
            total = float((own["end_s"] - own["start_s"]).sum())
            for column, text in enumerate((one.key, one.name, str(len(own)), f"{total:.1f} s")):
                item = self.item(number, column)
                if item is None:
                    item = QTableWidgetItem()
                    self.setItem(number, column, item)
                item.setText(text)
                item.setToolTip(HEADS[column][1])
                if column == NAME:
                    item.setIcon(swatch(one.color))
                    item.setData(Qt.ItemDataRole.UserRole, one.name)
                elif column == KEY:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                else:
                    item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
                    item.setTextAlignment(RIGHT)
            if one.name == chosen:
                self.setCurrentCell(number, NAME)
        self.blockSignals(False)

    @property
    def chosen(self) -> str:
        """The behaviour whose row is selected; empty when none is."""
        rows = {index.row() for index in self.selectedIndexes()}
        return self._name(rows.pop()) if rows else ""

    def choose(self, name: str) -> None:
        """Select the row of a behaviour and begin to type its name."""
        for number in range(self.rowCount()):
            if self._name(number) == name:
                self.setCurrentCell(number, NAME)
                self.editItem(self.item(number, NAME))

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Delete removes the selected behaviour; keys with Ctrl or Alt are left to the dock."""
        editing = self.state() == QAbstractItemView.State.EditingState
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            event.ignore()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and not editing and self.chosen:
            self.removed.emit(self.chosen)
        else:
            super().keyPressEvent(event)

    def _name(self, row: int) -> str:
        item = self.item(row, NAME)
        return "" if item is None else str(item.data(Qt.ItemDataRole.UserRole))

    def _on_changed(self, item: QTableWidgetItem) -> None:
        text, name = item.text().strip(), self._name(item.row())
        if item.column() == KEY:
            self.changed.emit(name, "key", text.upper())
        elif item.column() == NAME:
            self.changed.emit(name, "name", text)
