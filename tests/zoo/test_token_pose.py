"""The transformer head: any size of crop, one row per keypoint, keypoints that see each other."""

from __future__ import annotations

import pytest
import torch

from superanimal.zoo.architectures import build_network
from superanimal.zoo.architectures.token_pose import TokenPose, sine_positions


def small(keypoints: int = 5) -> TokenPose:
    torch.manual_seed(0)
    return TokenPose(keypoints, backbone="resnet18", width=16, dimension=32, depth=2, heads=4).eval()


@pytest.mark.parametrize("size", [(64, 96), (160, 160)])
def test_maps_at_stride_4_for_any_crop(size: tuple[int, int]) -> None:
    with torch.inference_mode():
        heatmap = small()(torch.zeros(2, 3, *size))["heatmap"]
    assert heatmap.shape == (2, 5, size[0] // 4, size[1] // 4)


def test_is_in_the_table_of_architectures() -> None:
    assert isinstance(build_network("token_pose", 3, backbone="resnet18", depth=1), TokenPose)


def test_swapping_tokens_swaps_maps() -> None:
    network, picture = small(), torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        before = network(picture)["heatmap"]
        network.tokens.copy_(network.tokens[[1, 0, 2, 3, 4]].clone())
        after = network(picture)["heatmap"]
    torch.testing.assert_close(after, before[:, [1, 0, 2, 3, 4]])


def test_keypoints_attend_to_each_other() -> None:
    network, picture = small(), torch.randn(1, 3, 64, 64)
    network(picture)["heatmap"][:, 0].sum().backward()
    assert network.tokens.grad is not None
    assert network.tokens.grad[1].abs().sum() > 0


def test_positions_are_all_different_and_start_with_y() -> None:
    codes = sine_positions(6, 7, 16, torch.zeros(1))
    assert codes.shape == (42, 16)
    assert len(torch.unique(codes, dim=0)) == 42
    torch.testing.assert_close(codes[0, :8], codes[6, :8])  # same row, same y
    torch.testing.assert_close(codes[0, 8:], codes[7, 8:])  # same column, same x


def test_learns_one_point() -> None:
    network = small(2).train()
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    picture, target = torch.randn(4, 3, 64, 64), torch.tensor([37, 200]).repeat(4, 1)
    losses = []
    for _ in range(25):
        logits = network(picture)["heatmap"].flatten(2)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.1 * losses[0]
