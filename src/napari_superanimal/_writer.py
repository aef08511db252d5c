"""Writers for File > Save selected layers and ``viewer.layers.save``: one per format, to the path that was
chosen.
"""

from __future__ import annotations

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
    """Write a pose layer as COCO key points."""
    return _write(path, data, meta, "coco")


def write_nwb(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a pose layer as NWB with ndx-pose."""
    return _write(path, data, meta, "nwb")


def write_csv(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a pose layer as a table with one point per row."""
    return _write(path, data, meta, "csv")


def _write(path: str, data: Any, meta: dict[str, Any], format_name: str) -> list[str]:
    from napari_superanimal.pose_layer.layers import layer_to_poses
    from superanimal.formats import save_poses

    poses = layer_to_poses((data, meta, "points"))
    return [str(file) for file in save_poses(poses, path, format=format_name)]
