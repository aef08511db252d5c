"""Formats read through sleap-io: JABS, AlphaTracker, LEAP, Ultralytics and others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from superanimal.formats.describe import unknown_file
from superanimal.labels.labelled_set import LabelledSet
from superanimal.labels.reading.from_sleap_io import from_labels


def read(
    path: Path,
    *,
    images: str | os.PathLike[str] | None = None,
    name: str | None = None,
    min_confidence: float | None = None,
) -> LabelledSet:
    """Read labels through sleap-io.

    Raises
    ------
    FormatError
        When sleap-io does not recognise the file either.
    """
    import sleap_io

    from superanimal.labels.reading import READABLE

    try:
        labels: Any = sleap_io.load_file(os.fspath(path))
    except Exception as error:  # each of its readers raises its own errors
        raise unknown_file(path, READABLE) from error
    folder = Path(images) if images else None
    return from_labels(labels, path, folder, name or path.stem, min_confidence)
