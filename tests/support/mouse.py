"""A real mouse on the canvas of a viewer."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication


def canvas_of(viewer: Any) -> Any:
    return viewer.window._qt_viewer.canvas.native


def pixel(viewer: Any, y: float, x: float) -> QPoint:
    """Return where a position of the video lies on the canvas."""
    native = canvas_of(viewer)
    _, center_y, center_x = viewer.camera.center
    zoom = viewer.camera.zoom
    return QPointF(
        (x - center_x) * zoom + native.width() / 2, (y - center_y) * zoom + native.height() / 2
    ).toPoint()


def send(viewer: Any, kind: QEvent.Type, at: QPoint, held: bool) -> None:
    """Send a mouse event with the left button to the canvas."""
    native = canvas_of(viewer)
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    button = none if kind == QEvent.Type.MouseMove else left
    position = QPointF(at)
    event = QMouseEvent(
        kind,
        position,
        QPointF(native.mapToGlobal(at)),
        button,
        left if held else none,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(native, event)
    QApplication.processEvents()


def drag(viewer: Any, start: QPoint, stop: QPoint) -> None:
    send(viewer, QEvent.Type.MouseMove, start, held=False)
    send(viewer, QEvent.Type.MouseButtonPress, start, held=True)
    for f in (0.25, 0.5, 0.75, 1.0):
        send(viewer, QEvent.Type.MouseMove, start + (stop - start) * f, held=True)
    send(viewer, QEvent.Type.MouseButtonRelease, stop, held=False)


def click(viewer: Any, at: QPoint) -> None:
    send(viewer, QEvent.Type.MouseMove, at, held=False)
    send(viewer, QEvent.Type.MouseButtonPress, at, held=True)
    send(viewer, QEvent.Type.MouseButtonRelease, at, held=False)


def loneliest(layer: Any, rows: np.ndarray) -> int:
    """Return the row whose point is farthest from its neighbours, so that the mouse cannot take another."""
    yx = np.asarray(layer.data)[rows, 1:]
    distance = np.hypot(*(yx[:, None] - yx[None]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    return int(rows[distance.min(axis=1).argmax()])
