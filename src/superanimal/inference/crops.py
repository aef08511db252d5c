"""Mapping between bounding boxes in the image and crops for the pose network.

The geometry is that of DeepLabCut 3's top-down models: the shorter side of the box grows until the
box has the network's aspect ratio, its corners are rounded to whole pixels (half to even), what lies
outside the image is black, and the cut-out is resized bilinearly without antialiasing. Enhanced mode
averages areas instead where the cut-out shrinks, so that thin tails and legs do not break up.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from superanimal.errors import InputError

FARTHEST = 1e7
"""Pixels from the corner of an image to the coordinates of any box."""
LARGEST_WINDOW = 2**28
"""Pixels of the image (black ones beyond it included) that one crop may cover."""


@dataclass(frozen=True)
class CropWindows:
    """The positions of n crops in their images.

    Attributes
    ----------
    offset : (n, 2) int64
        x, y of the top left corner in image pixels; may lie outside the image.
    extent : (n, 2) int64
        Width, height in image pixels.
    size : (2,) int
        Width, height of every crop as the network sees it.
    """

    offset: np.ndarray
    extent: np.ndarray
    size: tuple[int, int]

    @property
    def scale(self) -> np.ndarray:
        """Image pixels per crop pixel, (n, 2) as x, y."""
        return self.extent / np.asarray(self.size, dtype=np.float64)

    def to_image(self, points: np.ndarray) -> np.ndarray:
        """Map points (n, K, 2) from crop to image pixels."""
        return points * self.scale[:, None] + self.offset[:, None]


def crop_windows(boxes: np.ndarray, size: tuple[int, int], margin: float = 1.0) -> CropWindows:
    """Return the windows to cut for boxes (n, 4) given as x, y, width, height in image pixels.

    Parameters
    ----------
    boxes
        Computed in their own floating-point type, so float32 boxes round as they do in DeepLabCut.
    size
        Width, height of the network's input.
    margin
        Factor by which each box grows about its centre first (1 = not at all).

    Raises
    ------
    InputError
        When a box is implausibly far outside the image.
    """
    if (far := np.abs(boxes) > FARTHEST).any():
        raise InputError(
            f"a box at {', '.join(f'{value:.6g}' for value in boxes[far.any(1)][0].tolist())} (x, y, width, "
            "height)",
            f"no box lies more than {FARTHEST / 1e6:.0f} million pixels away",
            "correct the box, or the labels it was computed from",
        )
    width, height = boxes[:, 2] * margin, boxes[:, 3] * margin
    centre_x, centre_y = boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + boxes[:, 3] / 2
    aspect = size[0] / size[1]
    wide = width > height * aspect
    width, height = np.where(wide, width, height * aspect), np.where(wide, width / aspect, height)
    low = np.stack([np.rint(centre_x - width / 2), np.rint(centre_y - height / 2)], axis=1)
    high = np.stack([np.rint(centre_x + width / 2), np.rint(centre_y + height / 2)], axis=1)
    offset = low.astype(np.int64)
    return CropWindows(offset, np.maximum(high.astype(np.int64) - offset, 1), size)


def cut(
    image: np.ndarray,
    offset: np.ndarray,
    extent: np.ndarray,
    size: tuple[int, int],
    *,
    antialias: bool = False,
) -> np.ndarray:
    """Cut one window out of an image (H, W, 3) uint8 and resize it to (size[1], size[0], 3).

    ``antialias`` averages areas where the window is larger than ``size``.

    Raises
    ------
    InputError
        When the window is implausibly large for an animal.
    """
    x, y = int(offset[0]), int(offset[1])
    width, height = int(extent[0]), int(extent[1])
    rows, columns = image.shape[:2]
    if width * height > LARGEST_WINDOW:
        raise InputError(
            f"a box of {width} x {height} pixels in an image of {columns} x {rows}",
            f"a crop has at most {LARGEST_WINDOW / 1e6:.0f} million pixels",
            "correct the box, or the labels it was computed from",
        )
    x0, y0 = min(max(x, 0), columns), min(max(y, 0), rows)
    x1, y1 = min(max(x + width, x0), columns), min(max(y + height, y0), rows)
    part = image[y0:y1, x0:x1]
    if part.shape[:2] != (height, width):
        padded = np.zeros((height, width, image.shape[2]), image.dtype)
        padded[y0 - y : y1 - y, x0 - x : x1 - x] = part
        part = padded
    shrinks = antialias and width > size[0] and height > size[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(part), size, interpolation=method)
