"""Overlays for the current frame as line segments: skeleton, boxes, trails, rings.

Every function returns segments (n, 2, 2): start (y, x) and direction (y, x) in pixels, with the same n for
every frame and zero length where there is nothing to draw, so that a Vectors layer can be updated in place.
"""

from __future__ import annotations

import numpy as np

from napari_superanimal.pose_layer.colors import individual_colors, keypoint_colors, skeleton_edges
from napari_superanimal.pose_layer.table import PoseTable


class Skeleton:
    """Segments between the connected keypoints of each individual."""

    name = "skeleton"
    width_in_points = 0.28

    def __init__(self, table: PoseTable) -> None:
        self.table = table
        self.edges, _ = skeleton_edges(table.keypoints)

    def colors(self) -> np.ndarray:
        """Return RGBA, shape (I*E, 4): the mean of the two ends; per individual if there are several."""
        n_individuals = self.table.shape[1]
        if n_individuals > 1:
            return np.repeat(individual_colors(n_individuals), len(self.edges), axis=0)
        ends = keypoint_colors(self.table.keypoints)[self.edges]
        return ends.mean(axis=1).reshape(-1, 4)

    def segments(self, t: int | None, cutoff: float) -> np.ndarray:
        """Return the segments at time t; an edge is drawn if both ends are visible."""
        n = self.table.shape[1] * len(self.edges)
        out = np.zeros((n, 2, 2), dtype=np.float32)
        if t is None or n == 0:
            return out
        visible = self.table.visible(cutoff, t)[:, self.edges].all(axis=-1).reshape(-1)
        ends = self.table.xy[t][:, self.edges].reshape(-1, 2, 2)[visible]
        out[visible, 0] = ends[:, 0, ::-1]
        out[visible, 1] = (ends[:, 1] - ends[:, 0])[:, ::-1]
        return out


class Boxes:
    """The four sides of each individual's bounding box."""

    name = "boxes"
    width_in_points = 0.18

    def __init__(self, table: PoseTable) -> None:
        self.table = table

    def colors(self) -> np.ndarray:
        """Return RGBA, shape (I*4, 4): one colour per individual."""
        colors = individual_colors(self.table.shape[1])
        colors[:, 3] = 0.9
        return np.repeat(colors, 4, axis=0)

    def segments(self, t: int | None, cutoff: float) -> np.ndarray:
        """Return the sides of the boxes at time t."""
        n_individuals = self.table.shape[1]
        out = np.zeros((n_individuals, 4, 2, 2), dtype=np.float32)
        if t is not None and self.table.boxes is not None:
            x, y, w, h = np.nan_to_num(self.table.boxes[t]).T
            zero = np.zeros_like(x)
            starts = ((y, x), (y, x + w), (y + h, x + w), (y + h, x))
            directions = ((zero, w), (h, zero), (zero, -w), (-h, zero))
            for side, (start, direction) in enumerate(zip(starts, directions, strict=True)):
                out[:, side, 0] = np.stack(start, axis=-1)
                out[:, side, 1] = np.stack(direction, axis=-1)
        return out.reshape(-1, 2, 2)


class Trails:
    """Paths of the chosen keypoints over the last frames, fading out into the past.

    Parameters
    ----------
    length
        Trail length in frames.
    keypoints
        Indices of the keypoints with a trail; all by default.
    """

    name = "trails"
    width_in_points = 0.22

    def __init__(self, table: PoseTable, length: int = 25, keypoints: list[int] | None = None) -> None:
        self.table = table
        self.length = length
        self.keypoints = list(range(table.shape[2])) if keypoints is None else keypoints

    def colors(self) -> np.ndarray:
        """Return RGBA, shape (length*I*k, 4); the alpha decreases from 0.9 to 0 into the past."""
        n_individuals = self.table.shape[1]
        if n_individuals > 1:
            colors = np.repeat(individual_colors(n_individuals), len(self.keypoints), axis=0)
        else:
            colors = keypoint_colors(self.table.keypoints)[self.keypoints]
        colors = np.tile(colors, (self.length, 1))
        fade = np.linspace(0, 0.9, self.length + 1, dtype=np.float32)[1:]
        colors[:, 3] = np.repeat(fade, n_individuals * len(self.keypoints))
        return colors

    def segments(self, t: int | None, cutoff: float) -> np.ndarray:
        """Return the path of the last ``length`` times up to t, oldest first."""
        n_individuals = self.table.shape[1]
        out = np.zeros((self.length, n_individuals, len(self.keypoints), 2, 2), dtype=np.float32)
        if t is not None and t > 0:
            first = max(0, t - self.length)
            window = slice(first, t + 1)
            yx = self.table.xy[window][:, :, self.keypoints, ::-1]
            visible = self.table.visible(cutoff, window)[:, :, self.keypoints]
            both = visible[1:] & visible[:-1]
            part = out[self.length - (t - first) :]
            part[..., 0, :] = np.where(both[..., None], yx[:-1], 0)
            part[..., 1, :] = np.where(both[..., None], yx[1:] - yx[:-1], 0)
        return out.reshape(-1, 2, 2)


class Rings:
    """A ring round some keypoints in some frames, such as round each foot while it stands.

    Parameters
    ----------
    on
        Shape (T, I, n), bool: where each of n keypoints has a ring.
    keypoints
        Numbers of the n keypoints.
    colors
        RGBA of the n keypoints, shape (n, 4).
    radius
        In pixels of the video.
    """

    name = "rings"
    width_in_points = 0.34
    corners = 24
    overlap = 0.15  # of a side: no gaps show where two meet

    def __init__(
        self, table: PoseTable, on: np.ndarray, keypoints: list[int], colors: np.ndarray, radius: float
    ) -> None:
        self.table = table
        self._on, self._keypoints, self._colors = on, keypoints, colors
        angle = np.linspace(0, 2 * np.pi, self.corners + 1)
        circle = (radius * np.stack([np.sin(angle), np.cos(angle)], axis=1)).astype(np.float32)
        side = np.diff(circle, axis=0)
        self._starts, self._sides = circle[:-1] - self.overlap * side, side * (1 + 2 * self.overlap)

    def colors(self) -> np.ndarray:
        """Return RGBA, shape (I*n*corners, 4)."""
        return np.tile(np.repeat(self._colors, self.corners, axis=0), (self.table.shape[1], 1))

    def segments(self, t: int | None, cutoff: float) -> np.ndarray:
        """Return the sides of the rings of time t, round visible points."""
        n_individuals, n = self.table.shape[1], len(self._keypoints)
        out = np.zeros((n_individuals, n, self.corners, 2, 2), dtype=np.float32)
        if t is not None and t < len(self._on):
            shown = self._on[t] & self.table.visible(cutoff, t)[:, self._keypoints]
            yx = self.table.xy[t][:, self._keypoints, ::-1][shown]
            out[shown, :, 0] = yx[:, None] + self._starts
            out[shown, :, 1] = self._sides
        return out.reshape(-1, 2, 2)


Overlay = Skeleton | Boxes | Trails | Rings
OVERLAYS = tuple(overlay.name for overlay in (Skeleton, Boxes, Trails, Rings))
