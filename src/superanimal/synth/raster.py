"""Rasterise ellipsoids into depth, part index and normals; pure numpy with small windows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from superanimal.synth.body import Body
from superanimal.synth.camera import Camera


@dataclass(frozen=True)
class Raster:
    """A rendered body on the canvas.

    ``depth`` (H, W) is the height towards the camera in pixels, -inf where empty; ``part`` (H, W) the
    index of the ellipsoid in front, -1 where empty.
    """

    depth: np.ndarray
    part: np.ndarray

    @property
    def mask(self) -> np.ndarray:
        """(H, W) bool, where the body is."""
        return self.part >= 0

    def window(self, pad: int) -> tuple[slice, slice]:
        """Rows and columns that hold the body with ``pad`` pixels around it (at least one pixel)."""
        h, w = self.part.shape
        mask = self.mask
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if not len(rows):
            return slice(0, 1), slice(0, 1)
        return slice(max(0, rows[0] - pad), min(h, rows[-1] + pad + 1)), slice(
            max(0, columns[0] - pad), min(w, columns[-1] + pad + 1)
        )

    def crop(self, window: tuple[slice, slice]) -> Raster:
        """The part of this raster inside a window."""
        return Raster(self.depth[window], self.part[window])

    def without(self, hidden: np.ndarray) -> Raster:
        """What is left of this raster where ``hidden`` (H, W) bool is not set."""
        return Raster(np.where(hidden, -np.inf, self.depth), np.where(hidden, -1, self.part))


def rasterise(body: Body, camera: Camera, size: tuple[int, int]) -> Raster:
    """Draw a placed body.

    Parameters
    ----------
    body
        In the floor frame (see :func:`superanimal.synth.camera.place`).
    camera
        The view.
    size
        Canvas (height, width).
    """
    h, w = size
    depth = np.full((h, w), -np.inf, np.float32)
    part = np.full((h, w), -1, np.int16)
    image, height, scale = camera.project(body.centers)
    flip = np.diag([1.0, -1.0, 1.0])
    axes = flip @ camera.rotation
    cov = axes @ body.covariance @ axes.T * (scale**2)[:, None, None]
    cov[:, 0, 0] += 0.3  # nothing is thinner than about a pixel
    cov[:, 1, 1] += 0.3
    plane = cov[:, :2, :2]
    inverse = np.linalg.inv(plane)
    slope = np.einsum("ni,nij->nj", cov[:, 2, :2], inverse)
    swell = np.sqrt(np.maximum(cov[:, 2, 2] - np.einsum("ni,ni->n", slope, cov[:, 2, :2]), 1e-6))
    reach = np.sqrt(np.stack([cov[:, 0, 0], cov[:, 1, 1]], -1))
    low = np.maximum(np.ceil(image - reach), 0).astype(int)
    high = np.minimum(np.floor(image + reach), [w - 1, h - 1]).astype(int) + 1
    for k in np.flatnonzero((high > low).all(1)):
        (x0, y0), (x1, y1) = low[k], high[k]
        dx = np.arange(x0, x1, dtype=np.float32) - np.float32(image[k, 0])
        dy = np.arange(y0, y1, dtype=np.float32)[:, None] - np.float32(image[k, 1])
        (a, b), (_, c) = inverse[k].astype(np.float32)
        inside = 1 - (a * dx * dx) - (2 * b * dy) * dx - c * dy * dy
        np.maximum(inside, -1e-3, out=inside)
        z = np.sqrt(np.maximum(inside, 0)) * np.float32(swell[k])
        z += np.float32(slope[k, 0]) * dx + (np.float32(slope[k, 1]) * dy + np.float32(height[k]))
        window = depth[y0:y1, x0:x1]
        front = (inside >= 0) & (z > window)
        np.copyto(window, z, where=front)
        part[y0:y1, x0:x1][front] = k
    return Raster(depth, part)


def normals(raster: Raster, smooth: float = 1.0) -> np.ndarray:
    """Unit normals (H, W, 3) in view axes (x right, y down, z to the camera), from the smoothed depth."""
    filled: np.ndarray = np.where(raster.mask, raster.depth, 0).astype(np.float32)
    if smooth > 0:
        filled = cv2.GaussianBlur(filled, (0, 0), smooth)
    gx = cv2.Sobel(filled, cv2.CV_32F, 1, 0, scale=0.125)
    gy = cv2.Sobel(filled, cv2.CV_32F, 0, 1, scale=0.125)
    norm = 1 / np.sqrt(gx * gx + gy * gy + 1)
    return np.stack([-gx * norm, -gy * norm, norm], -1)
