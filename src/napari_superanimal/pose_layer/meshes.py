"""Spare the graphics program of an overlay.

vispy puts a new colour function into the program of a mesh whenever its data change, and so compiles and
links the program at every frame change (``MeshVisual._build_color_transform``, vispy 0.17). The function is
always the same for a Vectors layer, so it is kept. napari has no public way to its visuals: when they are
elsewhere, nothing happens and frame changes take a few milliseconds more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Vectors


def keep_program(viewer: ViewerModel, vectors: Vectors) -> bool:
    """Let the mesh of a layer keep its program when its data change; return whether that worked."""
    node = _node(viewer, vectors)
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


def _node(viewer: ViewerModel, vectors: Vectors) -> Any:
    thing: Any = viewer
    for name in ("window", "_qt_viewer", "canvas", "layer_to_visual"):
        thing = getattr(thing, name, None)
    visual = thing.get(vectors) if thing is not None else None
    return getattr(visual, "node", None)
