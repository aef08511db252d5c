"""Small parts shared by the dock widgets: captions, inline messages, rows of widgets, layer choices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDockWidget,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QMainWindow,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from superanimal.errors import SuperAnimalError

if TYPE_CHECKING:
    from napari.components import ViewerModel

MARGIN = 8
WATCH_MS, WATCHED = 50, 40
"""Interval and number of checks of the canvas after a dock was opened."""
SPACING = 6
# Semi-transparent, to suit both the dark and the light theme.
_TINTS = {
    "info": ("rgba(86, 180, 233, 40)", "#56b4e9"),
    "good": ("rgba(0, 158, 115, 45)", "#00a878"),
    "warning": ("rgba(230, 159, 0, 45)", "#e69f00"),
    "error": ("rgba(213, 94, 0, 50)", "#e0561b"),
}


class Caption(QLabel):
    """A smaller, dimmer line of text below a field."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setOpenExternalLinks(True)
        self.setContentsMargins(2, 0, 0, 2)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        font = self.font()
        font.setPointSizeF(max(7.0, font.pointSizeF() * 0.88))
        self.setFont(font)


class WrappedCaption(Caption):
    """A caption of several lines of plain text that is exactly as high as its text."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)

    def setText(self, text: str | None) -> None:  # noqa: N802 - Qt's name
        """Show another text."""
        super().setText(text)
        self._fit()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Rewrap the lines."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setMinimumHeight(0)  # otherwise the height never shrinks
        self.setFixedHeight(max(self.heightForWidth(self.width()), 1) if self.text() else 0)


class Message(QFrame):
    """An inline message with a coloured edge; hidden while there is no message."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("superanimal_message")
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.button = QPushButton()
        self.button.clicked.connect(lambda: self._action())
        self._action: Callable[[], Any] = self.clear
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN + 2, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(SPACING)
        layout.addWidget(self.label)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        self.kind = ""
        self.clear()

    @property
    def text(self) -> str:
        """The message, empty when there is none."""
        return self.label.text()

    def show_text(self, kind: str, text: str, remedy: str = "") -> None:
        """Show a message of kind "info", "good", "warning" or "error"."""
        self.kind = kind
        tint, edge = _TINTS[kind]
        name = "QFrame#superanimal_message"
        self.setStyleSheet(
            f"{name} {{ background: {tint}; border: none; border-left: 3px solid {edge}; }}"
            f"{name} QLabel {{ background: transparent; }}"
        )
        self.label.setText(f"{text}\n{remedy}" if remedy else text)
        self.button.setText("")
        self.button.setVisible(False)
        self.setVisible(True)

    def offer(self, title: str, action: Callable[[], Any]) -> None:
        """Add a button to the current message."""
        self.button.setText(title)
        self.button.setVisible(True)
        self._action = action

    def show_error(self, error: SuperAnimalError) -> None:
        """Show an error with its remedy."""
        problem, rule, remedy = error.parts("viewer")
        what = "; ".join(part.rstrip(".") for part in (problem, rule) if part)
        self.show_text("error", sentence(what), sentence(remedy))

    def clear(self) -> None:
        """Hide the message."""
        self.kind = ""
        self.label.clear()
        self.setVisible(False)


