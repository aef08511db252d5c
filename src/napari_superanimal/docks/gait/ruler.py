"""A length that is known in the picture: a line drawn by the user, and what a pixel measures there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_superanimal.pose_layer.drawn_shapes import draw, drawn_layer
from napari_superanimal.pose_layer.transforms import in_pixels
from superanimal.errors import InputError

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Points, Shapes

RULER = "known length"
"""Name of the layer of the line."""


def draw_ruler(viewer: ViewerModel, poses: Points) -> Shapes:
    """Let the user draw a line of known length; the layer for it is made when it does not exist."""
    ruler = draw(viewer, poses, RULER)
    ruler.mode = "add_line"
    return ruler


def ruler_of(viewer: ViewerModel) -> Shapes | None:
    """Return the layer of the known length, None without one."""
    return drawn_layer(viewer, RULER)


def length_of(ruler: Shapes | None, poses: Points) -> float:
    """Return how long the line drawn last is, in pixels of the poses; NaN when there is none."""
    if ruler is None or not len(ruler.data):
        return float("nan")
    ends = np.array([in_pixels(ruler, poses, end) for end in (ruler.data[-1][0], ruler.data[-1][-1])])
    return float(np.linalg.norm(ends[1] - ends[0]))


def metres_per_pixel(viewer: ViewerModel, poses: Points, length_m: float) -> float:
    """Return what a pixel of the poses measures where the line of known length was drawn.

    Parameters
    ----------
    viewer, poses
        The viewer, and the layer of the poses.
    length_m
        How long the line is, metres.

    Raises
    ------
    InputError
        When there is no line, or the length is not a positive number.
    """
    pixels = length_of(ruler_of(viewer), poses)
    if not pixels > 0:
        raise InputError(
            "no known length is drawn in the picture",
            f"a line in the layer {RULER!r} shows what {length_m * 100:g} cm are",
            "draw one, or set the length to 0",
        )
    if not (np.isfinite(length_m) and length_m > 0):
        raise InputError(f"the known length is {length_m:g} m", "it is a positive number")
    return length_m / pixels
