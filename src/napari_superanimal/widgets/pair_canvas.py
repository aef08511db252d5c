"""One picture drawn twice: the user's points on the left, the model's on the right, lines between pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

MINE, MODEL = "mine", "model"
REACH = 14.0
"""Pixels of the screen within which the mouse takes a point."""
GAP = 6.0
RADIUS = 5.0
CLICK = 4.0
BACKGROUND = QColor("#17191d")
DOUBT = QColor("#e69f00")
FREE = QColor("#ffffff")

Point = tuple[float, float]


@dataclass
class Picture:
    """What is drawn.

    Attributes
    ----------
    image
        (H, W, 3) uint8, or None.
    mine, model
        Position (x, y) of each point in pixels of the image, by name.
    confidence
        0..1 for each of the model's points; fainter when low.
    targets
        The model's keypoint of each of the user's; those without one are missing.
    doubtful
        Names of the user's keypoints whose pair needs a look.
    colors
        Colour of each of the model's keypoints, ``#rrggbb``.
    edges
        Pairs of the model's keypoints that are joined in the skeleton.
    titles
        Headings of the two sides.
    note
        What is said in place of the model's points while there are none.
    """

    image: np.ndarray | None = None
    mine: Mapping[str, Point] = field(default_factory=dict)
    model: Mapping[str, Point] = field(default_factory=dict)
    confidence: Mapping[str, float] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    doubtful: frozenset[str] = frozenset()
    colors: Mapping[str, str] = field(default_factory=dict)
    edges: tuple[tuple[str, str], ...] = ()
    titles: tuple[str, str] = ("Your labels", "Model")
    note: str = ""

    def points(self, side: str) -> Mapping[str, Point]:
        """Return the points of a side."""
        return self.mine if side == MINE else self.model


class PairCanvas(QWidget):
    """Shows a :class:`Picture`; a drag from one side to the other proposes a pair.

    The wheel zooms both sides at once, a drag beside the points moves them, a double click shows all.

    Signals
    -------
    chosen(str)
        One of the user's keypoints was clicked.
    paired(str, str)
        One of the user's keypoints was dragged on one of the model's, or the other way round.
    """

    chosen = Signal(str)
    paired = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setMinimumHeight(150)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.picture = Picture()
        self.current = ""
        self.names = False
        self._image: QImage | None = None
        self._center: QPointF | None = None  # of the window on the image; None shows all
        self._scale = 1.0
        self._hovered: tuple[str, str] | None = None
        self._pressed: tuple[str, str] | None = None
        self._start = self._at = QPointF()
        self._panning = False

    def show_picture(self, picture: Picture, *, fit: bool = True) -> None:
        """Draw something else; ``fit`` brings all points into view."""
        if picture.image is not self.picture.image:
            self._image = None if picture.image is None else _to_qimage(picture.image)
        self.picture = picture
        self._hovered = self._pressed = None
        if fit:
            self._center = None
        self.update()

    def choose(self, keypoint: str) -> None:
        """Highlight one of the user's keypoints and its pair."""
        self.current = keypoint
        self.update()

    def show_names(self, on: bool) -> None:
        """Write the name beside every point."""
        self.names = on
        self.update()

    # ---------------------------------------------------------------- where things are

    def position(self, side: str, name: str) -> QPointF:
        """Return where a point is drawn, in pixels of the widget."""
        x, y = self.picture.points(side)[name]
        center, scale = self._view()
        return self._pane(side).center() + (QPointF(x, y) - center) * scale

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

    def _pane(self, side: str) -> QRectF:
        return self._panes()[side == MODEL]

    def _extent(self) -> QRectF:
        """Return the part of the image that holds all points, with a margin."""
        points = [*self.picture.mine.values(), *self.picture.model.values()]
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

    def _visible(self, side: str) -> Iterator[tuple[str, QPointF]]:
        pane = self._pane(side)
        for name in self.picture.points(side):
            at = self.position(side, name)
            if pane.contains(at):
                yield name, at

    def _near(self, at: QPointF, side: str | None = None) -> tuple[str, str] | None:
        """Return (side, name) of the point that the mouse takes."""
        found = [
            (_length(place - at), (one, name))
            for one in ((side,) if side else (MINE, MODEL))
            for name, place in self._visible(one)
        ]
        distance, point = min(found, default=(np.inf, None), key=lambda item: item[0])
        return point if distance <= REACH else None

    # ---------------------------------------------------------------- mouse

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Take a point, or the picture."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._start = self._at = event.position()
            self._pressed = self._near(self._at)
            self._panning = self._pressed is None

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Draw the line to the mouse, or move the picture."""
        before, self._at = self._at, event.position()
        if self._panning:
            center, scale = self._view()
            self._center, self._scale = center - (self._at - before) / scale, scale
        elif self._pressed is not None:
            self._hovered = self._near(self._at, _other(self._pressed[0]))
        else:
            self._hovered = self._near(self._at)
            self.setCursor(Qt.CursorShape.PointingHandCursor if self._hovered else Qt.CursorShape.ArrowCursor)
        self.update()

    def mouseReleaseEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Propose the pair, or choose the point that was clicked."""
        pressed, self._pressed, self._panning = self._pressed, None, False
        if pressed is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._at = event.position()
        side, name = pressed
        target = self._near(self._at, _other(side))
        self._hovered = None
        self.update()
        if target is not None and _length(self._at - self._start) > CLICK:
            mine, model = (name, target[1]) if side == MINE else (target[1], name)
            self.paired.emit(mine, model)
        elif side == MINE:
            self.chosen.emit(name)
        else:
            owner = next((own for own, other in self.picture.targets.items() if other == name), "")
            if owner:
                self.chosen.emit(owner)

    def mouseDoubleClickEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Show all points again."""
        self._center = None
        self.update()

    def leaveEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Forget what the mouse was over."""
        self._hovered = None
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

    def paintEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Draw both sides, then the lines between them."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        for side, title in zip((MINE, MODEL), self.picture.titles, strict=True):
            self._draw_side(painter, side, title)
        painter.setClipping(False)
        self._draw_pairs(painter)
        self._draw_drag(painter)
        for side in (MINE, MODEL):
            self._draw_points(painter, side)
        self._draw_names(painter)
        painter.end()

    def _draw_side(self, painter: QPainter, side: str, title: str) -> None:
        pane = self._pane(side)
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
        self._draw_skeleton(painter, side)
        plate, text = _plate(painter, title, pane.topLeft() + QPointF(6, 6), pane)
        _write(painter, text, plate)
        if side == MODEL and self.picture.note and not self.picture.model:
            _write_note(painter, self.picture.note, pane)

    def _draw_skeleton(self, painter: QPainter, side: str) -> None:
        """Draw the edges of the space; the user's points are joined as their counterparts are."""
        points = self.picture.points(side)
        names = {name: name for name in points}
        if side == MINE:
            names = {target: own for own, target in self.picture.targets.items() if own in points}
        painter.setPen(QPen(QColor(255, 255, 255, 110), 1.2))
        for a, b in self.picture.edges:
            if a in names and b in names:
                painter.drawLine(self.position(side, names[a]), self.position(side, names[b]))

    def _pairs(self) -> Iterator[tuple[str, str]]:
        for own, target in self.picture.targets.items():
            if own in self.picture.mine and target in self.picture.model:
                yield own, target

    def _draw_pairs(self, painter: QPainter) -> None:
        mine, model = self._panes()
        for own, target in sorted(self._pairs(), key=lambda pair: self._is_lit(*pair)):
            start, stop = self.position(MINE, own), self.position(MODEL, target)
            if not (mine.contains(start) and model.contains(stop)):
                continue
            lit, doubtful = self._is_lit(own, target), own in self.picture.doubtful
            color = QColor(DOUBT if doubtful else self._color(target))
            color.setAlpha(255 if lit else 190 if doubtful else 90)
            pen = QPen(color, 2.2 if lit else 1.2)
            if doubtful:
                pen.setDashPattern([4, 3])
            painter.setPen(pen)
            painter.drawLine(start, stop)

    def _draw_drag(self, painter: QPainter) -> None:
        if self._pressed is not None and _length(self._at - self._start) > CLICK:
            painter.setPen(QPen(FREE, 2))
            painter.drawLine(self.position(*self._pressed), self._at)

    def _draw_points(self, painter: QPainter, side: str) -> None:
        used = set(self.picture.targets.values())
        for name, at in self._visible(side):
            own_target = self.picture.targets.get(name, "")
            counterpart = own_target if side == MINE else name if name in used else ""
            color = QColor(self._color(own_target if side == MINE else name))
            if side == MODEL:
                color.setAlphaF(float(np.clip(self.picture.confidence.get(name, 1.0), 0.35, 1)))
            lit = self._is_lit(name, own_target) if side == MINE else self._is_lit("", name)
            radius = RADIUS + 2 if lit else RADIUS if counterpart or side == MINE else RADIUS - 1.5
            doubtful = side == MINE and name in self.picture.doubtful
            painter.setPen(QPen(FREE if lit else DOUBT if doubtful else QColor(0, 0, 0, 200), 1.8))
            if side == MINE and not own_target:
                painter.setPen(QPen(DOUBT if doubtful and not lit else FREE, 1.8))
                color.setAlpha(0)
            painter.setBrush(color)
            painter.drawEllipse(at, radius, radius)

    def _draw_names(self, painter: QPainter) -> None:
        shown: dict[tuple[str, str], bool] = {}
        if self.names:
            shown |= {(side, name): False for side in (MINE, MODEL) for name, _ in self._visible(side)}
        for own in self.picture.mine:
            target = self.picture.targets.get(own, "")
            if self._is_lit(own, target):
                shown[MINE, own] = True
                if target in self.picture.model:
                    shown[MODEL, target] = True
        for point in (self._hovered, self._pressed):
            if point is not None:
                shown[point] = True
        plates: list[QRectF] = []
        for (side, name), lit in sorted(shown.items(), key=lambda item: not item[1]):
            pane = self._pane(side)
            at = self.position(side, name)
            if pane.contains(at):
                plate, text = _plate(painter, name, at + QPointF(9, -9), pane)
                if lit or not any(plate.intersects(other) for other in plates):
                    plates.append(plate)
                    _write(painter, text, plate, lit)

    def _is_lit(self, own: str, target: str) -> bool:
        """Return whether a pair is the current one or under the mouse."""
        current = self.picture.targets.get(self.current, "")
        if (own and own == self.current) or (not own and target and target == current):
            return True
        return self._hovered is not None and self._hovered in ((MINE, own), (MODEL, target))

    def _color(self, target: str) -> QColor:
        return QColor(self.picture.colors.get(target, "#ffffff"))


