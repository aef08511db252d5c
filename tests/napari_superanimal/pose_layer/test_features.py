"""What is changed in napari's Features table is taken over, or told why not."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr

from napari_superanimal.pose_layer.layers import layer_to_poses, poses_to_layer
from superanimal.formats import LossWarning


@pytest.mark.parametrize("dense_limit", [10**6, 1])
def test_a_confidence_is_taken_and_counts_as_edited(pair: xr.Dataset, dense_limit: int) -> None:
    layer = poses_to_layer(pair, dense_limit=dense_limit)
    if dense_limit == 1:
        from napari.components import ViewerModel

        from napari_superanimal.pose_layer.playback import attach

        viewer = ViewerModel()
        viewer.add_layer(layer)
        attach(viewer, layer)
        viewer.dims.set_point(0, 0)
    row = int(np.flatnonzero(layer.shown)[0])
    layer.features.iloc[row, layer.features.columns.get_loc("confidence")] = 0.125
    poses = layer_to_poses(layer)
    assert (poses["confidence"] == 0.125).sum() == 1
    assert poses["edited"].sum() == 1
    np.testing.assert_array_equal(poses["position"], pair["position"])


def test_names_and_impossible_confidences_are_refused_with_a_word(pair: xr.Dataset) -> None:
    layer = poses_to_layer(pair)
    columns = layer.features.columns
    other = layer.features["keypoint"].cat.categories[1]
    layer.features.iloc[0, columns.get_loc("keypoint")] = other
    layer.features.iloc[1, columns.get_loc("confidence")] = 7
    with pytest.warns(LossWarning) as told:
        poses = layer_to_poses(layer)
    texts = [str(warning.message) for warning in told]
    assert any("1 change of keypoint in the Features table was not taken" in text for text in texts)
    assert any("confidence of 7" in text for text in texts)
    np.testing.assert_array_equal(poses["confidence"], pair["confidence"])
    assert "edited" not in poses or not poses["edited"].any()


def test_nothing_is_told_when_nothing_was_changed(pair: xr.Dataset) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer_to_poses(poses_to_layer(pair))
