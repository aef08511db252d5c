"""The dialog for saving poses to a file of a chosen format."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Protocol

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_superanimal._writer import write
from napari_superanimal.pose_layer.layers import plain_name, table_of
from superanimal.errors import StorageError
from superanimal.formats import LossWarning
from superanimal.samples import SAMPLE_FOLDER

#: Format, title and suffix, in the order of the dialog; the first is the default.
FORMATS = (
    ("dlc-h5", "DeepLabCut h5", ".h5"),
    ("dlc-csv", "DeepLabCut csv", ".csv"),
    ("movement", "movement netCDF", ".nc"),
    ("slp", "SLEAP", ".slp"),
    ("coco", "COCO keypoints", ".json"),
    ("nwb", "NWB (ndx-pose)", ".nwb"),
    ("nwb-per-animal", "NWB (ndx-pose), one file per animal", ".nwb"),
    ("csv", "Tidy csv, one point per row", ".csv"),
)


class Teller(Protocol):
    """Shows the outcome of saving, such as :class:`~napari_superanimal.parts.form_parts.Message`."""

    def show_text(self, kind: str, text: str, remedy: str = "") -> None:
        """Show a message of kind "good" or "warning"."""


def save_dialog(layer: Any, parent: QWidget, message: Teller) -> list[Path]:
    """Ask for a file and format, save the poses of a layer; report the files and any losses.

    Returns
    -------
    list of Path
        Written files; empty if the user cancelled.

    Raises
    ------
    SuperAnimalError
        When the poses could not be saved.
    """
    filters = {f"{title} (*{suffix})": (name, suffix) for name, title, suffix in FORMATS}
    start = str(folder_of(layer) / f"{plain_name(layer)}{FORMATS[0][2]}")
    chosen, filter_ = QFileDialog.getSaveFileName(parent, "Save poses", start, ";;".join(filters))
    if not chosen:
        return []
    path, name = target_of(Path(chosen), *filters.get(filter_, FORMATS[0][::2]))
    if path != Path(chosen) and path.exists():  # the dialog asked about a different name
        raise StorageError(
            f"{path} already exists",
            remedy="select it in the list of files to replace it, or choose another name",
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LossWarning)
        files = write(path, layer, layer.name, layer.metadata, name)
    lost = []
    for warning in caught:
        if issubclass(warning.category, LossWarning):
            lost.append(str(warning.message))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    text = "Saved " + ", ".join(str(file) for file in files)
    message.show_text("warning" if lost else "good", text, "\n".join(lost))
    return files


def target_of(chosen: Path, name: str, suffix: str) -> tuple[Path, str]:
    """Return the file to write and its format, from the typed name and the chosen format.

    The ending of another listed format overrides the choice; any other dot is part of the name.
    """
    if chosen.suffix.lower() == suffix:
        return chosen, name
    for other, _, ending in FORMATS:
        if chosen.suffix.lower() == ending:
            return chosen, other
    return chosen.with_name(chosen.name + suffix), name


def folder_of(layer: Any) -> Path:
    """Return the folder of the source file of the poses, or of their video, else the current folder.

    Nothing is saved beside the samples, which lie within the package.
    """
    attrs = table_of(layer).template.attrs
    for path in (layer.source.path, attrs.get("source_file"), attrs.get("video_path")):
        if path and is_own_file(Path(path)):
            return Path(path).parent
    return Path()


def is_own_file(path: Path) -> bool:
    """Return whether a file of the user is meant, whose folder is there, and not a sample of the package."""
    return path.is_absolute() and path.parent.is_dir() and path.parent != SAMPLE_FOLDER