class LayerChoice(QComboBox):
    """A choice among the layers of a viewer that satisfy a condition, kept up to date.

    Signals
    -------
    changed()
        The chosen layer changed, possibly to none.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, accept: Callable[[Any], bool]) -> None:
        super().__init__()
        self.viewer, self._accept = viewer, accept
        self._layers: list[Any] = []
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(90)
        for signal in (viewer.layers.events.inserted, viewer.layers.events.removed):
            signal.connect(self.refresh)
        self.currentIndexChanged.connect(lambda: self.changed.emit())
        self.destroyed.connect(lambda: None)
        self.refresh()

    def layer(self) -> Any | None:
        """Return the chosen layer."""
        index = self.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def choose(self, layer: Any) -> None:
        """Choose a layer, if available."""
        if layer in self._layers:
            self.setCurrentIndex(self._layers.index(layer))

    def refresh(self, event: Any = None) -> None:
        """Update the list of layers, keeping the chosen one."""
        before = self.layer()
        self._layers = [layer for layer in self.viewer.layers if self._accept(layer)]
        self.blockSignals(True)
        self.clear()
        self.addItems([layer.name for layer in self._layers])
        if before in self._layers:
            self.setCurrentIndex(self._layers.index(before))
        elif self._layers:
            self.setCurrentIndex(len(self._layers) - 1)
        self.blockSignals(False)
        if self.layer() is not before:
            self.changed.emit()

    def release(self) -> None:
        """Stop listening to the viewer."""
        for signal in (self.viewer.layers.events.inserted, self.viewer.layers.events.removed):
            signal.disconnect(self.refresh)


class FolderLine(QWidget):
    """A line edit for a folder, with a button to choose one.

    Signals
    -------
    changed()
        Another folder was typed or chosen.
    """

    changed = Signal()

    def __init__(self, title: str, placeholder: str = "") -> None:
        super().__init__()
        self._title = title
        self.line = QLineEdit()
        self.line.setPlaceholderText(placeholder)
        self.button = QPushButton("…")
        self.button.setToolTip("Choose a folder.")
        self.button.setMaximumWidth(34)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACING)
        layout.addWidget(self.line, 1)
        layout.addWidget(self.button)
        self.line.textEdited.connect(lambda: self.changed.emit())
        self.button.clicked.connect(self._ask)

    @property
    def folder(self) -> Path | None:
        """The folder; None if the line is empty."""
        text = self.line.text().strip()
        return Path(text).expanduser() if text else None

    def set_folder(self, folder: Path | None) -> None:
        """Choose a folder, or none."""
        self.line.setText("" if folder is None else str(folder))
        self.changed.emit()

    def _ask(self) -> None:
        start = str(self.folder or Path.home())
        path = QFileDialog.getExistingDirectory(self, self._title, start)
        if path:
            self.set_folder(Path(path))


class EmptyState(QWidget):
    """Placeholder while there is nothing to work on: a title, an explanation, buttons."""

    def __init__(
        self, title: str, text: str, buttons: list[QPushButton], message: Message | None = None
    ) -> None:
        super().__init__()
        head = QLabel(title)
        font = head.font()
        font.setBold(True)
        font.setPointSizeF(font.pointSizeF() * 1.15)
        head.setFont(font)
        body = QLabel(text)
        body.setWordWrap(True)
        for label in (head, body):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, 4 * MARGIN, MARGIN, MARGIN)
        layout.setSpacing(MARGIN)
        layout.addWidget(head)
        layout.addWidget(body)
        for button in buttons:
            layout.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)
        if message is not None:
            layout.addWidget(message)


def page_of(*parts: QWidget | QLayout, grow: QWidget | None = None) -> QWidget:
    """Return a page of stacked parts; ``grow``, or an empty space, takes the remaining height."""
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
    layout.setSpacing(SPACING)
    for part in parts:
        if isinstance(part, QLayout):
            layout.addLayout(part)
        else:
            layout.addWidget(part, 1 if part is grow else 0)
    if grow is None:
        layout.addStretch(1)
    return page


def fill_dock(dock: QWidget, empty: EmptyState, page: QWidget) -> QStackedWidget:
    """Fill a dock widget with two pages: 0 while there is nothing to work on, 1 for the work."""
    pages = QStackedWidget()
    pages.addWidget(empty)
    pages.addWidget(page)
    scroll = Scroll(pages)
    outer = QVBoxLayout(dock)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.addWidget(scroll)
    dock.installEventFilter(KeepInView(dock))
    return pages


class Scroll(QScrollArea):
    """A vertical scroll area that is always as wide as its content requires."""

    def __init__(self, inside: QWidget) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(inside)
        inside.installEventFilter(self)
        self._fit()

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """Adapt to the width of the content."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return False

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Pass keys to the dock: a scroll area would intercept arrow keys, including those in shortcuts."""
        event.ignore()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of the content."""
        inside = cast("QWidget", self.widget()).sizeHint()
        return QSize(inside.width() + self._bar, inside.height())

    @property
    def _bar(self) -> int:
        return cast("QWidget", self.verticalScrollBar()).sizeHint().width()

    def _fit(self) -> None:
        inside = cast("QWidget", self.widget())
        self.setMinimumWidth(max(inside.minimumSizeHint().width(), inside.minimumWidth()) + self._bar)


