"""What did a person label? Labelled data sets: reading, writing, splits, contact sheets.

Names are loaded on first use, so importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "ImageRef": "superanimal.labels.images",
    "LabelledSet": "superanimal.labels.labelled_set",
    "concatenate": "superanimal.labels.combine",
    "contact_sheet": "superanimal.labels.sheet",
    "from_poses": "superanimal.labels.labelled_set",
    "materialize": "superanimal.labels.writing",
    "read_labels": "superanimal.labels.reading",
    "synthetic_labels": "superanimal.labels.synthetic",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'superanimal.labels' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
