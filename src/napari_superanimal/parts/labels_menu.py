"""The menu "Open labels...": reads a labelled set from a file, a folder, or a Points layer."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QMenu, QWidget

from napari_superanimal.parts.form_parts import Message
from napari_superanimal.parts.layers import is_labelled_layer, labels_of_layer
from superanimal.errors import InputError, SuperAnimalError
from superanimal.formats.deeplabcut_project import LABEL_FILES
from superanimal.labels import read_labels

PROJECT = " ".join(LABEL_FILES)
FILES = ";;".join(
    (
        f"Labelled data ({PROJECT} *.json *.slp *.nwb *.h5 *.csv *.parquet)",
        f"DeepLabCut, Lightning Pose ({PROJECT})",
        "COCO keypoints, Label Studio (*.json)",
        "SLEAP (*.slp)",
        "NWB (*.nwb)",
        "All files (*)",
    )
)


class LabelsMenu(QMenu):
    """Asks for labels and reads them in a thread.

    Signals
    -------
    began(str)
        Name of the labels being read.
    read(LabelledSet, str)
        The labels and their source.
    failed(SuperAnimalError)
        The labels could not be read.
    """

    began = Signal(str)
    read = Signal(object, str)
    failed = Signal(object)

    def __init__(self, viewer: Any, parent: QWidget) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._worker: Any = None
        self._folder = tempfile.TemporaryDirectory(prefix="superanimal-labels-")
        self.aboutToShow.connect(self.refresh)
        self.refresh()

    @property
    def busy(self) -> bool:
        """Whether labels are being read."""
        return self._worker is not None

    def tell(self, *messages: Message) -> None:
        """Show in a message what is being read, and errors."""
        for message in messages:
            self.began.connect(lambda name, message=message: message.show_text("info", f"Reading {name}…"))
            self.read.connect(message.clear)
            self.failed.connect(message.show_error)

    def refresh(self) -> None:
        """List the sources: a file, a folder, the labelled layers of the viewer."""
        self.clear()
        self.addAction("File…", self._ask_file)
        self.addAction("Folder…", self._ask_folder)
        layers = [layer for layer in self._viewer.layers if is_labelled_layer(layer)]
        if layers:
            self.addSeparator()
        for layer in layers:
            self.addAction(f"Layer: {layer.name}", partial(self.use_layer, layer))

    def open(self, path: str | Path) -> None:
        """Read a file or folder."""
        self._worker = create_worker(read_labels, path, _start_thread=False, _ignore_errors=True)
        self._worker.returned.connect(partial(self._on_read, str(path)))
        self._worker.errored.connect(self._on_error)
        self._worker.start()
        self.began.emit(Path(path).name)

    def use_layer(self, layer: Any) -> None:
        """Use the labels of a Points layer."""
        folder = Path(tempfile.mkdtemp(dir=self._folder.name))
        try:
            self._on_read(f"layer {layer.name}", labels_of_layer(self._viewer, layer, folder))
        except SuperAnimalError as error:
            self._on_error(error)

    def release(self) -> None:
        """Stop the thread and remove temporary images."""
        if self._worker is not None:
            self._worker.returned.disconnect()
            self._worker.errored.disconnect()
            self._worker = None
        self._folder.cleanup()

    def _ask_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self.parentWidget(), "Open labelled data", "", FILES)
        if path:
            self.open(path)

    def _ask_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self.parentWidget(), "Open a project or folder with labels")
        if path:
            self.open(path)

    def _on_read(self, source: str, labels: Any) -> None:
        self._worker = None
        if labels.labelled.any():
            self.read.emit(labels, source)
        else:
            self.failed.emit(InputError(f"{source}: no point is labelled", "there is nothing to match"))

    def _on_error(self, error: Exception) -> None:
        self._worker = None
        known = isinstance(error, SuperAnimalError)
        self.failed.emit(error if known else InputError(f"the labels cannot be read: {error}"))