class KeepInView(QObject):
    """Zooms out when a dock takes space from the canvas, so that the same region stays visible."""

    def __init__(self, dock: Any) -> None:
        super().__init__(dock)
        viewer = getattr(dock.viewer, "__wrapped__", dock.viewer)
        self._viewer = viewer
        self._before = self._size()
        self._seen = False
        self._left = WATCHED
        self._timer = QTimer(self)
        self._timer.setInterval(WATCH_MS)
        self._timer.timeout.connect(self._adapt)

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """When the dock is shown for the first time, wait for the layout of the window."""
        if event.type() == QEvent.Type.Show and not self._seen:
            self._seen = True
            _join_tabs(watched)
            self._timer.start()
        return False

    def _size(self) -> tuple[int, int]:
        window = getattr(self._viewer, "window", None)
        return (1, 1) if window is None else tuple(window._qt_viewer.canvas.size)

    def _adapt(self) -> None:
        self._left -= 1
        if not self._left:
            self._timer.stop()
        before, self._before = self._before, self._size()
        smaller = min(self._before[0] / before[0], self._before[1] / before[1])
        if smaller < 1 and self._viewer.layers:
            camera = getattr(self._viewer, "scene", self._viewer).camera  # napari before 0.9 has no scene
            camera.zoom *= smaller


def _join_tabs(inside: QWidget) -> None:
    """Tabify a dock with another dock of this plugin: stacked, both would be too short."""
    mine: Any = inside
    while mine is not None and not isinstance(mine, QDockWidget):
        mine = mine.parentWidget()
    window = mine.parentWidget() if mine is not None else None
    if mine is None or not isinstance(window, QMainWindow) or mine.isFloating():
        return
    area = window.dockWidgetArea(mine)
    others = [
        dock
        for dock in window.findChildren(QDockWidget)
        if dock is not mine and dock.isVisible() and window.dockWidgetArea(dock) == area
    ]
    ours = [dock for dock in others if dock.findChild(Scroll) is not None]
    if ours and mine not in window.tabifiedDockWidgets(ours[-1]):
        window.tabifyDockWidget(ours[-1], mine)
        QTimer.singleShot(0, mine.raise_)


def narrow_form() -> QFormLayout:
    """Return an empty form with right-aligned captions and fields as wide as the dock."""
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setHorizontalSpacing(MARGIN)
    form.setVerticalSpacing(SPACING)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return form


def row(*widgets: QWidget | str, stretch: int = 0) -> QWidget:
    """Return a row of widgets; strings become labels, and the first item stretches."""
    holder = QWidget()
    layout = QHBoxLayout(holder)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(SPACING)
    for i, widget in enumerate(widgets):
        item = QLabel(widget) if isinstance(widget, str) else widget
        layout.addWidget(item, stretch if i == 0 else 0)
    if not stretch:
        layout.addStretch(1)
    return holder


def sentence(text: str) -> str:
    """Return a text as a sentence, with an initial capital and a full stop."""
    text = text.strip()
    return f"{text[0].upper()}{text[1:]}{'' if text[-1] in '.!?' else '.'}" if text else ""


DEVICES = {"auto": "Automatic", "cpu": "CPU", "cuda": "NVIDIA GPU (cuda)", "mps": "Apple GPU (mps)"}
