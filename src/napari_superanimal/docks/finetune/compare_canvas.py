"""Labels and predictions of one animal on its image, before and after training, side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QPointF, QRectF
from qtpy.QtGui import QColor, QPainter, QPen

from napari_superanimal.parts.twin_view import LEFT, RIGHT, TwinView, plate_of, write
from superanimal.training.finetuning.run_folder import Comparison, Point

LABEL, PREDICTION, ERROR = QColor("#ffffff"), QColor("#56b4e9"), QColor("#e69f00")
RING, DOT = 6.0, 3.5


class CompareCanvas(TwinView):
    """Shows a :class:`Comparison`: a ring for the label, a dot for the prediction, a line between them."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(180)
        self.comparison = Comparison()
        self.names = False

    def show_comparison(self, comparison: Comparison) -> None:
        """Show another comparison, with all points in view."""
        self.comparison = comparison
        self.set_image(comparison.image, fit=True)

    def show_names(self, on: bool) -> None:
        """Show the name beside every label."""
        self.names = on
        self.update()

    def points(self) -> list[Point]:
        """Return labels and predictions."""
        shown = self.comparison
        return [*shown.labels.values(), *shown.before.values(), *shown.after.values()]

    def paintEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Draw both sides."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        for side, title in ((LEFT, "Before"), (RIGHT, "After")):
            self.draw_image(painter, side)
            if self.comparison.note:
                self.draw_note(painter, side, self.comparison.note)
            self._draw_points(painter, side)
            error = self.comparison.error(side)
            known = f"{title}  {error:.1f} px" if np.isfinite(error) else f"{title}  no prediction"
            self.draw_title(painter, side, known if self.comparison.labels else title)
        painter.end()

    def _draw_points(self, painter: QPainter, side: int) -> None:
        found = (self.comparison.before, self.comparison.after)[side]
        for name, label in self.comparison.labels.items():
            ring = self.place(side, label)
            if name in found:
                dot = self.place(side, found[name])
                painter.setPen(QPen(ERROR, 2))
                painter.drawLine(ring, dot)
                painter.setPen(QPen(QColor(0, 0, 0, 200), 1))
                painter.setBrush(PREDICTION)
                painter.drawEllipse(dot, DOT, DOT)
            painter.setBrush(QColor(0, 0, 0, 0))
            for color, width in ((QColor(0, 0, 0, 230), 3.4), (LABEL, 1.6)):
                painter.setPen(QPen(color, width))
                painter.drawEllipse(ring, RING, RING)
        if self.names:
            self._draw_names(painter, side)

    def _draw_names(self, painter: QPainter, side: int) -> None:
        pane, plates = self._panes()[side], list[QRectF]()
        for name, label in self.comparison.labels.items():
            plate, text = plate_of(painter, name, self.place(side, label) + QPointF(9, -9), pane)
            if not any(plate.intersects(other) for other in plates):
                plates.append(plate)
                write(painter, text, plate, strong=False)
