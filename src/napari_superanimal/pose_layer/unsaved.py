"""Asking about unsaved corrections before napari is closed or a layer is removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QMessageBox

from napari_superanimal.pose_layer.layers import is_pose_layer, plain_name, table_of
from napari_superanimal.pose_layer.save import save_dialog
from superanimal.errors import SuperAnimalError

if TYPE_CHECKING:
    from napari.components import ViewerModel

NAME = "superanimal_unsaved"


def watch(viewer: ViewerModel, returned: Callable[[Any], object]) -> None:
    """Ask before unsaved corrections in a viewer are lost; viewers without a window are not watched.

    Parameters
    ----------
    viewer
        The viewer.
    returned
        Called with a layer that was removed and put back.
    """
    window = getattr(getattr(viewer, "window", None), "_qt_window", None)
    if window is not None and window.findChild(QObject, NAME) is None:
        Guard(viewer, window, returned)


class Guard(QObject):
    """Asks about unsaved corrections when a window closes or a pose layer is removed.

    Parameters
    ----------
    viewer
        The viewer.
    window
        Its main window, the parent of the guard.
    returned
        Called with a layer that was removed and put back.
    """

    def __init__(self, viewer: ViewerModel, window: Any, returned: Callable[[Any], object]) -> None:
        super().__init__(window)
        self.setObjectName(NAME)
        self.viewer, self.window, self.returned = viewer, window, returned
        window.installEventFilter(self)
        viewer.layers.events.removed.connect(self._on_removed)

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """Keep the window open if the user wants to return to the corrections."""
        if event.type() == QEvent.Type.Close and watched is self.window and self._in_use():
            layers = [layer for layer in self.viewer.layers if _is_unsaved(layer)]
            if layers and not self._settle(layers, "Close napari?", "Cancel"):
                event.ignore()
                return True
        return False

    def _in_use(self) -> bool:
        """Whether the window is being closed by a person; a program closes its content first."""
        content = self.window.centralWidget()
        return bool(self.window.isVisible() and content is not None and content.isVisible())

    def _on_removed(self, event: Any) -> None:
        layer, index = event.value, event.index
        if _is_unsaved(layer):
            later = QTimer(self)  # not during the event: other layers or the window may be about to close
            later.setSingleShot(True)
            later.timeout.connect(lambda: self._ask_about(layer, index))
            later.timeout.connect(later.deleteLater)
            later.start(0)

    def _ask_about(self, layer: Any, index: int) -> None:
        if layer in self.viewer.layers or not self._in_use():
            return
        if not self._settle([layer], "Remove the poses?", "Put it back"):
            self.viewer.layers.insert(min(index, len(self.viewer.layers)), layer)
            self.returned(layer)

    def _settle(self, layers: list[Any], title: str, back: str) -> bool:
        """Ask what to do with the corrections; return False to go back."""
        kept = all(table_of(layer).journal is not None for layer in layers)
        names = ", ".join(repr(plain_name(layer)) for layer in layers)
        box = QMessageBox(self.window)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setWindowTitle(title)
        box.setText(f"The corrections in {names} are not saved to a file.")
        box.setInformativeText(
            "If kept for later, they are restored when the run or file is opened again."
            if kept
            else "These poses were not read from a file: unsaved corrections are lost."
        )
        save = box.addButton("Save\u2026", QMessageBox.ButtonRole.AcceptRole)
        keep = box.addButton("Keep for later", QMessageBox.ButtonRole.YesRole) if kept else None
        discard = box.addButton("Discard", QMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton(back, QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(save)
        box.setEscapeButton(cancel)
        box.exec()
        chosen = box.clickedButton()
        box.deleteLater()
        if chosen is save:
            return all(self._save(layer) for layer in layers)
        if chosen is discard:
            for layer in layers:
                table_of(layer).discard()
        return chosen is discard or (keep is not None and chosen is keep)

    def _save(self, layer: Any) -> bool:
        """Ask for a file and save a layer; return whether it was saved."""
        try:
            return bool(save_dialog(layer, self.window, _Notes()))
        except SuperAnimalError as error:
            QMessageBox.critical(self.window, "Not saved", str(error))
            return False


class _Notes:
    """Shows messages as napari notifications."""

    def show_text(self, kind: str, text: str, remedy: str = "") -> None:
        """Show a message of kind "good" or "warning"."""
        tell = show_warning if kind == "warning" else show_info
        tell(f"{text}\n{remedy}" if remedy else text)


def _is_unsaved(layer: Any) -> bool:
    return is_pose_layer(layer) and table_of(layer).unsaved
