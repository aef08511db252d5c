"""Tables in docks: heads with tips, rows as high as a line, small letters for figures, swatches of colour."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QTableWidget, QTableWidgetItem

SWATCH = 10
SMALL = 0.88
"""Size of the letters in tables of figures, of those elsewhere."""
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def make_plain(table: QTableView) -> None:
    """Show no row numbers, rows as high as a line, no wrapped words; leave the Tab key to the dock."""
    side: Any = table.verticalHeader()
    side.hide()
    side.setDefaultSectionSize(_row(table))
    header: Any = table.horizontalHeader()
    header.setHighlightSections(False)
    table.setWordWrap(False)
    table.setTabKeyNavigation(False)


def make_still(table: QTableView) -> None:
    """Let a table be read only: nothing in it is chosen or edited."""
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.setFocusPolicy(Qt.FocusPolicy.NoFocus)


def make_small(table: QTableView) -> None:
    """Let a table of figures take less room: it stands in a dock beside the video."""
    font = table.font()
    font.setPointSizeF(max(7.0, font.pointSizeF() * SMALL))
    table.setFont(font)
    header: Any = table.horizontalHeader()
    header.setFont(font)
    header.setStyleSheet(f"QHeaderView::section {{ font-size: {font.pointSizeF():.1f}pt; padding: 2px; }}")


def height_of(table: QTableView, rows: int) -> int:
    """Return the height in pixels at which so many rows are seen without scrolling."""
    return (rows + 1) * _row(table) + 6


def set_heads(
    table: QTableWidget,
    heads: Iterable[tuple[str, str]],
    *,
    wide: Collection[int] = (0,),
    left: Collection[int] = (0,),
) -> None:
    """Name the columns.

    Parameters
    ----------
    heads
        Title and tip of each column.
    wide
        Columns that share the width which the others leave.
    left
        Columns whose title stands to the left; the others' to the right, above figures.
    """
    header: Any = table.horizontalHeader()
    mode = QHeaderView.ResizeMode
    for column, (title, tip) in enumerate(heads):
        head = QTableWidgetItem(title)
        head.setToolTip(tip)
        head.setTextAlignment(LEFT if column in left else RIGHT)
        table.setHorizontalHeaderItem(column, head)
        header.setSectionResizeMode(column, mode.Stretch if column in wide else mode.ResizeToContents)


def fill_row(table: QTableWidget, number: int, texts: Sequence[str], icon: QIcon | None = None) -> None:
    """Fill a row: a name with its icon, then figures, to the right."""
    for column, text in enumerate(texts):
        item = QTableWidgetItem(text)
        if column:
            item.setTextAlignment(RIGHT)
        elif icon is not None:
            item.setIcon(icon)
        table.setItem(number, column, item)


def swatch(color: str) -> QIcon:
    """Return a small square of a colour."""
    pixmap = QPixmap(SWATCH, SWATCH)
    pixmap.fill(QColor(color))
    return QIcon(pixmap)


def _row(table: QTableView) -> int:
    return table.fontMetrics().height() + 8
