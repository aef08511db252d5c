"""A set built of flat faces and tubes, with depth: what stands in front of an animal hides it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from superanimal.synth.camera import Camera
from superanimal.synth.shading import Light

TOLERANCE = 0.5
"""Pixels by which a face drawn later may lie deeper and still cover an earlier one: prints on a surface."""


class Stage:
    """A picture of things without animals, drawn face by face, whatever the order.

    Coordinates are those of the floor frame of :class:`~superanimal.synth.camera.Camera`: pixels, x right,
    y up the picture, z up from the floor that the animals stand on, origin at the principal point.

    Parameters
    ----------
    size
        (height, width) in pixels.
    camera
        The view.
    lights, ambient
        What shines on the faces; a horizontal face keeps about its own colour.
    empty
        (3,) RGB where nothing is drawn.

    Attributes
    ----------
    image : (H, W, 3) float32 RGB, about 0..1
    depth : (H, W) float32, height towards the camera of what is nearest, pixels
    front : (H, W) float32, the same where the nearest may hide an animal, else -inf
    """

    def __init__(
        self,
        size: tuple[int, int],
        camera: Camera,
        lights: tuple[Light, ...],
        ambient: float,
        empty: np.ndarray,
    ) -> None:
        self.camera, self.lights, self.ambient = camera, lights, ambient
        self.image = np.broadcast_to(np.asarray(empty, np.float32), (*size, 3)).copy()
        self.depth = np.full(size, -np.inf, np.float32)
        self.front = np.full(size, -np.inf, np.float32)
        self._rotation = camera.rotation
        self._level = self._light(self._rotation @ [0.0, 0.0, 1.0])

    def face(
        self,
        corners: np.ndarray,
        colour: np.ndarray,
        grain: np.ndarray | None = None,
        *,
        hides: bool = False,
        alpha: float = 1.0,
    ) -> None:
        """Draw a flat convex face.

        Parameters
        ----------
        corners
            Shape (n, 3), floor frame.
        colour
            Shape (3,), RGB.
        grain
            Shape (H, W) of the whole picture: factor of the colour.
        hides
            Whether animals behind it are hidden.
        alpha
            Below 1 for glass.
        """
        corners = np.asarray(corners, float)
        view = corners @ self._rotation.T
        far = self.camera.distance
        if view[:, 2].max() > 0.85 * far:
            return
        scale = far / (far - view[:, 2])
        points = view[:, :2] * [1, -1] * scale[:, None] + self.camera.center
        h, w = self.depth.shape
        (x0, y0), (x1, y1) = points.min(0).tolist(), points.max(0).tolist()
        x0, y0, x1, y1 = max(int(x0), 0), max(int(y0), 0), min(int(x1) + 2, w), min(int(y1) + 2, h)
        if x1 <= x0 or y1 <= y0:
            return
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        fixed = ((points - [x0, y0]) * 16).clip(-100_000, 100_000).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 1, cv2.LINE_8, 4)
        across = np.cross(view[1] - view[0], view[2] - view[0])
        size = float(np.sqrt(across @ across))
        if size < 1e-6:
            return
        across /= size
        window = slice(y0, y1), slice(x0, x1)
        z = self._plane(view, across, (x0, y0, x1, y1))
        near = (mask > 0) & (z > self.depth[window] - TOLERANCE)
        paint = np.asarray(colour, np.float32) * np.float32(self._light(across) / self._level)
        image = self.image[window]
        shown = paint if grain is None else paint * grain[window][near][:, None]
        image[near] = shown if alpha >= 1 else image[near] * np.float32(1 - alpha) + shown * np.float32(alpha)
        if alpha >= 1:
            self.depth[window][near] = z[near]
            self.front[window][near] = z[near] if hides else -np.inf

    def prism(
        self,
        ring: np.ndarray,
        low: float,
        high: float,
        colour: np.ndarray,
        top: np.ndarray | None = None,
        grain: np.ndarray | None = None,
        *,
        hides: bool = True,
        alpha: float = 1.0,
    ) -> None:
        """Draw a convex ring (n, 2) of the floor plane extruded from ``low`` to ``high``, with its top."""
        lower, upper = (np.column_stack([ring, np.full(len(ring), z)]) for z in (low, high))
        for k in range(len(ring)):
            j = (k + 1) % len(ring)
            side = np.stack([lower[k], lower[j], upper[j], upper[k]])
            self.face(side, colour, grain, hides=hides, alpha=alpha)
        self.face(upper, colour if top is None else top, grain, hides=hides, alpha=alpha)

    def fence(
        self,
        ring: np.ndarray,
        low: float,
        high: float,
        thick: float,
        colour: np.ndarray,
        rim: np.ndarray | None = None,
        *,
        closed: bool = True,
        alpha: float = 1.0,
    ) -> None:
        """Draw upright walls along a ring or path (n, 2), outside of it when it runs counter-clockwise."""
        for k in range(len(ring) if closed else len(ring) - 1):
            a, b = ring[k], ring[(k + 1) % len(ring)]
            along = (b - a) / max(float(np.linalg.norm(b - a)), 1e-6)
            out = np.array([along[1], -along[0]]) * thick
            a, b = a - along * thick * 0.3, b + along * thick * 0.3
            self.prism(np.stack([a, b, b + out, a + out]), low, high, colour, rim, alpha=alpha)

    def tube(
        self,
        path: np.ndarray,
        radii: float | Sequence[float],
        colour: np.ndarray,
        *,
        hides: bool = True,
        round_: float = 0.45,
    ) -> np.ndarray:
        """Draw a tube along a path (n, 3), darker by ``round_`` at its edges; returns its mask (H, W)."""
        path = np.asarray(path, float)
        points, z, scale = self.camera.project(path)
        radius = np.broadcast_to(np.asarray(radii, float), (len(path),)) * np.clip(scale, 0.2, 5)
        h, w = self.depth.shape
        drawn = np.zeros((h, w), bool)
        keep = np.abs(points).max(-1) < 8000
        for share in (1.0, 0.72, 0.4) if radius.mean() > 1.5 else (1.0,):
            tone = np.asarray(colour, np.float32) * np.float32(1 - round_ * (share - 0.4) / 0.6)
            for k in range(len(path) - 1):
                if not (keep[k] and keep[k + 1]):
                    continue
                wide = max(1, round(share * (radius[k] + radius[k + 1])))
                low = np.clip(np.floor(points[[k, k + 1]].min(0)).astype(int) - wide, 0, [w, h])
                high = np.clip(np.ceil(points[[k, k + 1]].max(0)).astype(int) + wide + 1, 0, [w, h])
                if (high <= low).any():
                    continue
                window = slice(low[1], high[1]), slice(low[0], high[0])
                mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
                ends = [tuple(np.round((points[j] - low) * 16).astype(int).tolist()) for j in (k, k + 1)]
                cv2.line(mask, ends[0], ends[1], 1, wide, cv2.LINE_8, 4)
                top = np.float32(max(z[k], z[k + 1]) + (radius[k] if radius[k] > 1 else 0))
                near = (mask > 0) & (top > self.depth[window] - TOLERANCE)
                self.image[window][near] = tone
                self.depth[window][near] = top
                self.front[window][near] = top if hides else -np.inf
                drawn[window] |= near
        return drawn

    def _plane(self, view: np.ndarray, across: np.ndarray, window: tuple[int, int, int, int]) -> np.ndarray:
        """Depth (h, w) of the plane of corners (n, 3) with a unit normal (3,), view axes, in a window."""
        x0, y0, x1, y1 = window
        far = self.camera.distance
        level = float(across @ view[0]) - far * across[2]
        a, b = float(across[0]), -float(across[1])
        c = -far * across[2] - a * self.camera.center[0] - b * self.camera.center[1]
        row = np.arange(x0, x1, dtype=np.float32) * np.float32(a) + np.float32(c)
        below = row + np.arange(y0, y1, dtype=np.float32)[:, None] * np.float32(b)
        below[np.abs(below) < 1e-3] = 1e-3
        z = np.float32(far) - np.float32(far * level) / below
        return z.clip(view[:, 2].min(), view[:, 2].max())

    def _light(self, across: np.ndarray) -> float:
        """Brightness of a face with a unit normal (3,) in view axes, on the side that is seen."""
        normal = (across if across[2] >= 0 else -across) @ self._rotation
        lamps = sum(lamp.strength * max(0.0, float(normal @ lamp.direction)) for lamp in self.lights)
        return 0.25 + self.ambient + lamps


def rectangle(x: float, y: float, half: tuple[float, float], turn: float = 0.0) -> np.ndarray:
    """Corners (4, 2), counter-clockwise, of a rectangle with half sides ``half``, turned by radians."""
    c, s = np.cos(turn), np.sin(turn)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.asarray(half)
    return corners @ np.array([[c, s], [-s, c]]) + [x, y]


def disc(
    x: float, y: float, radius: float, n: int = 28, squeeze: float = 1.0, turn: float = 0.0
) -> np.ndarray:
    """Corners (n, 2), counter-clockwise, of an ellipse."""
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    c, s = np.cos(turn), np.sin(turn)
    ring = np.stack([np.cos(t), squeeze * np.sin(t)], -1) * radius
    return ring @ np.array([[c, s], [-s, c]]) + [x, y]


def flat(ring: np.ndarray, z: float) -> np.ndarray:
    """A ring (n, 2) of the floor plane at height z, (n, 3)."""
    return np.column_stack([ring, np.full(len(ring), z)])
