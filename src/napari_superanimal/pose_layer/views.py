"""Registry of the view that shows a pose layer, so that layers and tables do not depend on views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_superanimal.pose_layer.playback import PoseView

#: Metadata key of the view of a pose layer. A copy of a layer may have that of the original.
VIEW_KEY = "superanimal_view"


def view_of(layer: Any) -> PoseView | None:
    """Return the view of a layer; None if the layer is not shown."""
    view: PoseView | None = layer.metadata.get(VIEW_KEY)
    return view if view is not None and view.points.unique_id == layer.unique_id else None


def is_copy(layer: Any) -> bool:
    """Return whether a layer has the view of another layer, whose table it shares."""
    return layer.metadata.get(VIEW_KEY) is not None and view_of(layer) is None
