"""A diagram of lanes over time: a bar while something holds, a line where the slider is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from qtpy.QtCore import QPoint, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QPainter, QPen, QPixmap
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

ROW, BAR, AXIS, GAP = 22, 14, 24, 8
"""Heights of a row, a bar and the axis, and the room beside the names, in pixels."""
GRIP = 4
"""Pixels within which the end of a bar is taken."""
ZOOM = 1.25
SHORTEST = 0.05
"""Seconds that are shown at least."""
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)


class LaneDiagram(QWidget):
    """Bars in lanes over time. Click or drag to go there, turn the wheel to zoom.

    The ends of a bar are dragged, Shift and a drag draw a new bar, Delete removes the one clicked last.

    Parameters
    ----------
    text, background
        Colours of the theme.
    verb
        What a lane does during a bar, for tips: ``stands``.

    Attributes
    ----------
    unit
        Of time, below the axis.

    Signals
    -------
    went(float)
        The user wants to see a time, seconds from frame 0.
    moved(str, float, float)
        The end of a bar of a lane was dragged from a time to another.
    drawn(str, float, float)
        A bar of a lane was drawn, from and to a time.
    removed(str, float, float)
        A bar of a lane, from and to a time, is to be removed.
    """

    went = Signal(float)
    moved = Signal(str, float, float)
    drawn = Signal(str, float, float)
    removed = Signal(str, float, float)

    def __init__(self, text: str, background: str, verb: str) -> None:
        super().__init__()
        self._colors, self._verb = (text, background), verb
        self.unit = "seconds"
        self._lanes: dict[str, str] = {}
        self._bars = pd.DataFrame(columns=["lane", "start_s", "end_s", "note"])
        self._gaps = pd.DataFrame(columns=["lane", "start_s", "end_s", "reason"])
        self._end = 1.0
        self._span = 0.0, 1.0
        self._now = 0.0
        self._chosen: tuple[str, float, float] | None = None
        self._picture: QPixmap | None = None
        self._picked: tuple[str, float, float] | None = None
        self._held: tuple[str, float, bool] | None = None  # lane, time, whether a bar is drawn
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    # ---------------------------------------------------------------- what is shown

    def show_bars(self, lanes: Mapping[str, str], bars: pd.DataFrame, gaps: pd.DataFrame, end: float) -> None:
        """Show the bars of one animal.

        Parameters
        ----------
        lanes
            Colour of each lane, in the order of the rows.
        bars
            ``lane, start_s, end_s, note``; a bar with a note is pale.
        gaps
            ``lane, start_s, end_s, reason``: where nothing is known.
        end
            Length of the recording, seconds; when it changes everything is in view again.
        """
        if end != self._end:
            self._end = max(end, SHORTEST)
            self._span = 0.0, self._end
            self._chosen = None
        self._lanes, self._bars, self._gaps = dict(lanes), bars, gaps
        self._picked = None
        self.setFixedHeight(self.sizeHint().height())
        self._redraw()

    def show_theme(self, text: str, background: str) -> None:
        """Draw in the colours of another theme."""
        self._colors = text, background
        self._redraw()

    def show_time(self, time: float) -> None:
        """Move the line to a time; the part in view follows it."""
        self._now = time
        low, high = self._span
        if not low <= time <= high:
            self._look(time - (high - low) / 2, high - low)
        self.update()

    def choose(self, lane: str = "", start: float = 0.0, end: float = 0.0) -> None:
        """Mark a time in a lane, or none."""
        self._chosen = (lane, start, end) if lane else None
        self._redraw()

    @property
    def span(self) -> tuple[float, float]:
        """First and last second in view."""
        return self._span

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size it takes: as high as it has rows."""
        return QSize(320, max(1, len(self._lanes)) * ROW + AXIS)

    # ---------------------------------------------------------------- seconds and pixels

    @property
    def _left(self) -> int:
        names = [self.unit, *(_said(name) for name in self._lanes)]
        widest = max(self.fontMetrics().horizontalAdvance(name) for name in names)
        return min(widest + 2 * GAP, self.width() // 2)

    def x_of(self, time: float) -> float:
        """Return where a time is, in pixels."""
        low, high = self._span
        return self._left + (time - low) / (high - low) * (self.width() - self._left - GAP)

    def time_of(self, x: float) -> float:
        """Return the time at a pixel, within the recording."""
        low, high = self._span
        share = (x - self._left) / max(1, self.width() - self._left - GAP)
        return float(np.clip(low + share * (high - low), 0, self._end))

    def _look(self, low: float, length: float) -> None:
        length = float(np.clip(length, min(SHORTEST, self._end), self._end))
        low = float(np.clip(low, 0, self._end - length))
        self._span = low, low + length
        self._redraw()

    # ---------------------------------------------------------------- painting

    def paintEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Draw rows, bars and axis, which are kept for the next frame, and the line."""
        if self._picture is None:
            self._picture = self._paint_all()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        x = self.x_of(self._now)
        if self._left <= x <= self.width():
            painter.setPen(QPen(QColor(self._colors[0]), 2))
            painter.drawLine(QPoint(round(x), 0), QPoint(round(x), len(self._lanes) * ROW + 4))
        if self._held is not None and self._held[2]:
            self._outline(painter, self._held[0], *sorted((self._held[1], self._now)))
        elif self._picked is not None:
            self._outline(painter, *self._picked)

    def _outline(self, painter: QPainter, lane: str, start: float, end: float) -> None:
        """Mark a bar that is picked or being drawn."""
        top = list(self._lanes).index(lane) * ROW + (ROW - BAR) / 2
        left = max(self.x_of(start), float(self._left))
        painter.setPen(QPen(QColor(self._colors[0]), 1.5, Qt.PenStyle.DotLine))
        painter.drawRect(QRectF(left, top - 1, max(1.0, self.x_of(end) - left), BAR + 2))

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Draw anew in another size."""
        self._redraw()

    def _redraw(self) -> None:
        self._picture = None
        self.update()

    def _paint_all(self) -> QPixmap:
        """Return everything but the line."""
        ratio = self.devicePixelRatioF()
        picture = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setFont(self.font())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = QColor(self._colors[0])
        left, bottom = self._left, len(self._lanes) * ROW
        inside = QRectF(left, 0, self.width() - left - GAP, bottom)
        self._paint_axis(painter, text, inside)
        for number, name in enumerate(self._lanes):
            painter.setPen(text)
            box = QRectF(0, number * ROW, left - GAP, ROW)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, _said(name))
        painter.setClipRect(inside)
        for number, (name, color) in enumerate(self._lanes.items()):
            self._paint_row(painter, number, name, QColor(color), text)
        if self._chosen is not None and self._chosen[0] in self._lanes:
            name, start, end = self._chosen
            at = list(self._lanes).index(name) * ROW
            painter.setPen(QPen(text, 1.2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            box = QRectF(self.x_of(start), at + 1.5, self.x_of(end) - self.x_of(start), ROW - 3)
            painter.drawRoundedRect(box, 3, 3)
        painter.end()
        return picture

    def _paint_axis(self, painter: QPainter, text: QColor, inside: QRectF) -> None:
        faint, dim = QColor(text), QColor(text)
        faint.setAlphaF(0.15)
        dim.setAlphaF(0.75)
        low, high = self._span
        step = next((s for s in STEPS if s / (high - low) * inside.width() >= 46), STEPS[-1])
        font = painter.font()
        small = painter.font()
        small.setPointSizeF(max(7.0, font.pointSizeF() * 0.85))
        painter.setFont(small)
        for k in range(int(np.ceil(low / step)), int(high / step) + 1):
            x = self.x_of(k * step)
            painter.setPen(faint)
            painter.drawLine(QPoint(round(x), 0), QPoint(round(x), round(inside.bottom()) + 3))
            painter.setPen(dim)
            box = QRectF(min(x - 30, self.width() - 60), inside.bottom() + 3, 60, AXIS - 4)
            align = Qt.AlignmentFlag.AlignHCenter if x + 30 <= self.width() else Qt.AlignmentFlag.AlignRight
            painter.drawText(box, align | Qt.AlignmentFlag.AlignVCenter, f"{k * step:g}")
        painter.setPen(dim)
        box = QRectF(0, inside.bottom() + 3, inside.left() - GAP, AXIS - 4)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self.unit)
        painter.setFont(font)

    def _paint_row(self, painter: QPainter, number: int, name: str, color: QColor, text: QColor) -> None:
        top = number * ROW + (ROW - BAR) / 2
        low, high = self._span
        own = self._gaps[(self._gaps["lane"] == name)]
        grey = QColor(text)
        grey.setAlphaF(0.35)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QBrush(grey, Qt.BrushStyle.BDiagPattern))
        for start, end in own[["start_s", "end_s"]].to_numpy(float):
            if end >= low and start <= high:
                painter.drawRect(
                    QRectF(self.x_of(start), top, max(1, self.x_of(end) - self.x_of(start)), BAR)
                )
        bars = self._bars[self._bars["lane"] == name]
        pale = QColor(color)
        pale.setAlphaF(0.22)
        for start, end, note in bars[["start_s", "end_s", "note"]].to_numpy():
            if end < low or start > high:
                continue
            bar = QRectF(self.x_of(start), top, max(1.0, self.x_of(end) - self.x_of(start)), BAR)
            painter.setPen(QPen(color, 1) if note else Qt.PenStyle.NoPen)
            painter.setBrush(pale if note else color)
            painter.drawRoundedRect(bar, 2, 2)

    # ---------------------------------------------------------------- mouse

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Go to the time below the pointer; take the end of a bar, or begin a new one with Shift."""
        if event.button() != Qt.MouseButton.LeftButton or event.pos().x() < self._left:
            return
        time, lane = self.time_of(event.pos().x()), self._lane_at(event.pos())
        end = self._end_at(event.pos())
        if lane and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._held = lane, time, True
        elif lane and end is not None:
            self._held = lane, end, False
        own = self._bars[self._bars["lane"] == lane]
        here = own[(own["start_s"] <= time) & (own["end_s"] >= time)]
        self._picked = None
        if len(here):
            self._picked = lane, float(here["start_s"].iloc[0]), float(here["end_s"].iloc[0])
        self.went.emit(time)
        self.update()

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Go along with the pointer, or say what is below it."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._now = self.time_of(event.pos().x())
            self.went.emit(self._now)
            self.update()
        else:
            ends = self._end_at(event.pos()) is not None
            self.setCursor(Qt.CursorShape.SizeHorCursor if ends else Qt.CursorShape.PointingHandCursor)
            QToolTip.showText(self.mapToGlobal(event.pos()), self.tip_at(event.pos()), self)

    def mouseReleaseEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Let go of the end of a bar, or of a new bar."""
        if self._held is None:
            return
        (lane, time, new), self._held = self._held, None
        now = self.time_of(event.pos().x())
        if abs(self.x_of(now) - self.x_of(time)) > GRIP:
            if new:
                self.drawn.emit(lane, *sorted((time, now)))
            else:
                self.moved.emit(lane, time, now)
        self.update()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Remove the bar that was clicked last."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self._picked is not None:
            self.removed.emit(*self._picked)
        else:
            super().keyPressEvent(event)

    def _lane_at(self, point: QPoint) -> str:
        """Return the lane of the row at a point; empty outside."""
        number = point.y() // ROW
        return list(self._lanes)[number] if 0 <= number < len(self._lanes) else ""

    def _end_at(self, point: QPoint) -> float | None:
        """Return the start or end of a bar of that row near a point, if there is one."""
        own = self._bars[self._bars["lane"] == self._lane_at(point)]
        ends = own[["start_s", "end_s"]].to_numpy(float).ravel()
        far = [abs(self.x_of(time) - point.x()) for time in ends]
        return float(ends[int(np.argmin(far))]) if far and min(far) <= GRIP else None

    def mouseDoubleClickEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Show the whole recording."""
        self._look(0.0, self._end)

    def wheelEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Zoom about the pointer; sideways or with Shift, move along."""
        turn, low, length = event.angleDelta(), self._span[0], self._span[1] - self._span[0]
        sideways = turn.x() or (turn.y() if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0)
        if sideways:
            self._look(low - sideways / 120 * length / 10, length)
        elif turn.y():
            at = self.time_of(event.position().x())
            new = length * ZOOM ** (-turn.y() / 120)
            self._look(at - (at - low) * new / length, new)
        event.accept()

    def tip_at(self, point: QPoint) -> str:
        """Return what is told of a place: lane, bar and its note."""
        name, time = self._lane_at(point), self.time_of(point.x())
        if not name or point.x() < self._left:
            return ""
        for frame, kind in ((self._bars, "note"), (self._gaps, "reason")):
            here = frame[(frame["lane"] == name) & (frame["start_s"] <= time) & (frame["end_s"] >= time)]
            if len(here):
                found = here.iloc[0]
                start, end, reason = float(found["start_s"]), float(found["end_s"]), str(found[kind])
                said = f"{_said(name)}: {start:.3f} to {end:.3f} s"
                if kind == "reason":
                    return f"{said}, nothing is known ({reason})"
                return f"{said}, {self._verb} {end - start:.3f} s" + (f"; {reason}" if reason else "")
        return f"{_said(name)}: {time:.3f} s"


def _said(lane: str) -> str:
    return lane.replace("_", " ")
