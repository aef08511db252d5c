"""Keypoint names shown beside the points of the current frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_superanimal.pose_layer.layers import plain_name
from napari_superanimal.pose_layer.transforms import copy_transform

if TYPE_CHECKING:
    from napari.layers import Points

    from napari_superanimal.pose_layer.playback import PoseView

SIZE = 9
"""Of the text, in points."""
LETTER = (SIZE * 96 / 72 * 0.65, SIZE * 96 / 72 * 1.3)
"""Width and height of a letter on the canvas in pixels, on average."""
COLOR = "#ff3fa4"  # legible on bright and dark images


def not_overlapping(
    xy: NDArray[np.floating], widths: NDArray[np.floating], height: float, order: NDArray[np.integer]
) -> NDArray[np.bool_]:
    """Choose texts that do not overlap: each in turn, if those chosen before leave room for it.

    Parameters
    ----------
    xy
        Left ends (N, 2) of the texts in pixels.
    widths
        Widths (N,) in pixels.
    height
        Height of all of them.
    order
        Indices (M,) of those that may be chosen, the most important first.

    Returns
    -------
    numpy.ndarray
        Whether each one is chosen (N,).
    """
    chosen = np.zeros(len(xy), dtype=bool)
    for i in order:
        right, below = (xy[chosen] - xy[i]).T
        beside = (right >= widths[i]) | (-right >= widths[chosen])
        chosen[i] = bool(np.all(beside | (np.abs(below) >= height)))
    return chosen


class Names:
    """A text layer beside the visible points of the current frame.

    Where points lie close together, only names that do not overlap are shown: those of selected points first,
    then in the order of the keypoints. Zooming in shows more of them.

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
        table = view.table
        self._texts = np.array(
            [
                f"{keypoint} · {individual}" if len(table.individuals) > 1 else keypoint
                for individual in table.individuals
                for keypoint in table.keypoints
            ],
            dtype=object,
        )

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

    def redraw(self, event: Any = None) -> None:
        """Place the names at the points of the current frame."""
        if self.layer is None or not self.layer.visible:
            return
        t, table = self.view.time, self.view.table
        texts = np.full(len(self._texts), "", dtype=object)
        if t is not None:
            self.layer.data[:] = np.nan_to_num(table.xy[t].reshape(-1, 2)[:, ::-1], nan=0.0)
            legible = self._legible(table.visible(self.view.cutoff, t).ravel())
            texts[legible] = self._texts[legible]
        self.layer.features["text"] = texts  # napari ignores ``shown`` in a layer without a slider
        self.layer.refresh_text()
        self.layer.refresh(extent=False, thumbnail=False, highlight=False)

    def _legible(self, visible: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which (N,) of the visible points have their names shown at the current zoom."""
        layer, view = self.layer, self.view
        assert layer is not None
        corner, down, right = (np.array(layer.data_to_world(at)) for at in ((0, 0), (1, 0), (0, 1)))
        to_pixels = np.stack([down - corner, right - corner]) * view.viewer.camera.zoom  # (yx, yx)
        xy = (np.asarray(layer.data, dtype=np.float64) @ to_pixels)[:, ::-1]
        widths = np.array([len(text) for text in self._texts]) * LETTER[0]
        selected, n, candidates = view.editing.selected_rows(), len(visible), np.flatnonzero(visible)
        first = np.isin(candidates, selected[selected // n == view.time] % n)
        return not_overlapping(xy, widths, LETTER[1], np.concatenate([candidates[first], candidates[~first]]))

    def forget(self, layer: Any) -> bool:
        """Handle the deletion of a layer; return whether it was this one."""
        if layer is not self.layer:
            return False
        self.view.viewer.camera.events.zoom.disconnect(self.redraw)
        self.view.points.selected_data.events.items_changed.disconnect(self.redraw)
        self.layer = None
        return True

    def _make(self) -> None:
        from napari.layers import Points

        viewer = self.view.viewer
        self.layer = Points(
            np.zeros((len(self._texts), 2), dtype=np.float32),
            name=f"{plain_name(self.view.points)} names",
            features={"text": self._texts},
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
            axis_labels=("y", "x"),
        )
        self.layer.editable = False
        copy_transform(self.view.points, self.layer)
        active = viewer.layers.selection.active
        viewer.layers.insert(viewer.layers.index(self.view.points) + 1, self.layer)
        viewer.layers.selection.active = active
        self.layer.events.visible.connect(self.redraw)
        viewer.camera.events.zoom.connect(self.redraw)
        self.view.points.selected_data.events.items_changed.connect(self.redraw)
