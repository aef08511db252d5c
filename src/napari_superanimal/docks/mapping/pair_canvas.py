"""One image drawn twice: user keypoints on the left, model keypoints on the right, lines between pairs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPen

from napari_superanimal.docks.mapping.session import MINE, MODEL, Picture, Point
from napari_superanimal.parts.twin_view import LEFT, RIGHT, TwinView, plate_of, write

_SIDES = {MINE: LEFT, MODEL: RIGHT}
REACH = 14.0
"""Screen distance in pixels within which the mouse grabs a point."""
RADIUS = 5.0
NAME_GAP = 9.0
CLICK = 4.0
DOUBT = QColor("#e69f00")
FREE = QColor("#ffffff")


class PairCanvas(TwinView):
    """Shows a :class:`Picture`; a drag from one side to the other proposes a pair.

    Signals
    -------
    chosen(str)
        A user keypoint was clicked.
    paired(str, str)
        A user keypoint was dragged onto a model keypoint, or vice versa.
    """

    chosen = Signal(str)
    paired = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.picture = Picture()
        self.current = ""
        self.names = False
        self._hovered: tuple[str, str] | None = None
        self._pressed: tuple[str, str] | None = None
        self._start = QPointF()

    def show_picture(self, picture: Picture, *, fit: bool = True) -> None:
        """Show another picture; ``fit`` brings all points into view."""
        self.picture = picture
        self._hovered = self._pressed = None
        self.set_image(picture.image, fit=fit)

    def choose(self, keypoint: str) -> None:
        """Highlight a user keypoint and its pair."""
        self.current = keypoint
        self.update()

    def show_names(self, on: bool) -> None:
        """Show the name beside every point."""
        self.names = on
        self.update()

    # ---------------------------------------------------------------- positions

    def position(self, side: str, name: str) -> QPointF:
        """Return the position of a point in widget pixels."""
        return self.place(_SIDES[side], self.picture.points(side)[name])

    def points(self) -> list[Point]:
        """Return the points of both sides."""
        return [*self.picture.mine.values(), *self.picture.model.values()]

    def _pane(self, side: str) -> QRectF:
        return self._panes()[_SIDES[side]]

    def _visible(self, side: str) -> Iterator[tuple[str, QPointF]]:
        pane = self._pane(side)
        for name in self.picture.points(side):
            at = self.position(side, name)
            if pane.contains(at):
                yield name, at

    def _near(self, at: QPointF, side: str | None = None) -> tuple[str, str] | None:
        """Return (side, name) of the point under the mouse."""
        found = [
            (_length(place - at), (one, name))
            for one in ((side,) if side else (MINE, MODEL))
            for name, place in self._visible(one)
        ]
        distance, point = min(found, default=(np.inf, None), key=lambda item: item[0])
        return point if distance <= REACH else None

    # ---------------------------------------------------------------- mouse

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Grab a point, or the image."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._start = self._at = event.position()
            self._pressed = self._near(self._at)
            if self._pressed is None:
                super().mousePressEvent(event)

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Draw the line to the mouse, or move the image."""
        super().mouseMoveEvent(event)
        if self._pressed is not None:
            self._hovered = self._near(self._at, _other(self._pressed[0]))
        elif not self._panning:
            self._hovered = self._near(self._at)
            self.setCursor(Qt.CursorShape.PointingHandCursor if self._hovered else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Propose the pair, or select the clicked point."""
        super().mouseReleaseEvent(event)
        pressed, self._pressed = self._pressed, None
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

    def leaveEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Clear the hover state."""
        self._hovered = None
        self.update()

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
        self.draw_image(painter, _SIDES[side])
        self._draw_skeleton(painter, side)
        self.draw_title(painter, _SIDES[side], title)
        if side == MODEL and self.picture.note and not self.picture.model:
            self.draw_note(painter, RIGHT, self.picture.note)

    def _draw_skeleton(self, painter: QPainter, side: str) -> None:
        """Draw the edges of the space; user keypoints are connected like their counterparts."""
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
            color.setAlpha(255 if lit else 200 if doubtful else 140)
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
                plate, text = _beside(painter, name, at, pane)
                if lit or not any(plate.intersects(other) for other in plates):
                    plates.append(plate)
                    write(painter, text, plate, lit)

    def _is_lit(self, own: str, target: str) -> bool:
        """Return whether a pair is selected or under the mouse."""
        current = self.picture.targets.get(self.current, "")
        if (own and own == self.current) or (not own and target and target == current):
            return True
        return self._hovered is not None and self._hovered in ((MINE, own), (MODEL, target))

    def _color(self, target: str) -> QColor:
        return QColor(self.picture.colors.get(target, "#ffffff"))


def _beside(painter: QPainter, name: str, at: QPointF, pane: QRectF) -> tuple[QRectF, str]:
    """Return the position of the name of a point: to its right, or to its left at the edge of the pane."""
    short = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, int(pane.width() / 2))
    plate, text = plate_of(painter, short, at + QPointF(NAME_GAP + 4, -8), pane)
    if plate.left() < at.x():
        plate.moveRight(at.x() - NAME_GAP)
        plate.moveLeft(max(plate.left(), pane.left() + 2))
    return plate, text


def _other(side: str) -> str:
    return MODEL if side == MINE else MINE


def _length(vector: QPointF) -> float:
    return float(np.hypot(vector.x(), vector.y()))
