"""Whose "snout" is my "nose"? Labelled data sets, conversion tables, merging into one keypoint space.

Names are loaded on first use, so importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "ImageRef": "superanimal.keypoints.images",
    "LabelledSet": "superanimal.keypoints.labelled",
    "concatenate": "superanimal.keypoints.combine",
    "from_poses": "superanimal.keypoints.labelled",
    "read_labels": "superanimal.keypoints.reading",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'superanimal.keypoints' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
