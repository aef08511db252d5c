"""SuperAnimal in napari. Every button of the widgets has a function of the same name here, for the console.

>>> from napari_superanimal import open_video, estimate_poses
>>> open_video(viewer, "clip.mp4")
>>> run = estimate_poses(viewer, model="mini_topviewmouse")
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "layer_to_poses": "layers",
    "poses_to_layer": "layers",
    **dict.fromkeys(
        (
            "open_video",
            "estimate_poses",
            "match_keypoints",
            "train",
            "cancel",
            "resume",
            "show_poses",
            "save",
            "color_by",
            "set_confidence_cutoff",
            "set_point_size",
            "show_skeleton",
            "show_boxes",
            "show_trails",
            "show_names",
            "undo",
            "redo",
        ),
        "console",
    ),
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'napari_superanimal' has no attribute {name!r}")
    return getattr(import_module(f"napari_superanimal.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
