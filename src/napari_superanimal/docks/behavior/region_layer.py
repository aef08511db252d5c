"""Regions and arena of the picture: a Shapes layer that the user draws, with a name for each shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_superanimal.pose_layer.drawn_shapes import draw, drawn_layer
from napari_superanimal.pose_layer.transforms import in_pixels
from superanimal.behavior.measures.regions import ARENA, Regions, regions_from_shapes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Points, Shapes

REGIONS = "regions"
"""Name of the layer."""
NAME = "region"
"""The feature that names each shape: it goes where its shape goes."""


def draw_regions(viewer: ViewerModel, poses: Points) -> Shapes:
    """Let the user draw regions; the layer for them is made when it does not exist."""
    layer = draw(viewer, poses, REGIONS, face_color="transparent")
    layer.mode = "add_polygon" if len(layer.data) else "add_rectangle"
    return layer


def region_layer(viewer: ViewerModel) -> Shapes | None:
    """Return the layer of the regions, None without one."""
    return drawn_layer(viewer, REGIONS)


def names_of(layer: Shapes | None) -> list[str]:
    """Return the name of each shape; those without one are given ``arena``, ``region 1``, ...

    A shape that was drawn or pasted while another was selected has that one's name: it gets its own.
    """
    if layer is None:
        return []
    kept = list(layer.features[NAME]) if NAME in layer.features else []
    given = [str(name) if isinstance(name, str) else "" for name in kept]
    given += [""] * (len(layer.data) - len(given))
    names: list[str] = []
    for number, name in enumerate(given):
        if not name or name in names:
            free = [ARENA] if not number else [f"region {k}" for k in range(1, len(given) + 1)]
            taken = {*names, *given}
            name = next((each for each in free if each not in taken), f"shape {number + 1}")
        names.append(name)
    if names != kept:
        set_names(layer, names)
    return names


def set_names(layer: Shapes, names: Sequence[str]) -> None:
    """Name the shapes of the layer, in the order in which they lie in it."""
    layer.features = layer.features.assign(**{NAME: np.array(list(names), dtype=object)})
    layer.feature_defaults = {NAME: ""}  # the next shape is not called like the one that was selected


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
