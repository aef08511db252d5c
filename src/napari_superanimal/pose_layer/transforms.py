"""Copying the world transform (scale, translation, ...) from one layer to another."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Events of a layer that signal a changed transform.
TRANSFORMS = ("scale", "translate", "rotate", "shear", "affine", "units")


def copy_transform(source: Any, target: Any) -> None:
    """Copy the transform of a layer to another; a layer with fewer dimensions gets that of the last ones.

    Parameters
    ----------
    source
        Layer whose scale, translation, rotation, shear, affine matrix and units are copied.
    target
        Layer with at most as many dimensions.
    """
    n = target.ndim
    shear = np.asarray(source.shear)
    last = (
        n * (n - 1) // 2
    )  # shears are stored as the upper triangle, row by row, so those of the last axes come last
    target.scale = source.scale[-n:]
    target.translate = source.translate[-n:]
    target.rotate = np.asarray(source.rotate)[-n:, -n:]
    target.shear = shear[len(shear) - last :] if shear.ndim == 1 else shear[-n:, -n:]
    target.affine = np.asarray(source.affine.affine_matrix)[-n - 1 :, -n - 1 :]
    if hasattr(source, "units"):
        target.units = source.units[-n:]


def in_pixels(layer: Any, poses: Any, point: np.ndarray) -> np.ndarray:
    """Return a point of a layer, in its own coordinates, as y, x in pixels of the poses."""
    world = np.asarray(layer.data_to_world(point))
    origin = np.asarray(poses.data_to_world(np.zeros(poses.ndim)))
    return np.asarray(poses.world_to_data(np.concatenate([origin[:-2], world[-2:]])))[-2:]
