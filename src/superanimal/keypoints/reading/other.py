"""What sleap-io reads and we do not: JABS, AlphaTracker, LEAP, Ultralytics, and more to come."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from superanimal.errors import FormatError, option
from superanimal.keypoints.labelled import LabelledSet
from superanimal.keypoints.reading.from_sleap_io import from_labels


def read(path: Path, *, images: str | os.PathLike[str] | None = None, name: str | None = None) -> LabelledSet:
    """Read labels through sleap-io.

    Raises
    ------
    FormatError
        When sleap-io does not know the file either.
    """
    import sleap_io

    try:
        labels: Any = sleap_io.load_file(os.fspath(path))
    except Exception as error:  # each of its readers raises its own kinds
        raise FormatError(
            f"{path}: not recognised as labels ({type(error).__name__}: {error})",
            "readable are DeepLabCut, Lightning Pose, COCO, SLEAP, Label Studio, NWB, tables with a column "
            "'image', and what sleap-io reads",
            f"if you know what it is, name it{option('format')}",
        ) from error
    return from_labels(labels, path, Path(images) if images else None, name or path.stem)
