"""Whose "snout" is my "nose"? Conversion tables, matching, merging into one keypoint space.

Names are loaded on first use, so importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "Conversion": "superanimal.keypoints.convert",
    "ConversionTable": "superanimal.keypoints.conversion_table",
    "KeypointMapping": "superanimal.keypoints.mapping",
    "Matching": "superanimal.keypoints.matching.match",
    "Merged": "superanimal.keypoints.merge",
    "Pair": "superanimal.keypoints.matching.match",
    "Split": "superanimal.keypoints.merge",
    "calibrate": "superanimal.keypoints.matching.offsets",
    "check_space": "superanimal.keypoints.spaces",
    "check_table": "superanimal.keypoints.conversion_table",
    "draft_table": "superanimal.keypoints.conversion_table",
    "extend_space": "superanimal.keypoints.spaces",
    "load_table": "superanimal.keypoints.conversion_table",
    "match": "superanimal.keypoints.matching.match",
    "match_predictions": "superanimal.keypoints.matching.match",
    "project": "superanimal.keypoints.projection",
    "find_prefixes": "superanimal.keypoints.prefixes",
    "save_space": "superanimal.keypoints.spaces",
    "save_table": "superanimal.keypoints.conversion_table",
    "split_prefixes": "superanimal.keypoints.prefixes",
    "table_from_mapping": "superanimal.keypoints.conversion_table",
    "union_space": "superanimal.keypoints.spaces",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'superanimal.keypoints' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
