"""The training store as a labelled data set."""

from __future__ import annotations

from pathlib import Path

from superanimal.labels.labelled_set import LabelledSet
from superanimal.labels.writing.store import read_store


def read(path: Path, *, name: str | None = None) -> LabelledSet:
    """Read a ``.labels.zarr``."""
    labelled = read_store(path)
    return labelled.with_columns(name=name) if name else labelled
