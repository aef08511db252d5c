"""Where a DeepLabCut project keeps its configuration, its labels and the labelled images."""

from __future__ import annotations

from pathlib import Path

CONFIG = "config.yaml"
"""Configuration of a project, in its root folder."""
LABELED_DATA = "labeled-data"
"""Folder of the project with one folder of images and labels per video."""
TABLE = "CollectedData"
"""What the names of label tables start with; ``_<scorer>`` follows."""
PREFIX = f"{TABLE}_"
LABEL_FILES = (CONFIG, f"{TABLE}*.h5", f"{TABLE}*.csv")
"""Patterns of the files that stand for labels."""
_KEYS = {"Task", "scorer", "video_sets", "project_path"}
_LARGEST = 2**22


def is_project(config: Path) -> bool:
    """Return whether a file is the configuration of a DeepLabCut project."""
    if not config.is_file() or config.stat().st_size > _LARGEST:
        return False
    try:  # DeepLabCut writes Windows' code page
        lines = config.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return False
    keys = {line.split(":", 1)[0] for line in lines if ":" in line and not line.startswith((" ", "#", "-"))}
    return len(keys & _KEYS) >= 3


def has_tables(folder: Path) -> bool:
    """Return whether a folder or one of its folders holds a table of labels."""
    return any((*folder.glob(f"{TABLE}*"), *folder.glob(f"*/{TABLE}*")))
