"""Workarounds for two problems of vispy (0.17) and napari (0.9) with the graphics of layers.

napari has no public access to its canvas and visuals: if they have moved, the functions do nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Vectors


def keep_program(viewer: ViewerModel, vectors: Vectors) -> bool:
    """Make the mesh of a layer keep its program when its data change; return whether that worked.

    vispy inserts a new colour function into the program of a mesh whenever its data change, and therefore
    compiles and links the program at every frame change (``MeshVisual._build_color_transform``). The function
    is always the same for a Vectors layer, so it is kept; this saves a few milliseconds per frame change.
    """
    visual = getattr(_canvas(viewer), "layer_to_visual", {}).get(vectors)
    node = getattr(visual, "node", None)
    build = getattr(node, "_build_color_transform", None)
    if node is None or build is None:
        return False
    kept: list[Any] = []

    def build_once(colors: Any) -> Any:
        if not kept:
            kept.append(build(colors))
        return kept[0]

    node.unfreeze()
    node._build_color_transform = build_once
    node.freeze()
    return True


def delete_in_own_context(viewer: ViewerModel) -> bool:
    """Delete buffers of removed layers in the canvas's OpenGL context; return whether that worked.

    napari deletes them as soon as a layer is removed, in whichever context is current: after a paint, that of
    Qt. The canvas then uses deleted buffers, and one of the next paints crashes the process.
    """
    canvas = getattr(_canvas(viewer), "_scene_canvas", None)
    if canvas is None:
        return False
    viewer.layers.events.removing.connect(canvas.set_current)  # connecting it twice does nothing
    return True


def _canvas(viewer: ViewerModel) -> Any:
    thing: Any = viewer
    for name in ("window", "_qt_viewer", "canvas"):
        thing = getattr(thing, name, None)
    return thing
