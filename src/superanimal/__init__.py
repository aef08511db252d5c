"""SuperAnimal: animal poses from video without labels.

The public names below are loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "analyze": "superanimal.inference",
    "calibrate": "superanimal.keypoints",
    "evaluate": "superanimal.evaluation",
    "finetune": "superanimal.training.finetuning.finetune",
    "load_poses": "superanimal.formats",
    "load_space": "superanimal.poses",
    "match": "superanimal.keypoints",
    "open_video": "superanimal.video",
    "save_poses": "superanimal.formats",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'superanimal' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
