"""Video in, poses out: detector, crops, networks, decoding, identities, run stores.

Names are loaded on first use: reading a run store needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from superanimal.inference.analyzer import Analysis, Analyzer, analyze
    from superanimal.inference.sources import find_videos
    from superanimal.poses.run_store import RunStore, is_store

_PUBLIC = {
    "Analysis": "superanimal.inference.analyzer",
    "Analyzer": "superanimal.inference.analyzer",
    "RunStore": "superanimal.poses.run_store",
    "analyze": "superanimal.inference.analyzer",
    "find_videos": "superanimal.inference.sources",
    "is_store": "superanimal.poses.run_store",
}

__all__ = ["Analysis", "Analyzer", "RunStore", "analyze", "find_videos", "is_store"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'superanimal.inference' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
