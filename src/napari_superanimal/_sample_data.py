"""File > Open Sample: two short videos rendered by this project, with their exact poses."""

from __future__ import annotations

from typing import Any

LayerData = tuple[Any, dict[str, Any], str]


def topview_mouse() -> list[LayerData]:
    """Return a synthetic top-view mouse and its true 27 key points."""
    return _sample("topview_mouse")


def sideview_horse() -> list[LayerData]:
    """Return a synthetic side-view horse, its true key points; its hoof contacts are in the metadata."""
    return _sample("sideview_horse")


def _sample(name: str) -> list[LayerData]:
    from superanimal.samples import sample_path

    from napari_superanimal._reader import read_poses, read_videos

    video = read_videos(str(sample_path(f"{name}.mp4")))
    ((data, keywords, kind),) = read_poses(str(sample_path(f"{name}_truth.h5")))
    keywords["name"] = f"{name} truth"
    return [*video, (data, keywords, kind)]
