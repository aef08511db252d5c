"""Extract crops and frames from images by an affine map, and transform points accordingly."""

from __future__ import annotations

import cv2
import numpy as np


def crop_matrix(center: np.ndarray, side: float, size: int, angle: float, flip: bool) -> np.ndarray:
    """Affine (2, 3) from scene pixels to crop pixels, pixel centres at integers in both.

    Parameters
    ----------
    center : (2,) scene position of the crop's middle
    side : side of the crop in scene pixels
    size : side of the crop in crop pixels
    angle, flip : rotation in radians, and mirroring applied after it
    """
    k = size / side
    c, s = np.cos(angle) * k, np.sin(angle) * k
    linear = np.array([[c, -s], [s, c]])
    if flip:
        linear[0] *= -1
    middle = (size - 1) / 2
    return np.concatenate([linear, (middle - linear @ center)[:, None]], 1)


def warp(
    rng: np.random.Generator, image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Warp a scene (H, W, 3) uint8 into (height, width) = ``size``, mostly area-averaged when it shrinks."""
    h, w = size
    border = rng.choice([cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE], p=[0.75, 0.25])
    fill = (0.0, 0.0, 0.0) if rng.random() < 0.6 else tuple(float(v) for v in rng.uniform(0, 255, 3))
    shrink = 1 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if shrink > 1.3 and rng.random() < 0.65:
        double = np.concatenate([2 * matrix[:, :2], 2 * matrix[:, 2:] + 0.5], 1)
        large = cv2.warpAffine(
            image, double, (2 * w, 2 * h), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=fill
        )
        return cv2.resize(large, (w, h), interpolation=cv2.INTER_AREA)
    return cv2.warpAffine(image, matrix, (w, h), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=fill)


def move(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Apply an affine (2, 3) to points (..., 2)."""
    return points @ matrix[:, :2].T + matrix[:, 2]
