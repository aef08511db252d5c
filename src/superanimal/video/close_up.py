"""The part of a picture round an animal, enlarged, to draw on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 420
"""Longest side of a close-up in pixels."""
MARGIN = 0.25
"""Margin around the points, as a fraction of their extent."""
SMALLEST = 0.3
"""Minimum side of the part, as a fraction of the shorter side of the picture, to show some surroundings."""


@dataclass(frozen=True)
class CloseUp:
    """A part of a picture.

    Attributes
    ----------
    corner, extent
        (2,) x and y in pixels of the picture.
    """

    corner: NDArray[np.int64]
    extent: NDArray[np.int64]

    @classmethod
    def of(cls, points: NDArray[np.floating], limit: NDArray[np.int64]) -> CloseUp:
        """Return the part round points (..., 2) of a picture of ``limit`` = width, height.

        Square if the picture allows it. Points that are NaN do not count; without any, the whole picture.
        """
        points = points.reshape(-1, 2)[np.isfinite(points.reshape(-1, 2)).all(-1)]
        if not len(points):
            return cls(np.zeros(2, np.int64), np.asarray(limit, np.int64))
        low, high = points.min(0), points.max(0)
        side = max(float((high - low).max()) * (1 + 2 * MARGIN), SMALLEST * float(limit.min()), 8.0)
        extent = np.minimum(np.full(2, np.ceil(side)), limit).astype(np.int64)
        corner = np.clip(np.rint((low + high - extent) / 2), 0, limit - extent).astype(np.int64)
        return cls(corner, extent)

    @property
    def scale(self) -> float:
        """Pixels of the close-up for a pixel of the picture."""
        return float(SIDE / self.extent.max())

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the close-up."""
        width, height = (max(1, round(side * self.scale)) for side in self.extent.tolist())
        return width, height

    def picture(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the close-up of a picture (H, W, 3)."""
        (x, y), (width, height) = self.corner, self.extent
        smooth = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_CUBIC
        part = np.ascontiguousarray(pixels[y : y + height, x : x + width])
        return np.asarray(cv2.resize(part, self.size, interpolation=smooth))

    def place(self, points: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return where points (..., 2) of the picture are in the close-up, pixel centres at integers."""
        return np.asarray((points - self.corner + 0.5) * self.scale - 0.5)
