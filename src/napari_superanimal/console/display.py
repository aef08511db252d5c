"""Pose layers: how they look, undo, saving."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_superanimal.console.find import view_of

if TYPE_CHECKING:
    import xarray as xr
    from napari.components import ViewerModel
    from napari.layers import Points


def show_poses(
    viewer: ViewerModel,
    poses: xr.Dataset,
    *,
    name: str = "poses",
    cutoff: float = 0.0,
    color_by: str = "keypoint",
    size: float | None = None,
    dense_limit: int = 2_000_000,
    skeleton: bool = True,
) -> Points:
    """Add poses as a layer, with their skeleton.

    Parameters
    ----------
    viewer
        The viewer.
    poses
        The pose data set.
    name
        Name of the layer.
    cutoff
        Points below this confidence are hidden.
    color_by
        "keypoint", "individual" or "confidence".
    size
        Diameter in pixels of the video; by default chosen from the size of the animals.
    dense_limit
        Number of rows above which the layer holds only the current frame.
    skeleton
        Whether the skeleton is drawn.

    Raises
    ------
    InputError
        When the colouring is unknown.
    """
    from napari_superanimal.pose_layer.layers import poses_to_layer
    from napari_superanimal.pose_layer.playback import attach

    layer = poses_to_layer(
        poses, name=name, cutoff=cutoff, color_by=color_by, size=size, dense_limit=dense_limit
    )
    viewer.layers.append(layer)
    view = attach(viewer, layer)
    view.cutoff, view.color_by = cutoff, color_by
    if skeleton:
        view.show_overlay("skeleton")
    return layer


def save(layer: Points, path: str | os.PathLike[str], format: str | None = None) -> list[Path]:
    """Save the poses of a layer with all edits; the format is derived from the suffix when None."""
    from napari_superanimal._writer import write

    return write(path, layer, layer.name, layer.metadata, format)


def color_by(viewer: ViewerModel, layer: Points, by: str) -> None:
    """Colour the points of a pose layer by "keypoint", "individual" or "confidence"."""
    view_of(viewer, layer).set_color_by(by)


def set_confidence_cutoff(viewer: ViewerModel, layer: Points, cutoff: float) -> None:
    """Hide points below a confidence, except points placed by a person."""
    view_of(viewer, layer).set_cutoff(cutoff)


def set_point_size(viewer: ViewerModel, layer: Points, size: float | None = None) -> None:
    """Set the diameter of points in pixels of the video; None chooses one from the size of the animals."""
    view_of(viewer, layer).set_point_size(size)


def show_skeleton(viewer: ViewerModel, layer: Points, show: bool = True) -> None:
    """Show or hide the skeleton of a pose layer."""
    view_of(viewer, layer).show_overlay("skeleton", show)


def show_boxes(viewer: ViewerModel, layer: Points, show: bool = True) -> None:
    """Show or hide the bounding boxes of a pose layer."""
    view_of(viewer, layer).show_overlay("boxes", show)


def show_trails(
    viewer: ViewerModel,
    layer: Points,
    show: bool = True,
    *,
    length: int | None = None,
    keypoints: list[str] | None = None,
) -> None:
    """Show or hide trails over the last ``length`` frames, for some keypoints (all when None)."""
    options: dict[str, Any] = {}
    if show and (length is not None or keypoints is not None):
        options = {"length": length or 25, "keypoints": keypoints}
    view_of(viewer, layer).show_overlay("trails", show, **options)


def show_names(viewer: ViewerModel, layer: Points, show: bool = True) -> None:
    """Show or hide the names of the keypoints of a pose layer."""
    view_of(viewer, layer).names.show(show)


def undo(viewer: ViewerModel, layer: Points) -> None:
    """Undo the latest edit of a pose layer."""
    view_of(viewer, layer).editing.undo()


def redo(viewer: ViewerModel, layer: Points) -> None:
    """Redo the edit of a pose layer that was undone last."""
    view_of(viewer, layer).editing.redo()
