"""Tables of figures beside the video: small letters, swatches of colour."""

from __future__ import annotations

from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QTableView

SWATCH = 10
SMALL = 0.88
"""Size of the letters in tables of figures, of those elsewhere."""


def make_small(table: QAbstractItemView) -> None:
    """Let a table of figures take less room: it stands in a dock beside the video."""
    font = table.font()
    font.setPointSizeF(max(7.0, font.pointSizeF() * SMALL))
    table.setFont(font)
    header = table.horizontalHeader() if isinstance(table, QTableView) else None
    if header is not None:
        header.setFont(font)
        header.setStyleSheet(
            f"QHeaderView::section {{ font-size: {font.pointSizeF():.1f}pt; padding: 2px; }}"
        )


def swatch(color: str) -> QIcon:
    """Return a small square of a colour."""
    pixmap = QPixmap(SWATCH, SWATCH)
    pixmap.fill(QColor(color))
    return QIcon(pixmap)