def _other(side: str) -> str:
    return MODEL if side == MINE else MINE


def _length(vector: QPointF) -> float:
    return float(np.hypot(vector.x(), vector.y()))


def _to_qimage(pixels: np.ndarray) -> QImage:
    """Return an image that owns its memory."""
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels)
    return QImage(data.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def _plate(painter: QPainter, text: str, at: QPointF, pane: QRectF) -> tuple[QRectF, str]:
    """Return the place of a line of text inside a pane, and as much of the text as there is room for."""
    measure = QFontMetricsF(painter.font())
    text = measure.elidedText(text, Qt.TextElideMode.ElideMiddle, pane.width() - 14)
    plate = QRectF(at, measure.size(0, text)).adjusted(-4, -1, 4, 1)
    plate.moveLeft(max(pane.left() + 2, min(plate.left(), pane.right() - plate.width() - 2)))
    plate.moveTop(max(pane.top() + 2, min(plate.top(), pane.bottom() - plate.height() - 2)))
    return plate, text


def _write(painter: QPainter, text: str, plate: QRectF, strong: bool = True) -> None:
    """Write a line of text on a dark plate."""
    path = QPainterPath()
    path.addRoundedRect(plate, 3, 3)
    painter.fillPath(path, QColor(0, 0, 0, 190 if strong else 110))
    painter.setPen(QColor(255, 255, 255, 255 if strong else 200))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)


def _write_note(painter: QPainter, text: str, pane: QRectF) -> None:
    painter.fillRect(pane, QColor(0, 0, 0, 130))
    painter.setPen(QColor(255, 255, 255, 230))
    painter.drawText(
        pane.adjusted(12, 12, -12, -12), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text
    )
