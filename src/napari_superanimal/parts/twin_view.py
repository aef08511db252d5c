"""One image shown twice, side by side or stacked, with linked zoom and pan."""

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
    """Base class of views that compare two sets of points on one image.

    The mouse wheel zooms both sides, dragging moves them, a double click shows everything. Subclasses draw.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setMinimumHeight(150)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._image: QImage | None = None
        self._pixels: np.ndarray | None = None
        self._center: QPointF | None = None  # view of the image; None shows everything
        self._scale = 1.0
        self._at = QPointF()
        self._panning = False

    def points(self) -> list[tuple[float, float]]:
        """Return all points (x, y) that should be in view, in image pixels."""
        raise NotImplementedError

    def set_image(self, pixels: np.ndarray | None, *, fit: bool) -> None:
        """Show another (H, W, 3) uint8 image; ``fit`` brings all points into view."""
        if pixels is not self._pixels:
            self._pixels, self._image = pixels, None if pixels is None else _to_qimage(pixels)
        if fit:
            self._center = None
        self.update()

    # ---------------------------------------------------------------- positions

    def place(self, side: int, point: tuple[float, float]) -> QPointF:
        """Return the position of an image point on a side, in widget pixels."""
        center, scale = self._view()
        return self._panes()[side].center() + (QPointF(*point) - center) * scale

    def _panes(self) -> tuple[QRectF, QRectF]:
        """Return the two panes, side by side or stacked, whichever shows the animal larger."""
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
        """Return the part of the image with all points, plus a margin."""
        points = self.points()
        if len(points) < 2:
            if self._image is None:
                return QRectF(0, 0, 1, 1)
            return QRectF(0, 0, self._image.width(), self._image.height())
        low, high = np.min(points, axis=0), np.max(points, axis=0)
        margin = 0.12 * max(*(high - low), 40.0)
        return QRectF(QPointF(*(low - margin)), QPointF(*(high + margin)))

    def _view(self) -> tuple[QPointF, float]:
        """Return the image position at the centre of each pane, and screen pixels per image pixel."""
        if self._center is not None:
            return self._center, self._scale
        extent, pane = self._extent(), self._panes()[0]
        return extent.center(), min(pane.width() / extent.width(), pane.height() / extent.height())

    # ---------------------------------------------------------------- mouse

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Grab the image."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._at, self._panning = event.position(), True

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Move the grabbed image."""
        before, self._at = self._at, event.position()
        if self._panning:
            center, scale = self._view()
            self._center, self._scale = center - (self._at - before) / scale, scale
        self.update()

    def mouseReleaseEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Release the image."""
        self._panning = False

    def mouseDoubleClickEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Bring all points into view."""
        self._center = None
        self.update()

    def wheelEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Zoom both sides around the mouse position."""
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
        """Draw the image on a side, and clip to it."""
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
        """Write a heading in the corner of a side."""
        pane = self._panes()[side]
        plate, text = plate_of(painter, title, pane.topLeft() + QPointF(6, 6), pane)
        write(painter, text, plate)

    def draw_note(self, painter: QPainter, side: int, note: str) -> None:
        """Show a note instead of a side."""
        pane = self._panes()[side]
        painter.fillRect(pane, QColor(0, 0, 0, 130))
        painter.setPen(QColor(255, 255, 255, 230))
        painter.drawText(
            pane.adjusted(12, 12, -12, -12), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, note
        )


def plate_of(painter: QPainter, text: str, at: QPointF, pane: QRectF) -> tuple[QRectF, str]:
    """Return the position of a line of text in a pane, and the text elided to fit."""
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
