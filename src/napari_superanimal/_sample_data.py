"""File > Open Sample: two short videos rendered by this project, with their exact poses."""

from __future__ import annotations

from typing import Any

LayerData = tuple[Any, dict[str, Any], str]


def topview_mouse() -> list[LayerData]:
    """Return a synthetic top-view mouse and its 27 true keypoints."""
    return _sample("topview_mouse")


def sideview_horse() -> list[LayerData]:
    """Return a synthetic side-view horse, its true keypoints, and a ring around each hoof in stance."""
    video, truth = _sample("sideview_horse")
    return [video, _hoof_contacts(), truth]


def _sample(name: str) -> list[LayerData]:
    from napari_superanimal._reader import read_poses, read_videos
    from napari_superanimal.pose_layer.layers import TABLE_KEY
    from superanimal.samples import sample_path

    video = read_videos(str(sample_path(f"{name}.mp4")))
    ((data, keywords, kind),) = read_poses(str(sample_path(f"{name}_truth.h5")))
    keywords["name"] = f"{name} truth"
    keywords["metadata"][TABLE_KEY].journal = None  # edits to a sample are not kept
    return [*video, (data, keywords, kind)]


def _hoof_contacts() -> LayerData:
    """Return rings (frame, y, x) around the hooves during stance; the stances are in the metadata."""
    import numpy as np
    import pandas as pd

    from superanimal.formats import load_poses
    from superanimal.samples import sample_path

    stances = pd.read_csv(sample_path("sideview_horse_contacts.csv"))
    position = load_poses(sample_path("sideview_horse_truth.h5"))["position"].isel(individual=0)
    rings, hooves = [], []
    first = np.ceil(stances["touchdown_frame"].to_numpy()).astype(int)
    last = np.floor(stances["liftoff_frame"].to_numpy()).astype(int)
    for foot, start, stop in zip(stances["foot"], first, last + 1, strict=True):
        yx = position.sel(keypoint=f"{foot}_paw", space=["y", "x"]).transpose("time", "space").values
        rings.append(np.column_stack([np.arange(start, stop), yx[start:stop]]))
        hooves += [foot] * (stop - start)
    keywords = {
        "name": "sideview_horse hoof contacts",
        "features": pd.DataFrame({"hoof": pd.Categorical(hooves)}),
        "symbol": "ring",
        "size": 18,
        "face_color": "white",
        "border_width": 0,
        "metadata": {"contacts": stances},
        "axis_labels": ("frame", "y", "x"),
    }
    return np.concatenate(rings), keywords, "points"
