"""Further recordings to learn from: pose files with files of labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from superanimal.behavior.bouts import labels_of

ROWS = 3
HEADS = (
    ("Poses", "The pose file of another recording."),
    ("Labels", "A person's labels of that recording."),
    ("Bouts", ""),
)


class RecordingTable(QTableWidget):
    """One row for each recording.

    Signals
    -------
    changed()
        A recording was added or removed.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__(0, len(HEADS))
        self.recordings: list[tuple[Path, pd.DataFrame]] = []
        side: Any = self.verticalHeader()
        side.hide()
        height = self.fontMetrics().height() + 8
        side.setDefaultSectionSize(height)
        header: Any = self.horizontalHeader()
        header.setHighlightSections(False)
        for column, (title, tip) in enumerate(HEADS):
            head = QTableWidgetItem(title)
            head.setToolTip(tip)
            head.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(column, head)
            mode = QHeaderView.ResizeMode
            header.setSectionResizeMode(column, mode.Stretch if column < 2 else mode.ResizeToContents)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setFixedHeight((ROWS + 1) * height + 6)

    def add(self, poses: Path, labels: Path, bouts: pd.DataFrame) -> None:
        """Add a recording."""
        number = self.rowCount()
        self.recordings.append((poses, bouts))
        self.setRowCount(number + 1)
        for column, (text, tip) in enumerate(
            ((poses.name, str(poses)), (labels.name, str(labels)), (str(len(bouts)), ""))
        ):
            item = QTableWidgetItem(text)
            item.setToolTip(tip)
            self.setItem(number, column, item)
        self.changed.emit()

    def remove(self) -> None:
        """Remove the recordings whose rows are selected."""
        for number in sorted({index.row() for index in self.selectedIndexes()}, reverse=True):
            del self.recordings[number]
            self.removeRow(number)
        self.changed.emit()

    @property
    def labels(self) -> set[str]:
        """All behaviours labelled in the recordings."""
        return {label for _, bouts in self.recordings for label in labels_of(bouts)}
