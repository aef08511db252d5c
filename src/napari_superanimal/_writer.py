"""Writers for File > Save selected layers and ``viewer.layers.save``, one per format."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def write_dlc_h5(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a pose layer as DeepLabCut h5."""
    return _write(path, data, meta, "dlc-h5")


def write_dlc_csv(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a pose layer as DeepLabCut csv."""
    return _write(path, data, meta, "dlc-csv")


def write_movement(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a pose layer as movement netCDF."""
    return _write(path, data, meta, "movement")


def write_slp(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a pose layer as SLEAP slp."""
    return _write(path, data, meta, "slp")


def write_coco(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a pose layer as COCO keypoints."""
    return _write(path, data, meta, "coco")


def write_nwb(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a pose layer as NWB with ndx-pose."""
    return _write(path, data, meta, "nwb")


def write_nwb_per_animal(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a pose layer as one NWB file per animal, named after the animal."""
    return _write(path, data, meta, "nwb-per-animal")


def write_csv(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a pose layer as a table with one point per row."""
    return _write(path, data, meta, "csv")


def write(
    path: str | os.PathLike[str], layer: Any, name: str, metadata: dict[str, Any], format_name: str | None
) -> list[Path]:
    """Write a layer, or its data, as a pose file; its corrections then count as saved.

    Poses on an image stack get the names of its images, if the format can hold them.

    Parameters
    ----------
    path
        File to write.
    layer
        A Points layer, or napari layer data.
    name, metadata
        Name and metadata of the layer.
    format_name
        Name of the format; derived from the path when None.
    """
    import napari

    from napari_superanimal.pose_layer.layers import TABLE_KEY, layer_to_poses
    from napari_superanimal.pose_layer.stacks import with_image_names
    from superanimal.formats import save_poses
    from superanimal.formats.registry import format_for

    poses = layer_to_poses(layer)
    chosen = format_for(path, format_name)
    if "image" in chosen.keeps:
        poses = with_image_names(poses, napari.current_viewer(), name)
    files = save_poses(poses, path, format=chosen.name)
    if TABLE_KEY in metadata:
        metadata[TABLE_KEY].saved(files)
    return files


def _write(path: str, data: Any, meta: dict[str, Any], format_name: str) -> list[str]:
    name, metadata = meta.get("name", ""), meta.get("metadata", {})
    return [str(file) for file in write(path, (data, meta, "points"), name, metadata, format_name)]
