"""The dialog that asks where, and as what, poses are saved."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_superanimal.console import save
from napari_superanimal.widgets.parts import Message
from superanimal.formats import LossWarning

#: Format, title and suffix, in the order of the dialog; the first is the default.
FORMATS = (
    ("dlc-h5", "DeepLabCut h5", ".h5"),
    ("dlc-csv", "DeepLabCut csv", ".csv"),
    ("movement", "movement netCDF", ".nc"),
    ("slp", "SLEAP", ".slp"),
    ("coco", "COCO key points", ".json"),
    ("nwb", "NWB (ndx-pose)", ".nwb"),
    ("csv", "Tidy csv, one point per row", ".csv"),
)


def save_dialog(layer: Any, parent: QWidget, message: Message) -> None:
    """Ask for a file and a format, save the poses of a layer; say where, and what was lost."""
    filters = {f"{title} (*{suffix})": (name, suffix) for name, title, suffix in FORMATS}
    start = f"{layer.name}{FORMATS[0][2]}"
    chosen, filter_ = QFileDialog.getSaveFileName(parent, "Save poses", start, ";;".join(filters))
    if not chosen:
        return
    name, suffix = filters.get(filter_, FORMATS[0][::2])
    path = Path(chosen)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LossWarning)
        files = save(layer, path if path.suffix else path.with_suffix(suffix), format=name)
    lost = [str(warning.message) for warning in caught if issubclass(warning.category, LossWarning)]
    text = "Saved " + ", ".join(str(file) for file in files)
    message.show_text("warning" if lost else "good", text, "\n".join(lost))
