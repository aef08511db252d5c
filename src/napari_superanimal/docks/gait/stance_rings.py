"""Rings round the feet that stand, as an overlay of a pose layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_superanimal.pose_layer.colors import rgba_of
from superanimal.gait.limb_colors import limb_colors
from superanimal.gait.stances import stances_of, standing
from superanimal.poses import seconds

if TYPE_CHECKING:
    from napari_superanimal.pose_layer.table import PoseTable
    from superanimal.gait import GaitResult


def stance_rings(table: PoseTable, result: GaitResult) -> dict[str, Any]:
    """Return the options of the overlay "rings" for the stances of a result."""
    limbs: dict[str, list[str]] = result.facts["limbs"]
    time = seconds(table.template, result.facts.get("fps"), "gait analysis")
    stances = stances_of(result, float(time[-1]), float(time[0]))
    stand = np.stack([standing(stances, who, list(limbs), time) for who in table.individuals], axis=1)
    feet = [(k, point) for k, points in enumerate(limbs.values()) for point in points]
    colors = list(limb_colors(list(limbs)).values())
    rgba = np.array([rgba_of(colors[k]) for k, _ in feet], dtype=np.float32)
    return {
        "on": stand[:, :, [k for k, _ in feet]],
        "keypoints": [table.keypoints.index(point) for _, point in feet],
        "colors": rgba,
        "title": "stance",
    }
