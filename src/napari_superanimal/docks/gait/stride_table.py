"""The table of strides: click one to see it, leave one out."""

from __future__ import annotations

from typing import Any

import pandas as pd
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_superanimal.parts.tables import height_of, make_plain, make_small, swatch
from superanimal.gait.exclusion import EXCLUDED

LAST = "Gait"
GREY = QColor(128, 128, 128)
ROWS = 4
"""So many rows are seen at least."""


class StrideModel(QAbstractTableModel):
    """Strides of one animal as rows; the first column is ticked when a stride counts.

    Signals
    -------
    toggled(int)
        A stride (row of the result) is to be left out or taken back.
    """

    toggled = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.strides = pd.DataFrame()
        self._rows: list[dict[str, Any]] = []
        self._colors: dict[str, str] = {}
        self._columns: list[tuple[str, str, str, str]] = []

    def show_strides(self, strides: pd.DataFrame, colors: dict[str, str], *, metric: bool) -> None:
        """Show the strides of an animal; their index is the row of the result."""
        same = len(strides) == len(self.strides) and (strides.index == self.strides.index).all()
        length = ("length_m", "m", "{:.2f}") if metric else ("length_px", "px", "{:.0f}")
        columns = [
            ("limb", "Limb", "", "A tick: the stride counts."),
            ("start_s", "Start s", "{:.2f}", "When the limb lands, seconds from frame 0."),
            ("duration_s", "Stride s", "{:.2f}", "From this contact to the next, seconds."),
            ("duty_factor", "Duty", "{:.2f}", "Share of the stride in which the limb stands."),
            (
                length[0],
                f"Length {length[1]}",
                length[2],
                "From one standing place to the next, over ground.",
            ),
            ("gait", LAST, "", "Gait of the stride, or why it does not count."),
        ]
        rows: list[dict[str, Any]] = strides.to_dict("records")  # type: ignore[assignment]  # a view asks for each cell many times
        if same and columns == self._columns:
            self.strides, self._rows, self._colors = strides, rows, colors
            self.dataChanged.emit(self.index(0, 0), self.index(len(strides) - 1, len(columns) - 1))
            return
        self.beginResetModel()
        self.strides, self._rows, self._colors, self._columns = strides, rows, colors, columns
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Return the number of strides."""
        return 0 if parent is not None and parent.isValid() else len(self.strides)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Return the number of columns."""
        return len(self._columns)

    def headerData(self, section: int, orientation: Any, role: int = 0) -> Any:  # noqa: N802 - Qt's name
        """Return the title of a column or what it means."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return self._columns[section][1]
            if role == Qt.ItemDataRole.ToolTipRole:
                return self._columns[section][3]
        return None

    def flags(self, index: Any) -> Any:
        """Return what can be done with a cell: only what the analysis kept can be left out."""
        flags = super().flags(index)
        if index.column() == 0 and self._refused(index.row()) in ("", EXCLUDED):
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        return flags

    def data(self, index: Any, role: int = 0) -> Any:
        """Return text, tick and colour of a cell."""
        stride, (name, _, shape, _) = self._rows[index.row()], self._columns[index.column()]
        refused = str(stride["refused"])
        if role == Qt.ItemDataRole.DisplayRole:
            if name == "gait":
                return refused or str(stride["gait"]) or "–"
            if name == "limb":
                return str(stride["limb"]).replace("_", " ")
            return shape.format(stride[name]) if pd.notna(stride[name]) else "–"
        if role == Qt.ItemDataRole.CheckStateRole and name == "limb":
            return Qt.CheckState.Unchecked if refused else Qt.CheckState.Checked
        if role == Qt.ItemDataRole.DecorationRole and name == "limb":
            return swatch(self._colors[stride["limb"]])
        if role == Qt.ItemDataRole.ForegroundRole and refused:
            return GREY
        if role == Qt.ItemDataRole.TextAlignmentRole and shape:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"Does not count: {refused}." if refused else _quality(stride)
        return None

    def setData(self, index: Any, value: Any, role: int = 0) -> bool:  # noqa: N802 - Qt's name
        """Leave a stride out, or take it back."""
        if role != Qt.ItemDataRole.CheckStateRole:
            return False
        self.toggled.emit(int(self.strides.index[index.row()]))
        return True

    def _refused(self, row: int) -> str:
        return str(self._rows[row]["refused"])


def _quality(stride: dict[str, Any]) -> str:
    said = {
        "slip": "speed of the standing foot over the animal's",
        "closure": "stride length against the way of the trunk",
        "confidence": "of its contacts and lift",
    }
    return "\n".join(
        f"{name.capitalize()} {stride[name]:.2f}: {what}"
        for name, what in said.items()
        if pd.notna(stride[name])
    )


class StrideTable(QTableView):
    """The strides of one animal by time.

    Signals
    -------
    chosen(int)
        A stride (row of the result) is current.
    toggled(set)
        Strides are to be left out or taken back.
    """

    chosen = Signal(int)
    toggled = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        make_small(self)
        self.strides = StrideModel()
        self.setModel(self.strides)
        make_plain(self)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setMinimumHeight(height_of(self, ROWS))
        self.strides.toggled.connect(lambda row: self.toggled.emit({row}))
        self.clicked.connect(self._on_clicked)

    def show_strides(self, strides: pd.DataFrame, colors: dict[str, str], *, metric: bool) -> None:
        """Show the strides of an animal."""
        self.strides.show_strides(strides, colors, metric=metric)
        header: Any = self.horizontalHeader()
        for column in range(self.strides.columnCount()):
            last = column == self.strides.columnCount() - 1
            mode = QHeaderView.ResizeMode.Stretch if last else QHeaderView.ResizeMode.ResizeToContents
            header.setSectionResizeMode(column, mode)

    @property
    def selected(self) -> set[int]:
        """Rows of the result that are selected."""
        rows = {index.row() for index in self.selectedIndexes()}
        return {int(self.strides.strides.index[row]) for row in rows}

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:  # noqa: N802 - Qt's name
        """Tell which stride is current."""
        super().currentChanged(current, previous)
        if current.isValid() and current.row() != previous.row():
            self._on_clicked(current)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Delete and Space leave the selected strides out, or take them back."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_Space) and self.selected:
            self.toggled.emit(self.selected)
        elif event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def _on_clicked(self, index: QModelIndex) -> None:
        self.chosen.emit(int(self.strides.strides.index[index.row()]))
