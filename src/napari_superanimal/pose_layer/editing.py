"""Editing poses on the layer: move, place, delete, copy to another frame, undo and redo.

The layer always keeps its dense layout: deleting hides a point, placing fills the slot of a keypoint, so the
number of rows never changes. Every edit marks its points (``edited`` True, confidence 1) and can be undone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_superanimal.pose_layer.table import EDITED_CONFIDENCE

if TYPE_CHECKING:
    from napari_superanimal.pose_layer.playback import PoseView

Points3 = tuple[np.ndarray, np.ndarray, np.ndarray]
CLICK_DISTANCE = 5.0


@dataclass(frozen=True)
class Edit:
    """One step of the history: dense rows with position, confidence and edit mark before and after."""

    rows: np.ndarray
    before: Points3
    after: Points3


class Editing:
    """The edits of one pose layer.

    Attributes
    ----------
    done, undone
        Edits that can be undone and redone, the latest last.
    target
        (individual, keypoint) indices that the next click in add mode places.
    """

    def __init__(self, view: PoseView) -> None:
        self.view = view
        self.done: list[Edit] = []
        self.undone: list[Edit] = []
        self.target = (0, 0)
        self._before = view.table.state  # state of the poses when nothing is left to undo
        self._copied: tuple[np.ndarray, np.ndarray] | None = None
        self._native_add: Any = None
        points = view.points
        points.events.data.connect(self._on_data)
        points.events.mode.connect(self._on_mode)
        points.selected_data.events.items_changed.connect(self._on_selection)
        for key, action in self._keys().items():
            points.bind_key(key, action, overwrite=True)

    def _keys(self) -> dict[str, Callable[[Any], None]]:
        return {
            "Delete": lambda layer: self.delete(),
            "Backspace": lambda layer: self.delete(),
            "Control-C": lambda layer: self.copy(),
            "Control-V": lambda layer: self.paste(),
        }

    def detach(self) -> None:
        """Restore the layer's original keys and callbacks."""
        points = self.view.points
        points.events.data.disconnect(self._on_data)
        points.events.mode.disconnect(self._on_mode)
        points.selected_data.events.items_changed.disconnect(self._on_selection)
        for key in self._keys():
            points.bind_key(key, None)

    # ---------------------------------------------------------------- edits

    def move(self, rows: np.ndarray, xy: np.ndarray) -> None:
        """Move the points of the given dense rows to positions (n, 2), x and y in pixels."""
        rows = np.asarray(rows, dtype=np.int64)
        confidence = np.full(len(rows), EDITED_CONFIDENCE, dtype=np.float32)
        self.change(rows, (np.asarray(xy, dtype=np.float32), confidence, np.ones(len(rows), dtype=bool)))

    def delete(self) -> None:
        """Delete the selected points: their slots remain, empty and marked as edited."""
        rows = self.selected_rows()
        if len(rows):
            self.view.points.selected_data = set()
            self._delete(rows)

    def _delete(self, rows: np.ndarray) -> None:
        nothing = np.full((len(rows), 2), np.nan, dtype=np.float32)
        unknown = np.full(len(rows), np.nan, dtype=np.float32)
        self.change(rows, (nothing, unknown, np.ones(len(rows), dtype=bool)))

    def place(self, xy: np.ndarray, step: int | None = None) -> None:
        """Place the target keypoint at (x, y) in a frame, by default the current one; target the next."""
        t = self.view.time if step is None else self.view.table.time_at(step)
        if t is None:
            self.view.viewer.status = "These poses do not have this frame"
            return
        individual, keypoint = self.target
        _, n_individuals, n_keypoints = self.view.table.shape
        row = (t * n_individuals + individual) * n_keypoints + keypoint
        self.move(np.array([row]), np.asarray(xy, dtype=np.float32)[None])
        self.aim(individual, (keypoint + 1) % n_keypoints)

    def aim(self, individual: int, keypoint: int) -> None:
        """Choose the keypoint that the next click in add mode places."""
        self.target = (individual, keypoint)
        if self.view.points.mode == "add":
            self._announce()

    def copy(self) -> None:
        """Copy the selected points, to paste them into the same slots of another frame."""
        rows = self.selected_rows()
        if len(rows):
            n = self.view.table.shape[1] * self.view.table.shape[2]
            self._copied = (rows % n, self.view.table.get_rows(rows)[0])

    def paste(self) -> None:
        """Paste the copied points into the current frame."""
        t = self.view.time
        if self._copied is None or t is None:
            return
        slots, xy = self._copied
        n = self.view.table.shape[1] * self.view.table.shape[2]
        self.move(t * n + slots, xy)

    def selected_rows(self) -> np.ndarray:
        """Return the dense rows of the selected, visible points."""
        points = self.view.points
        selected = np.array(sorted(int(row) for row in points.selected_data), dtype=np.int64)
        return self.view.dense_rows(selected[points.shown[selected]])

    def undo(self) -> None:
        """Undo the latest edit."""
        self._step(self.done, self.undone, before=True)

    def redo(self) -> None:
        """Redo the edit that was undone last."""
        self._step(self.undone, self.done, before=False)

    def _step(self, source: list[Edit], target: list[Edit], before: bool) -> None:
        if not source:
            return
        edit = source.pop()
        target.append(edit)
        self.view.table.edit(
            edit.rows,
            *(edit.before if before else edit.after),
            step="undo" if before else "redo",
            state=self.done[-1] if self.done else self._before,
        )
        self.view.show_rows(edit.rows)
        self.view.changed.emit()

    def change(self, rows: np.ndarray, after: Points3) -> None:
        """Change position, confidence and edit mark of the points in the given dense rows."""
        edit = Edit(rows, self.view.table.get_rows(rows), after)
        self.done.append(edit)
        self.undone.clear()
        self.view.table.edit(rows, *after, state=edit)
        self.view.show_rows(rows)
        self.view.changed.emit()

    # ---------------------------------------------------------------- events of napari

    def _on_data(self, event: Any) -> None:
        """Follow edits made with napari's own tools."""
        action = str(getattr(event, "action", ""))
        points = self.view.points
        if action == "changed":
            layer_rows = np.array([int(i) for i in event.data_indices], dtype=np.int64)
            if len(layer_rows) >= len(points.data):
                return  # the whole data were replaced externally: adopted when saved
            rows = self.view.dense_rows(layer_rows)
            if len(rows):
                xy = np.asarray(points.data)[layer_rows[: len(rows)]][:, [2, 1]]
                self.move(rows, xy)
        elif action == "removed":
            layer_rows = np.array([int(i) for i in event.data_indices], dtype=np.int64)
            rows = self.view.dense_rows(layer_rows)
            self.view.rebuild()
            self._delete(rows)
        elif action == "added":
            added = np.asarray(points.data)[[int(i) for i in event.data_indices]]
            self.view.rebuild()
            for row in added:
                self.place(row[[2, 1]], round(float(row[0])))

    def _on_mode(self, event: Any = None) -> None:
        """In add mode, make a click fill the slot of the target keypoint instead of appending a row."""
        points = self.view.points
        callbacks = points.mouse_drag_callbacks
        if self._place_on_click in callbacks:
            callbacks.remove(self._place_on_click)
        if points.mode == "add":
            callbacks[:] = [c for c in callbacks if getattr(c, "__name__", "") != "add"]
            callbacks.append(self._place_on_click)
            self._announce()

    def _place_on_click(self, layer: Any, event: Any) -> Any:
        start = np.asarray(event.pos)
        yield
        while event.type == "mouse_move":
            if np.linalg.norm(start - np.asarray(event.pos)) < CLICK_DISTANCE:
                event.handled = True
            yield
        if np.linalg.norm(start - np.asarray(event.pos)) < CLICK_DISTANCE:
            self.place(np.asarray(layer.world_to_data(event.position))[[-1, -2]])

    def _on_selection(self, event: Any = None) -> None:
        """Target the selected keypoint, so that a click in add mode places it in the current frame."""
        if len(self.view.points.selected_data) != 1:
            return
        rows = self.selected_rows()
        if len(rows) == 1:
            _, n_individuals, n_keypoints = self.view.table.shape
            slot = int(rows[0]) % (n_individuals * n_keypoints)
            self.target = (slot // n_keypoints, slot % n_keypoints)

    def _announce(self) -> None:
        individual, keypoint = self.target
        table = self.view.table
        whose = f" of {table.individuals[individual]}" if len(table.individuals) > 1 else ""
        self.view.viewer.status = f"Click to place {table.keypoints[keypoint]}{whose}"
