"""Which model, with which weights: the catalogue, downloads, and networks ready to be asked.

The public names are loaded on first use, so that looking at the catalogue does not load torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from superanimal.zoo.catalog import Catalog, get_entry, load_catalog, resolve_detector
    from superanimal.zoo.detector_model import DetectorModel
    from superanimal.zoo.entry import HeadSpec, Licence, ModelEntry
    from superanimal.zoo.hub import download
    from superanimal.zoo.importing import import_model
    from superanimal.zoo.load import load_detector, load_pose_model
    from superanimal.zoo.pose_model import PoseModel

_PUBLIC = {
    "Catalog": "catalog",
    "DetectorModel": "detector_model",
    "HeadSpec": "entry",
    "Licence": "entry",
    "ModelEntry": "entry",
    "PoseModel": "pose_model",
    "download": "hub",
    "get_entry": "catalog",
    "import_model": "importing",
    "load_catalog": "catalog",
    "load_detector": "load",
    "load_pose_model": "load",
    "resolve_detector": "catalog",
}

__all__ = [
    "Catalog",
    "DetectorModel",
    "HeadSpec",
    "Licence",
    "ModelEntry",
    "PoseModel",
    "download",
    "get_entry",
    "import_model",
    "load_catalog",
    "load_detector",
    "load_pose_model",
    "resolve_detector",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'superanimal.zoo' has no attribute {name!r}")
    return getattr(import_module(f"superanimal.zoo.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
