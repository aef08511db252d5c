"""A strip that shows which frames have poses, which were edited, and the slider position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_superanimal.models import LINK_COLOR

if TYPE_CHECKING:
    from napari_superanimal.pose_layer.playback import PoseView

HEIGHT = 16
WAIT_MS = 250
NONE, FEW, EDITED, HERE = QColor(128, 128, 128, 70), QColor("#e69f00"), QColor("white"), QColor("#e0561b")
ALL = QColor(LINK_COLOR)


class PoseStrip(QWidget):
    """One column per range of frames: grey without poses, blue with poses, orange with few confident points.

    White marks show edited frames, a red line the current frame. A click goes to that frame.
    """

    def __init__(self) -> None:
        super().__init__()
        self._view: PoseView | None = None
        self._share = np.zeros(0)  # fraction of visible points at each time
        self._edited = np.zeros(0, dtype=bool)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(WAIT_MS)
        self._timer.timeout.connect(self.count)
        self.setVisible(False)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the preferred size."""
        return QSize(120, HEIGHT)

    def follow(self, view: PoseView | None) -> None:
        """Show the frames of another view, or none."""
        if view is self._view:
            self.later()
            return
        if self._view is not None:
            self._view.changed.disconnect(self.later)
            self._view.viewer.dims.events.current_step.disconnect(self._on_step)
        self._view = view
        if view is not None:
            view.changed.connect(self.later)
            view.viewer.dims.events.current_step.connect(self._on_step)
        self.count()

    def later(self) -> None:
        """Schedule another count."""
        if not self._timer.isActive():
            self._timer.start()

    def count(self) -> None:
        """Count the points of every frame."""
        view = self._view
        self.setVisible(view is not None)
        if view is not None:
            table = view.table
            visible = table.visible(view.cutoff)
            self._share = visible.sum(axis=(1, 2)) / max(1, table.shape[2])
            self._edited = np.any(table.edited, axis=(1, 2))
            have = int((self._share > 0).sum())
            self.setToolTip(f"{have:,} of {len(self._share):,} frames have poses. Click to go to a frame.")
        self.update()

    def columns(self, width: int) -> np.ndarray:
        """Return the boundaries of ``width`` columns as times, shape (width + 1,)."""
        return np.linspace(0, len(self._share), width + 1).astype(int)

    def paintEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Draw the columns."""
        painter = QPainter(self)
        width, height = self.width(), self.height()
        painter.fillRect(0, 3, width, height - 6, NONE)
        if self._view is None or not len(self._share):
            return
        borders = self.columns(width)
        for x in range(width):
            times = slice(borders[x], max(borders[x] + 1, borders[x + 1]))
            share = self._share[times].mean()
            if share > 0:
                painter.fillRect(x, 3, 1, height - 6, FEW if share < 0.5 else ALL)
            if self._edited[times].any():
                painter.fillRect(x, height - 3, 1, 3, EDITED)
        at = np.searchsorted(self._view.table.steps, self._view.step)
        painter.fillRect(int(at / len(self._share) * width), 0, 2, height, HERE)

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Go to the frame below the pointer."""
        self._go(event)

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Go to the frame below the pointer."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event)

    def _go(self, event: Any) -> None:
        if self._view is not None and len(self._share):
            share = np.clip(event.pos().x() / max(1, self.width()), 0, 1)
            self._view.show_time(min(int(share * len(self._share)), len(self._share) - 1))

    def _on_step(self, event: Any = None) -> None:
        self.update()
