"""Which model, with which weights: the catalogue, downloads, and networks ready to be asked."""

from __future__ import annotations

from superanimal.zoo.catalog import Catalog, get_entry, load_catalog, resolve_detector
from superanimal.zoo.detector_model import DetectorModel
from superanimal.zoo.entry import HeadSpec, Licence, ModelEntry
from superanimal.zoo.hub import download
from superanimal.zoo.importing import import_model
from superanimal.zoo.load import load_detector, load_pose_model
from superanimal.zoo.pose_model import PoseModel

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
