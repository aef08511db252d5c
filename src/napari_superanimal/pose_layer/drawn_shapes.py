"""Shapes that a user draws over the poses: a layer for each purpose, made when it is first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_superanimal.pose_layer.transforms import copy_transform

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Points, Shapes

COLOR = "#f0e442"


def drawn_layer(viewer: ViewerModel, name: str) -> Shapes | None:
    """Return the layer of shapes of that name, None without one."""
    from napari.layers import Shapes

    found = [layer for layer in viewer.layers if layer.name == name and isinstance(layer, Shapes)]
    return found[-1] if found else None


def draw(viewer: ViewerModel, poses: Points, name: str, **style: Any) -> Shapes:
    """Show the layer of that name, for the user to draw in; it lies over the poses and is made if missing.

    Parameters
    ----------
    viewer, poses
        The viewer, and the layer of the poses.
    name
        Name of the layer.
    **style
        Of a new layer, as for ``viewer.add_shapes``.
    """
    layer = drawn_layer(viewer, name)
    if layer is None:
        width = max(1.0, float(poses.current_size) / 4)
        layer = viewer.add_shapes(ndim=2, name=name, edge_color=COLOR, edge_width=width, **style)
        copy_transform(poses, layer)
    layer.visible = True
    viewer.layers.selection.active = layer
    return layer
