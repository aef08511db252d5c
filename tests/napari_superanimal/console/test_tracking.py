from __future__ import annotations

import numpy as np
from napari.components import ViewerModel

import napari_superanimal as plugin
from napari_superanimal.pose_layer.layers import layer_to_poses
from superanimal.poses import make_poses


def test_animals_that_change_slots_keep_their_names() -> None:
    time = np.arange(60)
    home = np.array([[40.0, 40.0], [160.0, 120.0]])
    shape = np.array([[0.0, 0.0], [8.0, 0.0], [16.0, 3.0], [24.0, 0.0]])
    position = home[None, :, None] + shape + 0.3 * time[:, None, None, None]  # (T, N, K, 2)
    position[30:] = position[30:, ::-1]  # the slots are exchanged
    poses = make_poses(
        position.transpose(0, 3, 2, 1), np.full((60, 4, 2), 0.9), keypoints=list("abcd"), fps=30.0
    )
    viewer = ViewerModel()
    plugin.show_poses(viewer, poses)
    layer = plugin.track_poses(viewer, "poses")
    assert layer.name == "poses tracked"
    steps = np.abs(np.diff(layer_to_poses(layer)["position"].values, axis=0))
    assert float(np.nanmax(steps)) < 1.0
