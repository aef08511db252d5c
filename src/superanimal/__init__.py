"""SuperAnimal: animal poses from video without labels.

The public names below are loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "analyze": "superanimal.inference",
    "evaluate": "superanimal.training.evaluate",
    "load_poses": "superanimal.formats",
    "load_space": "superanimal.poses",
    "open_video": "superanimal.video",
    "save_poses": "superanimal.formats",
}

__all__ = ["analyze", "evaluate", "load_poses", "load_space", "open_video", "save_poses"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'superanimal' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
