"""Which pixels are frame *k*? Exact random access to videos, image folders, TIFF stacks and zarr arrays.

Names are loaded on first use, so importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from superanimal.video.base import Video, VideoWarning
    from superanimal.video.open import IMAGE_SUFFIXES, VIDEO_SUFFIXES, open_video
    from superanimal.video.overlay import render_overlay
    from superanimal.video.writer import VideoWriter

_PUBLIC = {
    "IMAGE_SUFFIXES": "superanimal.video.open",
    "VIDEO_SUFFIXES": "superanimal.video.open",
    "Video": "superanimal.video.base",
    "VideoWarning": "superanimal.video.base",
    "VideoWriter": "superanimal.video.writer",
    "open_video": "superanimal.video.open",
    "render_overlay": "superanimal.video.overlay",
}

__all__ = [
    "IMAGE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "Video",
    "VideoWarning",
    "VideoWriter",
    "open_video",
    "render_overlay",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'superanimal.video' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
