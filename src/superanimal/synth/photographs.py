"""Grain and clutter of real photographs for rendered scenes: the free sample pictures of scikit-image.

Only pictures without animals are taken: textures of grass, gravel and bricks (CC0), and photographs of a
coffee cup, a rocket, an astronaut and a motorcycle (CC0 or public domain). They are read from the installed
package; none is part of this software.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files

import cv2
import numpy as np
from PIL import Image

TEXTURES = ("grass.png", "gravel.png", "brick.png")
PHOTOGRAPHS = ("coffee.png", "rocket.jpg", "astronaut.png", "motorcycle_left.png")


@cache
def _picture(name: str) -> np.ndarray:
    """Return a sample picture, (H, W, 3) float32 RGB 0..1, at most 512 px high."""
    with as_file(files("skimage.data") / name) as path:
        image = np.asarray(Image.open(path).convert("RGB"), np.float32) / 255
    k = min(1.0, 512 / len(image))
    return np.asarray(cv2.resize(image, None, fx=k, fy=k, interpolation=cv2.INTER_AREA))


def grain(rng: np.random.Generator, h: int, w: int) -> np.ndarray:
    """Return the grain of a real ground, (h, w) float32 with mean about 1, flattened as in perspective."""
    picture = _picture(str(rng.choice(TEXTURES)))[..., 1]
    zoom = np.exp(rng.uniform(np.log(0.25), np.log(1.5)))
    field = _cut(rng, picture, h, w, zoom, zoom * rng.uniform(0.3, 1.0))
    return (1 + rng.uniform(0.3, 1.0) * (field / max(float(field.mean()), 0.05) - 1)).astype(np.float32)


def scenery(rng: np.random.Generator, h: int, w: int) -> np.ndarray:
    """Return a piece of a real photograph in other colours, (h, w, 3) float32 RGB."""
    zoom = np.exp(rng.uniform(np.log(0.4), np.log(2.0)))
    image = _cut(rng, _picture(str(rng.choice(PHOTOGRAPHS))), h, w, zoom, zoom)
    image = image[..., rng.permutation(3)] * rng.uniform(0.5, 1.3, 3).astype(np.float32)
    return image ** np.float32(np.exp(rng.normal(0, 0.3)))


def _cut(
    rng: np.random.Generator, picture: np.ndarray, h: int, w: int, zoom_x: float, zoom_y: float
) -> np.ndarray:
    """Return a random piece of a picture, mirrored at its edges where it is too small."""
    high, wide = picture.shape[:2]
    shift = rng.uniform(0, 1, 2) * [wide, high]
    flip = 1.0 if rng.random() < 0.5 else -1.0
    matrix = np.array([[flip / zoom_x, 0, shift[0]], [0, 1 / zoom_y, shift[1]]], np.float32)
    small = min(zoom_x, zoom_y)
    if small < 0.7:  # no aliasing where it shrinks
        picture = cv2.GaussianBlur(picture, (0, 0), 0.4 / small)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, matrix, (w, h), flags=flags, borderMode=cv2.BORDER_REFLECT)
