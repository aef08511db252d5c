"""Whose "snout" is my "nose"? Labelled data sets, conversion tables, merging into one keypoint space.

Names are loaded on first use, so importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "Calibration": "superanimal.poses.calibration",
    "Conversion": "superanimal.keypoints.converting",
    "ConversionTable": "superanimal.keypoints.conversion",
    "ImageRef": "superanimal.keypoints.images",
    "KeypointMapping": "superanimal.keypoints.mapping",
    "LabelledSet": "superanimal.keypoints.labelled",
    "Matching": "superanimal.keypoints.matching",
    "Merged": "superanimal.keypoints.merging",
    "Pair": "superanimal.keypoints.matching",
    "Split": "superanimal.keypoints.merging",
    "calibrate": "superanimal.keypoints.calibrating",
    "check_space": "superanimal.keypoints.spaces",
    "check_table": "superanimal.keypoints.conversion",
    "concatenate": "superanimal.keypoints.combine",
    "contact_sheet": "superanimal.keypoints.sheet",
    "convert": "superanimal.keypoints.converting",
    "draft_table": "superanimal.keypoints.conversion",
    "extend_space": "superanimal.keypoints.spaces",
    "from_poses": "superanimal.keypoints.labelled",
    "load_calibration": "superanimal.poses.calibration",
    "load_table": "superanimal.keypoints.conversion",
    "match": "superanimal.keypoints.matching",
    "match_predictions": "superanimal.keypoints.matching",
    "materialize": "superanimal.keypoints.writing",
    "merge": "superanimal.keypoints.merging",
    "predict_images": "superanimal.keypoints.predicting",
    "project": "superanimal.keypoints.projection",
    "find_prefixes": "superanimal.keypoints.prefixes",
    "read_labels": "superanimal.keypoints.reading",
    "save_space": "superanimal.keypoints.spaces",
    "save_table": "superanimal.keypoints.conversion",
    "split_prefixes": "superanimal.keypoints.prefixes",
    "table_from_mapping": "superanimal.keypoints.conversion",
    "synthetic_labels": "superanimal.keypoints.synthetic",
    "union_space": "superanimal.keypoints.spaces",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'superanimal.keypoints' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
