"""The pyramid network takes any backbone, and its visibility head leaves the heatmaps alone."""

from __future__ import annotations

import pytest
import torch

from superanimal.zoo.architectures import pyramid_pose


@pytest.mark.parametrize(
    "backbone", ["tf_efficientnet_lite0", "resnet18", "convnext_atto", "vit_tiny_patch16_224"]
)
def test_any_backbone_gives_maps_at_stride_4(backbone: str) -> None:
    network = pyramid_pose.build(5, backbone=backbone, width=16, visibility=True).eval()
    with torch.inference_mode():
        outputs = network(torch.zeros(2, 3, 224, 224))
    assert outputs["heatmap"].shape == (2, 5, 56, 56)
    assert outputs["visibility"].shape == (2, 5)


def test_visibility_head_adds_tensors_and_changes_none() -> None:
    plain, more = pyramid_pose.build(3), pyramid_pose.build(3, visibility=True)
    added = set(more.state_dict()) - set(plain.state_dict())
    assert added and all(name.startswith("visibility.") for name in added)
    assert set(plain.state_dict()) <= set(more.state_dict())


def test_visibility_does_not_move_heatmaps() -> None:
    head = pyramid_pose.VisibilityHead(4, 8)
    torch.nn.init.normal_(head.weight)
    features = torch.randn(2, 8, 6, 6, requires_grad=True)
    heatmap = torch.randn(2, 4, 6, 6, requires_grad=True)
    head(features, heatmap).sum().backward()
    assert heatmap.grad is None
    assert features.grad is not None and features.grad.abs().sum() > 0


def test_visibility_reads_the_features_at_the_peak() -> None:
    head = pyramid_pose.VisibilityHead(1, 2)
    heatmap = torch.full((1, 1, 4, 4), -20.0)
    heatmap[0, 0, 1, 2] = 20.0
    features = torch.zeros(1, 2, 4, 4)
    torch.nn.init.ones_(head.weight)
    before = head(features, heatmap)
    features[0, :, 3, 3] = 5.0  # elsewhere
    assert torch.allclose(head(features, heatmap), before)
    features[0, :, 1, 2] = 5.0
    assert not torch.allclose(head(features, heatmap), before)


def test_two_maps_per_keypoint_are_mixed_by_the_side_that_is_seen() -> None:
    torch.manual_seed(0)
    maps = torch.randn(2, 6, 5, 4)
    left, right = (torch.softmax(maps[:, k::2].flatten(2), -1) for k in (0, 1))
    for side, share in ((torch.full((2,), 40.0), 1.0), (torch.full((2,), -40.0), 0.0), (torch.zeros(2), 0.5)):
        mixed = pyramid_pose.mix_sides(maps, side)
        assert mixed.shape == (2, 3, 5, 4)
        torch.testing.assert_close(mixed.flatten(2).exp(), share * left + (1 - share) * right)


def test_the_side_is_read_from_where_things_are() -> None:
    torch.manual_seed(0)
    head = pyramid_pose.SideHead(4)
    features = torch.rand(3, 4, 6, 8)
    moved = features.flip(-1)
    assert head(features).shape == (3,)
    assert not torch.allclose(head(features), head(moved))


def test_sides_are_an_output_and_double_the_head_alone() -> None:
    plain, more = pyramid_pose.build(5, width=16), pyramid_pose.build(5, width=16, sides=True).eval()
    with torch.inference_mode():
        outputs = more(torch.zeros(2, 3, 64, 96))
    assert outputs["heatmap"].shape == (2, 5, 16, 24) and outputs["side"].shape == (2,)
    torch.testing.assert_close(outputs["heatmap"].flatten(2).exp().sum(-1), torch.ones(2, 5))
    added = set(more.state_dict()) - set(plain.state_dict())
    assert added and all(name.startswith("side.") for name in added)
    old = plain.state_dict()
    changed = {n for n, t in more.state_dict().items() if n not in added and t.shape != old[n].shape}
    assert changed == {"head.weight", "head.bias"}
