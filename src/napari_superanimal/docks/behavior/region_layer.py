"""Regions and arena of the picture: a Shapes layer that the user draws, with a name for each shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_superanimal.pose_layer.transforms import copy_transform, in_pixels
from superanimal.behavior.measures.regions import ARENA, Regions, regions_from_shapes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Points, Shapes

REGIONS = "regions"
"""Name of the layer."""
COLOR = "#f0e442"
NAMES = "names"
"""Where the layer's metadata keep the names of its shapes."""


def draw_regions(viewer: ViewerModel, poses: Points) -> Shapes:
    """Let the user draw regions; the layer for them is made when it does not exist."""
    layer = region_layer(viewer)
    if layer is None:
        layer = viewer.add_shapes(
            ndim=2, name=REGIONS, edge_color=COLOR, face_color="transparent",
            edge_width=max(1.0, float(poses.current_size) / 4),
        )  # fmt: skip
        copy_transform(poses, layer)
    layer.visible = True
    viewer.layers.selection.active = layer
    layer.mode = "add_polygon" if len(layer.data) else "add_rectangle"
    return layer


def region_layer(viewer: ViewerModel) -> Shapes | None:
    """Return the layer of the regions, None without one."""
    from napari.layers import Shapes

    found = [layer for layer in viewer.layers if layer.name == REGIONS and isinstance(layer, Shapes)]
    return found[-1] if found else None


def names_of(layer: Shapes | None) -> list[str]:
    """Return the name of each shape: ``arena``, ``region 1``, ... unless it was named."""
    if layer is None:
        return []
    given = list(layer.metadata.get(NAMES, []))[: len(layer.data)]
    for number in range(len(given), len(layer.data)):
        free = [ARENA] if not number else [f"region {k}" for k in range(1, number + 2)]
        given.append(next((name for name in free if name not in given), f"shape {number + 1}"))
    return given


def set_names(layer: Shapes, names: Sequence[str]) -> None:
    """Name the shapes of the layer, in the order in which they were drawn."""
    layer.metadata[NAMES] = list(names)


def regions_of(viewer: ViewerModel, poses: Points) -> Regions | None:
    """Return the drawn regions in pixels of the poses, None when nothing is drawn.

    Raises
    ------
    InputError
        When two have the same name.
    """
    layer = region_layer(viewer)
    if layer is None or not len(layer.data):
        return None
    names = names_of(layer)
    corners = [np.array([in_pixels(layer, poses, corner) for corner in shape]) for shape in layer.data]
    kinds = [str(kind) for kind in layer.shape_type]
    return regions_from_shapes(corners, kinds, names, arena=ARENA if ARENA in names else None)
