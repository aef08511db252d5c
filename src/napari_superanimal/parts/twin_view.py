"""One picture drawn twice, side by side or one above the other, zoomed and moved together."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath
from qtpy.QtWidgets import QSizePolicy, QWidget

GAP = 6.0
BACKGROUND = QColor("#17191d")
LEFT, RIGHT = 0, 1


class TwinView(QWidget):
    """Base of views that compare two sets of points on one picture.

    The wheel zooms both sides at once, a drag moves them, a double click shows all. Subclasses draw.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setMinimumHeight(150)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._image: QImage | None = None
        self._pixels: np.ndarray | None = None
        self._center: QPointF | None = None  # of the window on the image; None shows all
        self._scale = 1.0
        self._at = QPointF()
        self._panning = False

    def points(self) -> list[tuple[float, float]]:
        """Return all points (x, y) that ought to be in view, in pixels of the image."""
        raise NotImplementedError

    def set_image(self, pixels: np.ndarray | None, *, fit: bool) -> None:
        """Draw another (H, W, 3) uint8 picture; ``fit`` brings all points into view."""
        if pixels is not self._pixels:
            self._pixels, self._image = pixels, None if pixels is None else _to_qimage(pixels)
        if fit:
            self._center = None
        self.update()

    # ---------------------------------------------------------------- where things are

    def place(self, side: int, point: tuple[float, float]) -> QPointF:
        """Return where a point of the image is drawn on a side, in pixels of the widget."""
        center, scale = self._view()
        return self._panes()[side].center() + (QPointF(*point) - center) * scale

    def _panes(self) -> tuple[QRectF, QRectF]:
        """Return the two sides: beside or above each other, whichever shows the animal larger."""
        width, height = float(self.width()), float(self.height())
        extent = self._extent()
        half = (width - GAP) / 2
        beside = min(half / extent.width(), height / extent.height())
        above = min(width / extent.width(), (height - GAP) / 2 / extent.height())
        if above > 1.25 * beside:
            tall = (height - GAP) / 2
            return QRectF(0, 0, width, tall), QRectF(0, tall + GAP, width, tall)
        return QRectF(0, 0, half, height), QRectF(half + GAP, 0, half, height)

    def _extent(self) -> QRectF:
        """Return the part of the image that holds all points, with a margin."""
        points = self.points()
        if len(points) < 2:
            if self._image is None:
                return QRectF(0, 0, 1, 1)
            return QRectF(0, 0, self._image.width(), self._image.height())
        low, high = np.min(points, axis=0), np.max(points, axis=0)
        margin = 0.12 * max(*(high - low), 40.0)
        return QRectF(QPointF(*(low - margin)), QPointF(*(high + margin)))

    def _view(self) -> tuple[QPointF, float]:
        """Return the image position in the centre of each pane, and screen pixels per image pixel."""
        if self._center is not None:
            return self._center, self._scale
        extent, pane = self._extent(), self._panes()[0]
        return extent.center(), min(pane.width() / extent.width(), pane.height() / extent.height())

    # ---------------------------------------------------------------- mouse

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Take the picture."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._at, self._panning = event.position(), True

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Move the picture that was taken."""
        before, self._at = self._at, event.position()
        if self._panning:
            center, scale = self._view()
            self._center, self._scale = center - (self._at - before) / scale, scale
        self.update()

    def mouseReleaseEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Let go."""
        self._panning = False

    def mouseDoubleClickEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Show all points again."""
        self._center = None
        self.update()

    def wheelEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Zoom both sides; what is under the mouse stays there."""
        if self._image is None:
            return
        center, scale = self._view()
        at = event.position()
        pane = self._panes()[1] if self._panes()[1].contains(at) else self._panes()[0]
        under = center + (at - pane.center()) / scale
        self._scale = float(np.clip(scale * 1.2 ** (event.angleDelta().y() / 120), 0.05, 60))
        self._center = under - (at - pane.center()) / self._scale
        self.update()
        event.accept()

    # ---------------------------------------------------------------- drawing

    def draw_image(self, painter: QPainter, side: int) -> None:
        """Draw the picture on a side, and clip to it."""
        pane = self._panes()[side]
        painter.setClipRect(pane)
        painter.fillRect(pane, BACKGROUND)
        if self._image is not None:
            center, scale = self._view()
            painter.save()
            painter.translate(pane.center())
            painter.scale(scale, scale)
            painter.translate(-center - QPointF(0.5, 0.5))  # pixel centres are at integers
            painter.drawImage(QPointF(0, 0), self._image)
            painter.restore()

    def draw_title(self, painter: QPainter, side: int, title: str) -> None:
        """Write a heading into the corner of a side."""
        pane = self._panes()[side]
        plate, text = plate_of(painter, title, pane.topLeft() + QPointF(6, 6), pane)
        write(painter, text, plate)

    def draw_note(self, painter: QPainter, side: int, note: str) -> None:
        """Say something in place of a side."""
        pane = self._panes()[side]
        painter.fillRect(pane, QColor(0, 0, 0, 130))
        painter.setPen(QColor(255, 255, 255, 230))
        painter.drawText(
            pane.adjusted(12, 12, -12, -12), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, note
        )


def plate_of(painter: QPainter, text: str, at: QPointF, pane: QRectF) -> tuple[QRectF, str]:
    """Return the place of a line of text inside a pane, and as much of the text as there is room for."""
    measure = QFontMetricsF(painter.font())
    text = measure.elidedText(text, Qt.TextElideMode.ElideMiddle, pane.width() - 14)
    plate = QRectF(at, measure.size(0, text)).adjusted(-4, -1, 4, 1)
    plate.moveLeft(max(pane.left() + 2, min(plate.left(), pane.right() - plate.width() - 2)))
    plate.moveTop(max(pane.top() + 2, min(plate.top(), pane.bottom() - plate.height() - 2)))
    return plate, text


def write(painter: QPainter, text: str, plate: QRectF, strong: bool = True) -> None:
    """Write a line of text on a dark plate."""
    path = QPainterPath()
    path.addRoundedRect(plate, 3, 3)
    painter.fillPath(path, QColor(0, 0, 0, 200 if strong else 150))
    painter.setPen(QColor(255, 255, 255, 255 if strong else 200))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)


def _to_qimage(pixels: np.ndarray) -> QImage:
    """Return an image that owns its memory."""
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels)
    return QImage(data.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
