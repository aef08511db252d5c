"""Synchronises a pose layer, its table and its overlays with the frame slider.

One callback on the viewer's frame slider redraws skeleton, boxes and trails of the current frame, and refills
the points if the layer holds only one frame. All changes to poses go through :class:`PoseView`, so that the
layer, its features and the underlying table stay consistent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_warning
from psygnal import Signal
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_superanimal.pose_layer.colors import POINT_COLORINGS, point_colors
from napari_superanimal.pose_layer.drawing import delete_in_own_context, keep_program
from napari_superanimal.pose_layer.editing import Editing
from napari_superanimal.pose_layer.features import take_features
from napari_superanimal.pose_layer.layers import (
    BORDER,
    EDITED_BORDER,
    TABLE_KEY,
    UNSAVED,
    automatic_size,
    border_colors,
    dense_data,
    frame_data,
    make_features,
    own_table,
    plain_name,
    table_of,
)
from napari_superanimal.pose_layer.names import Names
from napari_superanimal.pose_layer.overlays import OVERLAYS, Boxes, Overlay, Rings, Skeleton, Trails
from napari_superanimal.pose_layer.rows import PoseRows
from napari_superanimal.pose_layer.shortcuts import register
from napari_superanimal.pose_layer.stacks import image_names
from napari_superanimal.pose_layer.transforms import TRANSFORMS, copy_transform
from napari_superanimal.pose_layer.unsaved import watch
from napari_superanimal.pose_layer.views import VIEW_KEY, view_of
from superanimal.errors import InputError

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Points, Vectors

SIMPLE: dict[str, type[Skeleton] | type[Boxes]] = {"skeleton": Skeleton, "boxes": Boxes}
RING = 1.3
"""Radius of a ring, in diameters of a point."""


class PoseView:
    """A pose layer shown in a viewer.

    Attributes
    ----------
    points
        The Points layer with all dense rows, or those of the current frame.
    table
        The poses.
    dense
        Whether the layer holds all frames.
    cutoff
        Points below this confidence are hidden.
    color_by
        "keypoint", "individual" or "confidence".
    shown_time
        Time of the points in a one-frame layer; None if the current frame has none.
    overlays
        Existing Vectors layers of skeleton, boxes and trails, by name.

    Signals
    -------
    changed()
        Cut-off, colouring, point size or overlays changed, or points were edited.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, points: Points) -> None:
        self.viewer = viewer
        self.points = points
        self.table = table_of(points)
        points.metadata[VIEW_KEY] = self
        self.dense = len(points.data) == len(self.table)
        self.cutoff = 0.0
        self.color_by = "keypoint"
        self.overlays: dict[str, tuple[Overlay, Vectors]] = {}
        self.shown_time: int | None = 0
        self.editing: Editing = Editing(self)
        self.names: Names = Names(self)
        register()
        viewer.dims.events.current_step.connect(self._on_step)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.layers.events.inserted.connect(self._on_inserted)
        for name in TRANSFORMS:
            getattr(points.events, name).connect(self._on_transform)
        self.table.changed.connect(self._mark)
        self._mark()
        for layer in viewer.layers:
            self._follow_stack(layer)
        watch(viewer, lambda layer: attach(viewer, layer).show_overlay("skeleton"))
        delete_in_own_context(viewer)

    def __deepcopy__(self, memo: dict[int, Any]) -> None:
        """Return None: a copy of a layer is not shown."""

    # ---------------------------------------------------------------- the current frame

    @property
    def step(self) -> int:
        """The current slider position."""
        dims = self.viewer.dims
        return round(float(self.points.world_to_data(dims.point)[0])) if dims.ndim >= 3 else 0

    @property
    def time(self) -> int | None:
        """The time index of the current frame, or None if the poses do not include it."""
        return self.table.time_at(self.step)

    def show_time(self, t: int) -> None:
        """Move the slider to the frame of a time index."""
        axis = max(0, self.viewer.dims.ndim - 3)
        scale, origin = float(self.points.scale[0]), float(self.points.translate[0])
        self.viewer.dims.set_point(axis, float(self.table.steps[t]) * scale + origin)

    def go(self, by: int) -> None:
        """Move the slider to the next frame with visible points, or the previous one if ``by`` is -1."""
        there = np.flatnonzero(self.table.visible(self.cutoff).any(axis=(1, 2)))
        steps = self.table.steps[there]
        beyond = there[steps > self.step] if by > 0 else there[steps < self.step][::-1]
        if len(beyond):
            self.show_time(int(beyond[0]))

    def _on_step(self, event: Any = None) -> None:
        if not self.dense and self.time != self.shown_time:
            self._take_features()
            self._refill()
        self.redraw_overlays()

    def redraw_overlays(self) -> None:
        """Draw skeleton, boxes and trails of the current frame."""
        t = self.time
        for overlay, vectors in self.overlays.values():
            if vectors.visible:
                vectors.data[:] = overlay.segments(t, self.cutoff)
                vectors.refresh(extent=False, thumbnail=False, highlight=False)
        self.names.redraw()

    def _take_features(self) -> None:
        """Adopt changes made in the Features table of a one-frame layer."""
        rows = self.dense_rows(np.arange(len(self.points.data)))
        take_features(self.table, self.points.features, rows, self.editing)

    def _refill(self) -> None:
        """Fill a one-frame layer with the points of the current frame."""
        self.shown_time = t = self.time
        shown = self.points.shown
        shown[:-2] = False
        if t is not None:
            rows = frame_data(self.table, t)
            self.points.data[:-2] = rows[:-2]
            times = slice(t, t + 1)
            shown[:-2] = self.table.visible(self.cutoff, times).ravel()
            edited = self.table.edited[times].ravel()
            self.points.border_width[:-2] = np.where(edited, EDITED_BORDER, BORDER)
            self.points.border_color[:-2] = border_colors(edited)
            if self.color_by == "confidence":
                self.points.face_color[:-2] = point_colors(self.table, self.color_by, times)
            features = self.points.features
            features.loc[: len(shown) - 3, "confidence"] = self.table.confidence[times].ravel()
            features.loc[: len(shown) - 3, "edited"] = edited
        self.points.selected_data = set()
        self.points.refresh(extent=False, thumbnail=False)

    # ---------------------------------------------------------------- rows and points

    def layer_rows(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (layer rows, corresponding dense rows) for the dense rows currently in the layer."""
        if self.dense:
            return rows, np.arange(len(rows))
        n = self.table.shape[1] * self.table.shape[2]
        inside = (rows // n) == (-1 if self.shown_time is None else self.shown_time)
        return rows[inside] % n, np.flatnonzero(inside)

    def dense_rows(self, layer_rows: np.ndarray) -> np.ndarray:
        """Return the dense rows of layer rows, without the anchors of a one-frame layer."""
        if self.dense:
            return layer_rows
        n = self.table.shape[1] * self.table.shape[2]
        if self.shown_time is None:
            return np.empty(0, dtype=np.int64)
        return layer_rows[layer_rows < n] + self.shown_time * n

    def show_rows(self, rows: np.ndarray) -> None:
        """Update the layer from the table for the given dense rows, in place."""
        at, which = self.layer_rows(np.asarray(rows, dtype=np.int64))
        if len(at) == 0:
            return
        rows = np.asarray(rows)[which]
        xy, confidence, edited = self.table.get_rows(rows)
        present = np.isfinite(xy).all(axis=1)
        points = self.points
        points.data[at[present], 1] = xy[present, 1]
        points.data[at[present], 2] = xy[present, 0]
        points.shown[at] = present & (~(confidence < self.cutoff) | edited)
        points.border_width[at] = np.where(edited, EDITED_BORDER, BORDER)
        points.border_color[at] = border_colors(edited)
        if self.color_by == "confidence":
            from napari_superanimal.pose_layer.colors import confidence_colors

            points.face_color[at] = confidence_colors(confidence)
        features = points.features
        features.loc[at, "confidence"] = confidence
        features.loc[at, "edited"] = edited
        self.refresh()

    def fill(self, times: slice, arrays: Mapping[str, np.ndarray]) -> None:
        """Add results as they arrive during a run (see PoseTable.fill)."""
        if not self.dense:
            self._take_features()
        self.table.fill(times, arrays)
        if self.dense:
            n = self.table.shape[1] * self.table.shape[2]
            self.show_rows(np.arange(times.start * n, times.stop * n))
        elif self.shown_time is not None and times.start <= self.shown_time < times.stop:
            self._refill()
            self.redraw_overlays()

    def rebuild(self) -> None:
        """Rebuild all rows of the layer from the table, after the layer lost its dense layout."""
        t = self.shown_time or 0
        times = slice(None) if self.dense else slice(t, t + 1)
        data = dense_data(self.table) if self.dense else frame_data(self.table, t)
        extra = 0 if self.dense else 2
        edited = np.append(self.table.edited[times].ravel(), [False] * extra)
        colors = point_colors(self.table, self.color_by, times)
        with self.points.events.data.blocker():
            self.points.selected_data = set()
            self.points.data = PoseRows(data)
            features = make_features(self.table, times)
            keep = [*range(len(features)), *([0] * extra)]
            self.points.features = features if self.dense else features.iloc[keep].reset_index(drop=True)
            self.points.face_color = np.concatenate([colors, colors[:extra]])
            self.points.border_color = border_colors(edited)
            self.points.border_width = np.where(edited, EDITED_BORDER, BORDER)
            self.points.size = self.points.current_size
            self.points.shown = np.append(self.table.visible(self.cutoff, times).ravel(), [False] * extra)
        self.refresh()

    def refresh(self) -> None:
        """Redraw points and overlays."""
        self.points.refresh(extent=False)
        self.redraw_overlays()

    # ---------------------------------------------------------------- display

    def set_cutoff(self, cutoff: float) -> None:
        """Hide points below a confidence; points placed by a person are always shown."""
        if not 0 <= cutoff <= 1:
            raise InputError(f"confidence cut-off is {cutoff}", "it must lie in 0..1")
        self.cutoff = float(cutoff)
        if self.dense:
            self.points.shown[:] = self.table.visible(self.cutoff).ravel()
            self.refresh()
        else:
            self._refill()
            self.redraw_overlays()
        self.changed.emit()

    def set_color_by(self, color_by: str) -> None:
        """Colour points by "keypoint", "individual" or "confidence"."""
        if color_by not in POINT_COLORINGS:
            raise InputError(f"color_by is {color_by!r}", f"it must be one of {list(POINT_COLORINGS)}")
        self.color_by = color_by
        t = self.shown_time or 0
        times = slice(None) if self.dense else slice(t, t + 1)
        colors = point_colors(self.table, color_by, times)
        self.points.face_color[: len(colors)] = colors
        self.refresh()
        self.changed.emit()

    def set_point_size(self, size: float | None) -> None:
        """Set the diameter of all points in pixels of the video; None chooses one from the animals."""
        size = automatic_size(self.table) if size is None else float(size)
        if size <= 0:
            raise InputError(f"point size is {size}", "it must be above 0 pixels")
        self.points.size = size
        self.points.current_size = size
        for overlay, vectors in self.overlays.values():
            vectors.edge_width = max(0.5, size * overlay.width_in_points)
        self.changed.emit()

    def show_overlay(self, name: str, show: bool = True, **options: Any) -> Vectors | None:
        """Show or hide an overlay: "skeleton", "boxes", "trails" or "rings".

        Parameters
        ----------
        name
            Name of the overlay.
        show
            False hides it, but it stays in the layer list.
        options
            For trails: ``length`` in frames and ``keypoints`` as a list of names; for rings ``on``,
            ``keypoints``, ``colors`` as of :class:`~napari_superanimal.pose_layer.overlays.Rings` and
            ``title``, which ends the name of the layer.

        Returns
        -------
        Vectors or None
            The layer; None if there is nothing to show.
        """
        if name not in OVERLAYS:
            raise InputError(f"overlay is {name!r}", f"it must be one of {list(OVERLAYS)}")
        if name in self.overlays and not options:
            vectors = self.overlays[name][1]
            vectors.visible = show
            return vectors
        if not show:
            return None
        title = options.pop("title", name)
        overlay = self._make_overlay(name, options)
        if len(overlay.colors()) == 0 or (name == "boxes" and self.table.boxes is None):
            return None
        if name in self.overlays:
            self.viewer.layers.remove(self.overlays[name][1])
        from napari.layers import Vectors

        vectors = Vectors(
            overlay.segments(self.time, self.cutoff),
            name=f"{plain_name(self.points)} {title}",
            edge_color=overlay.colors(),
            edge_width=max(0.5, float(self.points.current_size) * overlay.width_in_points),
            vector_style="line",
            opacity=0.9,
            axis_labels=("y", "x"),
        )
        copy_transform(self.points, vectors)
        self.overlays[name] = (overlay, vectors)
        active = self.viewer.layers.selection.active
        self.viewer.layers.insert(self.viewer.layers.index(self.points), vectors)
        self.viewer.layers.selection.active = active
        keep_program(self.viewer, vectors)
        vectors.events.visible.connect(self._on_overlay_visible)
        self.changed.emit()
        return vectors

    def _make_overlay(self, name: str, options: dict[str, Any]) -> Overlay:
        if name == "rings":
            return Rings(self.table, **options, radius=RING * automatic_size(self.table))
        if name != "trails":
            return SIMPLE[name](self.table)
        names = options.get("keypoints")
        unknown = sorted(set(names or ()) - set(self.table.keypoints))
        if unknown:
            raise InputError(f"keypoints {unknown} are not in the layer", f"it has {self.table.keypoints}")
        chosen = None if names is None else [self.table.keypoints.index(name) for name in names]
        return Trails(self.table, length=int(options.get("length", 25)), keypoints=chosen)

    def _on_overlay_visible(self, event: Any = None) -> None:
        self.redraw_overlays()
        self.changed.emit()

    # ---------------------------------------------------------------- life

    def _mark(self) -> None:
        """Mark the name of a layer with unsaved corrections."""
        name = plain_name(self.points) + (UNSAVED if self.table.unsaved else "")
        if self.points.name != name:
            self.points.name = name

    def _on_transform(self, event: Any = None) -> None:
        for layer in [*(vectors for _, vectors in self.overlays.values()), self.names.layer]:
            if layer is not None:
                copy_transform(self.points, layer)
        self._on_step()

    def _follow_stack(self, layer: Any) -> None:
        """Show labels at their images, if a layer is their image stack."""
        names, before = image_names(layer), self.table.steps
        if names is None:
            return
        missing = self.table.follow_stack(names)
        if missing:
            few = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
            show_warning(
                f"{len(missing)} of {len(before)} labelled images are not in {layer.name!r}: {few}. "
                "Their labels follow its last image."
            )
        if not np.array_equal(self.table.steps, before):
            self.shown_time = self.time
            self.rebuild()

    def _on_inserted(self, event: Any) -> None:
        layer = event.value
        if layer is self.points:
            return
        self._follow_stack(layer)
        if getattr(layer, "metadata", {}).get(TABLE_KEY) is self.table:  # "Duplicate layer"
            twin = attach(self.viewer, layer)
            twin.cutoff, twin.color_by, twin.shown_time = self.cutoff, self.color_by, self.shown_time
            if "skeleton" in self.overlays:
                twin.show_overlay("skeleton")

    def _on_removed(self, event: Any) -> None:
        gone = event.value
        for name, (_, vectors) in list(self.overlays.items()):
            if gone is vectors:
                del self.overlays[name]
                self.changed.emit()
        if self.names.forget(gone):
            self.changed.emit()
        if gone is self.points:
            self.detach()

    def detach(self) -> None:
        """Disconnect from the viewer; remaining overlays are removed later."""
        self.viewer.dims.events.current_step.disconnect(self._on_step)
        self.viewer.layers.events.removed.disconnect(self._on_removed)
        self.viewer.layers.events.inserted.disconnect(self._on_inserted)
        for name in TRANSFORMS:
            getattr(self.points.events, name).disconnect(self._on_transform)
        self.table.changed.disconnect(self._mark)
        self.editing.detach()
        self.points.metadata.pop(VIEW_KEY, None)
        left = [*(vectors for _, vectors in self.overlays.values()), self.names.layer]
        self.overlays.clear()
        layers = self.viewer.layers

        def remove() -> None:
            for layer in left:
                if layer in layers:
                    layers.remove(layer)

        if QApplication.instance() is None:
            remove()
        else:
            QTimer.singleShot(0, remove)  # not during the event: napari may be about to remove them itself


def attach(viewer: ViewerModel, points: Points) -> PoseView:
    """Return the view of a pose layer in a viewer, creating it if necessary."""
    own_table(points)
    view = view_of(points)
    if view is not None:
        return view
    viewer, points = _unwrapped(viewer), _unwrapped(points)
    return PoseView(viewer, points)


def _unwrapped(proxy: Any) -> Any:
    """Return the object behind napari's public-only proxy: layers must be the viewer's own to be compared."""
    return getattr(proxy, "__wrapped__", proxy)
