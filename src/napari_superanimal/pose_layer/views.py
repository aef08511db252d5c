"""Which view shows a pose layer: looked up here, so that neither layers nor their tables know of views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_superanimal.pose_layer.playback import PoseView

#: Where a pose layer on show keeps its view. A copy of a layer may bring that of the original.
VIEW_KEY = "superanimal_view"


def view_of(layer: Any) -> PoseView | None:
    """Return the view of a layer; None when the layer is not on show."""
    view: PoseView | None = layer.metadata.get(VIEW_KEY)
    return view if view is not None and view.points.unique_id == layer.unique_id else None


def is_copy(layer: Any) -> bool:
    """Return whether a layer brings the view of another one, whose table it shares."""
    return layer.metadata.get(VIEW_KEY) is not None and view_of(layer) is None
