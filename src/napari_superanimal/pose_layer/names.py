"""Keypoint names shown beside the points of the current frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_superanimal.pose_layer.layers import plain_name
from napari_superanimal.pose_layer.transforms import copy_transform

if TYPE_CHECKING:
    from napari.layers import Points

    from napari_superanimal.pose_layer.playback import PoseView

SIZE = 9
COLOR = "#ff3fa4"  # legible on bright and dark images


class Names:
    """A text layer beside the visible points of the current frame.

    It holds only one frame: napari creates a string for every row of a layer with text, and a pose layer may
    have millions.

    Attributes
    ----------
    layer
        The layer, from the first time it is shown until it is deleted.
    """

    def __init__(self, view: PoseView) -> None:
        self.view = view
        self.layer: Points | None = None

    @property
    def shown(self) -> bool:
        """Whether the names are visible."""
        return self.layer is not None and bool(self.layer.visible)

    def show(self, show: bool = True) -> None:
        """Show or hide the names."""
        if self.layer is None and show:
            self._make()
        if self.layer is not None and bool(self.layer.visible) != show:
            self.layer.visible = show
        self.redraw()
        self.view.changed.emit()

    def redraw(self) -> None:
        """Place the names at the points of the current frame."""
        if self.layer is None or not self.layer.visible:
            return
        t, table = self.view.time, self.view.table
        if t is None:
            self.layer.shown[:] = False
        else:
            xy = table.xy[t].reshape(-1, 2)
            self.layer.data[:] = np.nan_to_num(xy[:, ::-1], nan=0.0)
            self.layer.shown[:] = table.visible(self.view.cutoff, t).ravel()
        self.layer.refresh(extent=False, thumbnail=False, highlight=False)

    def forget(self, layer: Any) -> bool:
        """Handle the deletion of a layer; return whether it was this one."""
        if layer is not self.layer:
            return False
        self.layer = None
        return True

    def _make(self) -> None:
        from napari.layers import Points

        table, viewer = self.view.table, self.view.viewer
        _, n_individuals, n_keypoints = table.shape
        several = n_individuals > 1
        texts = [
            f"{keypoint} · {individual}" if several else keypoint
            for individual in table.individuals
            for keypoint in table.keypoints
        ]
        n = n_individuals * n_keypoints
        self.layer = Points(
            np.zeros((n, 2), dtype=np.float32),
            name=f"{plain_name(self.view.points)} names",
            features={"text": texts},
            text={
                "string": "{text}",
                "size": SIZE,
                "color": COLOR,
                "anchor": "upper_left",
                "translation": [0, self.view.points.current_size / 2],
            },
            size=0.01,
            face_color="transparent",
            border_color="transparent",
            shown=np.zeros(n, dtype=bool),
            axis_labels=("y", "x"),
        )
        self.layer.editable = False
        copy_transform(self.view.points, self.layer)
        active = viewer.layers.selection.active
        viewer.layers.insert(viewer.layers.index(self.view.points) + 1, self.layer)
        viewer.layers.selection.active = active
        self.layer.events.visible.connect(lambda event: self.redraw())
