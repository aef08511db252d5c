"""What the strides of each limb come to, as a table."""

from __future__ import annotations

from typing import Any

import pandas as pd
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from napari_superanimal.parts.small_table import make_small, swatch

TIPS = {
    "Limb": "In the order of the diagram.",
    "Kept": "Strides that count, of those found.",
    "Stride s": "Median of the kept strides and their standard deviation, seconds.",
    "Duty": "Share of the stride in which the limb stands: median and standard deviation.",
    "Length": "From one standing place to the next, over ground: median and standard deviation.",
    "Phase": "Share of the first limb's stride at which this limb lands: mean and standard deviation.",
}


class LimbSummary(QTableWidget):
    """One row for each limb of an animal."""

    def __init__(self) -> None:
        super().__init__(0, len(TIPS))
        make_small(self)
        side: Any = self.verticalHeader()
        side.hide()
        self._height = self.fontMetrics().height() + 8
        side.setDefaultSectionSize(self._height)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        header: Any = self.horizontalHeader()
        header.setHighlightSections(False)

    def show_summary(self, summary: pd.DataFrame, colors: dict[str, str], *, metric: bool) -> None:
        """Show rows of ``GaitResult.summary``."""
        length = "length_m" if metric else "length_px"
        header: Any = self.horizontalHeader()
        for column, (title, tip) in enumerate(TIPS.items()):
            unit = (" m" if metric else " px") if title == "Length" else ""
            head = QTableWidgetItem(title + unit)
            head.setToolTip(tip)
            self.setHorizontalHeaderItem(column, head)
            mode = QHeaderView.ResizeMode.Stretch if not column else QHeaderView.ResizeMode.ResizeToContents
            header.setSectionResizeMode(column, mode)
        self.setRowCount(len(summary))
        for number, (_, row) in enumerate(summary.iterrows()):
            texts = (
                str(row["limb"]).replace("_", " "),
                f"{row['kept']}/{row['strides']}",
                _spread(row, "duration_s", 2),
                _spread(row, "duty_factor", 2),
                _spread(row, length, 2 if metric else 0),
                "0" if row["limb"] == summary["limb"].iloc[0] else _spread(row, "phase", 2),
            )
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                else:
                    item.setIcon(swatch(colors[str(row["limb"])]))
                self.setItem(number, column, item)
        self.setMinimumHeight((min(len(summary), 4) + 1) * self._height + 6)


def _spread(row: Any, name: str, digits: int) -> str:
    value, deviation = float(row[name]), float(row[f"{name}_sd"])
    if pd.isna(value):
        return "–"
    return f"{value:.{digits}f}" + ("" if pd.isna(deviation) else f" ± {deviation:.{digits}f}")
