"""The command File > IO Utilities > Open video..."""

from __future__ import annotations

from pathlib import Path

import napari
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_superanimal.console import open_video
from superanimal.errors import SuperAnimalError
from superanimal.video.open import VIDEO_SUFFIXES


def open_video_dialog(viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
    """Ask for video files and open them with lazily decoded frames."""
    pattern = " ".join(f"*{suffix}" for suffix in sorted(VIDEO_SUFFIXES))
    paths, _ = QFileDialog.getOpenFileNames(parent, "Open video", "", f"Videos ({pattern});;All files (*)")
    for path in paths:
        try:
            open_video(viewer, Path(path))
        except SuperAnimalError as error:
            napari.utils.notifications.show_error(error.text("viewer"))
