"""Show poses and take them out again, in a process of its own: what goes wrong here ends the process.

``python remove_layers.py HOW``; HOW is one of :data:`WAYS`.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

import napari_superanimal as plugin
from superanimal.poses import load_space, make_poses

WAYS = {
    "alone": lambda viewer, layer: viewer.layers.remove(layer),
    "selected": lambda viewer, layer: select_poses(viewer),
    "all": lambda viewer, layer: viewer.layers.clear(),
}


def select_poses(viewer: Any) -> None:
    """Select the pose layer and its overlays and press the trash can."""
    viewer.layers.selection = set(viewer.layers[1:])
    viewer.layers.remove_selected()


def make_mouse() -> Any:
    """Return poses of a mouse that walks: 50 times, 27 keypoints, with boxes."""
    keypoints = load_space("topviewmouse").keypoints
    rng = np.random.default_rng(0)
    position = rng.uniform(100, 200, (1, 2, len(keypoints), 1)) + 4 * np.arange(50)[:, None, None, None]
    corner = position.min(axis=2)
    boxes = np.concatenate([corner, position.max(axis=2) - corner], axis=1)
    confidence = np.ones((50, len(keypoints), 1))
    return make_poses(
        position, confidence, keypoints=keypoints, boxes=boxes, box_confidence=np.ones((50, 1)), fps=25
    )


def paint() -> None:
    for _ in range(20):
        QApplication.processEvents()
        time.sleep(0.01)


def main(how: str) -> None:
    viewer = napari.Viewer()
    for n in range(4):
        if not viewer.layers:
            viewer.add_image(np.zeros((50, 480, 640), np.uint8))
        layer = plugin.show_poses(viewer, make_mouse(), name="mouse")
        plugin.show_boxes(viewer, layer)
        plugin.show_trails(viewer, layer)
        paint()
        viewer.dims.set_point(0, n + 3)
        paint()
        WAYS[how](viewer, layer)
        paint()
        assert len(viewer.layers) == (0 if how == "all" else 1), viewer.layers
    viewer.close()


if __name__ == "__main__":
    main(sys.argv[1])
