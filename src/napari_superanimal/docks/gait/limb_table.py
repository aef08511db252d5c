"""The table of limbs: which keypoints are the foot of which limb, guessed at first and changed by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qtpy.QtCore import QStringListModel, Qt, Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCompleter,
    QLineEdit,
    QStyledItemDelegate,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_superanimal.parts.tables import height_of, make_plain, set_heads, swatch
from superanimal.gait.limb_colors import limb_colors

LIMB, KEYPOINTS = range(2)
TIPS = (
    "Name of the limb. Words such as left, right, fore and hind tell its place. Double click to change it.",
    "The points of its foot near the ground: one, or several from the rear (heel, toe), separated by commas. "
    "Double click to change them.",
)
ROWS = 4
"""So many rows are seen without scrolling."""


class LimbTable(QTableWidget):
    """Limbs and their keypoints, both changed by double click or by typing.

    Signals
    -------
    edited()
        A person changed the table.
    """

    edited = Signal()

    def __init__(self) -> None:
        super().__init__(0, 2)
        self.choices = QStringListModel(self)
        make_plain(self)
        heads = zip(("Limb", "Keypoints"), TIPS, strict=True)
        set_heads(self, heads, wide=[KEYPOINTS], left=[LIMB, KEYPOINTS])
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.AnyKeyPressed
        )
        self.setMinimumHeight(height_of(self, ROWS) + 4)
        self.setItemDelegateForColumn(KEYPOINTS, _KeypointsDelegate(self))
        self.itemChanged.connect(self._on_changed)

    def show_limbs(self, limbs: Mapping[str, Sequence[str]], keypoints: Sequence[str]) -> None:
        """Show limbs, and which keypoints there are to choose from."""
        self.choices.setStringList(list(keypoints))
        self.blockSignals(True)
        self.setRowCount(len(limbs))
        for number, (name, points) in enumerate(limbs.items()):
            self._fill(number, name, ", ".join(points))
        self.blockSignals(False)
        self._paint()

    @property
    def limbs(self) -> dict[str, list[str]]:
        """The limbs as they stand; rows that are all empty are left out."""
        found: dict[str, list[str]] = {}
        for number in range(self.rowCount()):
            name, points = self._text(number, LIMB), self._text(number, KEYPOINTS)
            if name or points:
                found[name] = [part.strip() for part in points.split(",") if part.strip()]
        return found

    @property
    def repeated(self) -> list[str]:
        """Names that stand in more than one row."""
        names = [self._text(number, LIMB) for number in range(self.rowCount())]
        return sorted({name for name in names if name and names.count(name) > 1})

    def add(self) -> None:
        """Add a limb and begin to type its name."""
        number, taken = self.rowCount(), set(self.limbs)
        name = next(f"limb_{k}" for k in range(1, len(taken) + 2) if f"limb_{k}" not in taken)
        self.blockSignals(True)
        self.setRowCount(number + 1)
        self._fill(number, name, "")
        self.blockSignals(False)
        self._on_changed()
        self.setCurrentCell(number, LIMB)
        self.editItem(self.item(number, LIMB))

    def remove(self) -> None:
        """Remove the limbs whose rows are selected."""
        rows = {index.row() for index in self.selectedIndexes()}
        for number in sorted(rows, reverse=True):
            self.removeRow(number)
        if rows:
            self._on_changed()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Delete removes the selected limbs; keys with Ctrl or Alt are left to the form."""
        plain = not event.modifiers() & (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        )
        editing = self.state() == QAbstractItemView.State.EditingState
        if not plain:
            event.ignore()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and not editing:
            self.remove()
        else:
            super().keyPressEvent(event)

    def _text(self, row: int, column: int) -> str:
        item = self.item(row, column)
        return item.text().strip() if item is not None else ""

    def _fill(self, number: int, name: str, points: str) -> None:
        for column, text in ((LIMB, name), (KEYPOINTS, points)):
            item = QTableWidgetItem(text)
            item.setToolTip(TIPS[column])
            self.setItem(number, column, item)

    def _on_changed(self, item: Any = None) -> None:
        self._paint()
        self.edited.emit()

    def _paint(self) -> None:
        """Give each limb the colour that its footfalls will have."""
        colors = limb_colors([name for name in self.limbs if name])
        self.blockSignals(True)
        for number in range(self.rowCount()):
            item, color = self.item(number, LIMB), colors.get(self._text(number, LIMB))
            if item is not None:
                item.setIcon(swatch(color) if color else QIcon())
        self.blockSignals(False)


class _KeypointsDelegate(QStyledItemDelegate):
    """Edits keypoints as a line of text that completes the name being typed."""

    def __init__(self, table: LimbTable) -> None:
        super().__init__(table)
        self._table = table

    def createEditor(self, parent: Any, option: Any, index: Any) -> QWidget:  # noqa: N802 - Qt's name
        """Return the line of text."""
        editor = QLineEdit(parent)
        editor.setCompleter(_LastName(self._table.choices, editor))
        return editor


class _LastName(QCompleter):
    """Completes the last of several names separated by commas."""

    def __init__(self, names: QStringListModel, line: QLineEdit) -> None:
        super().__init__(names, line)
        self._line = line
        self.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setFilterMode(Qt.MatchFlag.MatchContains)
        self.setMaxVisibleItems(12)

    def splitPath(self, path: str | None) -> list[str]:  # noqa: N802 - Qt's name
        """Return what is being typed: what follows the last comma."""
        return [(path or "").rsplit(",", 1)[-1].strip()]

    def pathFromIndex(self, index: Any) -> str:  # noqa: N802 - Qt's name
        """Return the whole line with the chosen name last."""
        before = [part.strip() for part in self._line.text().split(",")[:-1]]
        return ", ".join([*before, str(index.data())])
