from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from superanimal.errors import InputError
from superanimal.labels import ImageRef, LabelledSet
from superanimal.training.networks.heads import (
    NEW,
    from_scratch,
    keypoint_axes,
    nearest_mapped,
    with_fresh_head,
    with_outputs,
)
from superanimal.zoo.entry import HeadSpec, Licence, ModelEntry
from superanimal.zoo.pose_model import PoseModel

OLD = ("nose", "left_ear", "right_ear", "tail_base")
PLAIN = {"deconv": [[1, 1, 0]], "final_conv": False, "locref": False}  # as in the released HRNet
DECONV = {"deconv": [[3, 2, 0]], "final_conv": False, "locref": True}  # as in the released ResNet
HEATMAP_CONV = {"deconv": [[3, 2, 8]], "final_conv": True, "locref": True}
CASES = {
    "mini": ("pyramid_pose", {"visibility": True}, HeadSpec(activation="softmax")),
    "sides": ("pyramid_pose", {"sides": True}, HeadSpec(activation="softmax")),
    "heatmaps": ("cspnext_s", PLAIN, HeadSpec(stride=32)),
    "offset maps": ("cspnext_s", DECONV, HeadSpec(stride=16, locref_std=7.28)),
    "final convolution": ("cspnext_s", HEATMAP_CONV, HeadSpec(stride=16, locref_std=7.28)),
    "rtmpose": ("rtmpose_s", {"input_size": (64, 64)}, HeadSpec("simcc", activation="softmax")),
}


def make_model(case: str) -> PoseModel:
    architecture, options, head = CASES[case]
    entry = ModelEntry(
        "old",
        "pose",
        "test",
        architecture,
        Licence("own", "", ""),
        options=options,
        num_keypoints=4,
        keypoint_names=OLD,
        input_size=(64, 64),
        head=head,
    )
    return from_scratch(entry, OLD, seed=3)


@pytest.fixture(scope="module", params=list(CASES))
def model(request: pytest.FixtureRequest) -> PoseModel:
    return make_model(request.param)


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def rows(maps: torch.Tensor, channels: list[int], keypoints: int) -> torch.Tensor:
    """Return the maps of some channels; offset maps hold x and y of each."""
    each = maps.shape[1] // keypoints
    return maps.unflatten(1, (keypoints, each))[:, channels]


def test_reordered_outputs_are_the_old_ones(model: PoseModel, picture: torch.Tensor) -> None:
    order = [2, 0, 3, 1]
    other = with_outputs(model, [OLD[i] for i in order], order)
    before, after = model.forward(picture), other.forward(picture)
    if "side" in before:  # of the whole animal
        torch.testing.assert_close(after.pop("side"), before["side"])
    for name, maps in after.items():
        torch.testing.assert_close(rows(maps, [0, 1, 2, 3], 4), rows(before[name], order, 4))


def test_selected_and_extended_outputs_leave_the_old_ones_alone(
    model: PoseModel, picture: torch.Tensor
) -> None:
    if model.head.kind == "simcc":
        pytest.skip("keypoints attend to each other in RTMPose; see the docstring of the module")
    other = with_outputs(model, ["tail_base", "hip", "nose", "tail_tip"], [3, NEW, 0, 3])
    before, after = model.forward(picture), other.forward(picture)
    after.pop("side", None)
    for name, maps in after.items():
        torch.testing.assert_close(rows(maps, [0, 2, 3], 4), rows(before[name], [3, 0, 3], 4))
    new = rows(after["heatmap"], [1], 4)
    assert not any(torch.allclose(new, rows(before["heatmap"], [i], 4)) for i in range(4))


def test_rtmpose_keeps_the_features_of_old_keypoints(picture: torch.Tensor) -> None:
    model = make_model("rtmpose")
    other = with_outputs(model, ["nose", "hip"], [0, NEW])
    features = model.network.backbone(picture)
    before, after = (m.network.heads["bodypart"].final_layer(features) for m in (model, other))
    torch.testing.assert_close(after[:, 0], before[:, 0])


def test_the_given_model_stays_as_it_is(model: PoseModel) -> None:
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    other = with_outputs(model, ["a", "b"], [1, NEW])
    with torch.no_grad():
        for parameter in other.network.parameters():
            parameter.add_(1.0)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.network.state_dict().items())
    assert model.keypoints == OLD and other.keypoints == ("a", "b")


def test_axes_of_offset_maps_have_two_rows() -> None:
    axes = keypoint_axes("resnet_50", {}, 4)
    head = "heads.bodypart.{}_head.deconv_layers.0.{}"
    assert axes[head.format("heatmap", "weight")] == (1, 1)  # a transposed convolution
    assert axes[head.format("locref", "bias")] == (0, 2)
    assert len(axes) == 4


def test_new_rows_follow_the_seed_and_the_spread_of_the_old_ones() -> None:
    model = make_model("heatmaps")
    name = "heads.bodypart.heatmap_head.deconv_layers.0.weight"
    one, same, other = (
        with_outputs(model, list("abcdefgh"), [NEW] * 8, seed=seed).network.state_dict()[name]
        for seed in (1, 1, 2)
    )
    assert torch.equal(one, same) and not torch.equal(one, other)
    old = model.network.state_dict()[name]
    assert 0.5 < float(one.std() / old.std()) < 2.0


def test_a_fresh_head_keeps_the_encoder_only(model: PoseModel) -> None:
    other = with_fresh_head(model, ["a", "b"], seed=9)
    before, after = model.network.state_dict(), other.network.state_dict()
    encoder = [name for name in after if name.startswith("backbone.")]
    assert encoder and all(torch.equal(before[name], after[name]) for name in encoder)
    learnt = [n for n, p in other.network.named_parameters() if n.endswith("weight") and p.ndim > 1]
    decoder = [name for name in learnt if name not in encoder and before[name].shape == after[name].shape]
    assert not any(torch.equal(before[name], after[name]) for name in decoder)


def test_the_entry_is_the_users_own() -> None:
    model = make_model("heatmaps")
    entry = with_outputs(model, ["a"], [2]).entry
    assert entry.keypoints == ("a",) and entry.outputs == 1 and not entry.embedded
    assert entry.head == model.head and entry.input_size == model.entry.input_size


def test_a_calibration_stays_with_the_head_it_was_fitted_on() -> None:
    model = make_model("heatmaps")
    fitted = replace(model.entry, head=replace(model.head, calibration=(1.0, 0.5, 0.0)))
    model = PoseModel(fitted, model.network)
    assert with_outputs(model, ["a"], [0]).head.calibration == (1.0, 0.5, 0.0)
    assert with_fresh_head(model, ["a"]).head.calibration is None
    assert from_scratch(fitted, ["a"]).head.calibration is None


@pytest.mark.parametrize(("names", "channels"), [(["a"], [4]), (["a"], [0, 1]), ([], [])])
def test_impossible_channels_are_refused(names: list[str], channels: list[int]) -> None:
    with pytest.raises(InputError):
        with_outputs(make_model("heatmaps"), names, channels)


def test_nearest_mapped_keypoint() -> None:
    xy = np.full((3, 4, 2), np.nan, np.float32)
    xy[:, 0], xy[:, 1], xy[:2, 2] = (0, 0), (10, 0), (8, 1)  # the fourth was never labelled
    labelled = LabelledSet(
        "s",
        ("nose", "tail", "hip", "paw"),
        [ImageRef("a")] * 3,
        np.arange(3),
        xy,
        np.isfinite(xy[..., 0]) * 2,
    )
    assert nearest_mapped(labelled, ["nose", "tail"]) == {"hip": "tail"}
