"""Identities of the animals of a pose layer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from napari_superanimal.console.find import poses_of

if TYPE_CHECKING:
    import xarray as xr
    from napari.components import ViewerModel
    from napari.layers import Points


def track_poses(
    viewer: ViewerModel,
    poses: Points | str | None = None,
    *,
    max_individuals: int = 2,
    video: str | os.PathLike[str] | None = None,
) -> Points:
    """Show the poses of a layer with identities that last, as a new layer.

    Parameters
    ----------
    viewer
        The viewer.
    poses
        Pose layer, or its name; the only one when None. Names of corrected points are kept.
    max_individuals
        Greatest number of animals.
    video
        File of the video, to tell animals apart by colour and brightness.

    Returns
    -------
    Points
        The new layer, coloured by individual; the other is left as it is.

    Raises
    ------
    InputError
        When there is no such layer, or the poses cannot be tracked, see ``superanimal.track``.
    """
    from napari_superanimal.pose_layer.layers import layer_to_poses
    from superanimal.tracking import track

    layer = poses_of(viewer, poses)
    return show_tracked(viewer, layer, track(layer_to_poses(layer), max_individuals, video=video))


def show_tracked(viewer: ViewerModel, layer: Points, tracked: xr.Dataset) -> Points:
    """Show what ``superanimal.track`` made of a pose layer, as a new layer, coloured by individual."""
    from napari_superanimal.console.display import show_poses

    name = layer.name if layer.name.endswith("tracked") else f"{layer.name} tracked"
    return show_poses(viewer, tracked, name=name, color_by="individual")
