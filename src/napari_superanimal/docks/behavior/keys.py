"""Labelling with keys: held while the slider moves, or tapped to begin and again to end."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection
from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

TYPED_INTO = (QLineEdit, QAbstractSpinBox, QTextEdit, QPlainTextEdit, QAbstractItemView)


class LabelKeys(QObject):
    """Tells which keys go down and up in a window while it listens, except where text is typed.

    Signals
    -------
    pressed(str), released(str)
        A key, such as ``R``; repetition while it is held is left out.
    """

    pressed = Signal(str)
    released = Signal(str)

    def __init__(self, window: QWidget | None, parent: QObject) -> None:
        super().__init__(parent)
        self._window: Callable[[], QWidget | None] = (lambda: None) if window is None else weakref.ref(window)
        self._keys: Collection[str] = ()
        self._listening = False

    def listen(self, keys: Collection[str]) -> None:
        """Listen to these keys; to none when empty."""
        self._keys = keys
        app: Any = QApplication.instance()
        if bool(keys) != self._listening:
            self._listening = bool(keys)
            (app.installEventFilter if keys else app.removeEventFilter)(self)

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """Take a key that labels away from napari, which has shortcuts on some of them."""
        kind = event.type()
        if kind not in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease, QEvent.Type.ShortcutOverride):
            return False
        if not isinstance(watched, QWidget) or watched.window() is not self._window():
            return False
        plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier == Qt.KeyboardModifier.NoModifier
        key = QKeySequence(event.key()).toString()
        if not plain or key not in self._keys or _types(watched):
            return False
        if kind == QEvent.Type.ShortcutOverride:
            event.accept()
        elif not event.isAutoRepeat():
            (self.pressed if kind == QEvent.Type.KeyPress else self.released).emit(key)
        return True


def _types(widget: QWidget) -> bool:
    return isinstance(widget, TYPED_INTO) or (isinstance(widget, QComboBox) and widget.isEditable())
