"""Folder and name of a fine-tuned model."""

from __future__ import annotations

import os
import re
from pathlib import Path

from superanimal.training.finetuning.run_folder import holds_run


def propose_folder(source: str, labels: str, model: str, method: str) -> Path:
    """Return a folder for a new run: beside the labels, or in the home folder if that is not writable.

    Parameters
    ----------
    source
        File or folder of the labels, or of the video they belong to.
    labels, model, method
        Names.
    """
    place = Path(source) if Path(source).is_dir() else Path(source).parent
    if not place.is_dir() or not os.access(place, os.W_OK):
        place = Path.home()
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", f"{labels}_{model}_{method}").strip("._-")
    return free_folder(place / "trained" / name)


def free_folder(folder: Path) -> Path:
    """Return the folder, with a number appended if it already holds a run."""
    free, number = folder, 1
    while holds_run(free):
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free
