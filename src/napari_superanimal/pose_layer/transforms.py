"""Where layers lie in the world: scale, translation and the rest, copied from one layer to another."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Events of a layer that tell of another place in the world.
TRANSFORMS = ("scale", "translate", "rotate", "shear", "affine", "units")


def copy_transform(source: Any, target: Any) -> None:
    """Put a layer where another one is; the one of fewer dimensions has the last of the other's.

    Parameters
    ----------
    source
        Layer whose scale, translation, rotation, shear, affine matrix and units are taken.
    target
        Layer of no more dimensions.
    """
    n = target.ndim
    shear = np.asarray(source.shear)
    last = n * (n - 1) // 2  # shears are the upper triangle, row by row: those of the last axes come last
    target.scale = source.scale[-n:]
    target.translate = source.translate[-n:]
    target.rotate = np.asarray(source.rotate)[-n:, -n:]
    target.shear = shear[len(shear) - last :] if shear.ndim == 1 else shear[-n:, -n:]
    target.affine = np.asarray(source.affine.affine_matrix)[-n - 1 :, -n - 1 :]
    if hasattr(source, "units"):
        target.units = source.units[-n:]
