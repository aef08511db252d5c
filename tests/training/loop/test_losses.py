"""What is undefined has no gradient at all; absent trains the background, labelled the peak."""

from __future__ import annotations

import pytest
import torch

from superanimal.training.loop.losses import pose_loss, side_loss, visibility_loss
from superanimal.training.loop.targets import gaussian_maps, offset_maps
from superanimal.zoo.entry import HeadSpec

HEADS = {
    "softmax": HeadSpec("heatmap", stride=4, activation="softmax"),
    "sigmoid": HeadSpec("heatmap", stride=4, activation="sigmoid"),
    "none": HeadSpec("heatmap", stride=4, activation="none"),
    "locref": HeadSpec("heatmap", stride=8, activation="sigmoid", locref_std=7.28),
    "simcc": HeadSpec("simcc", stride=1, activation="softmax", simcc_split=2),
}
B, K, SIDE = 2, 3, 64


def raw(head: HeadSpec, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator).requires_grad_()

    if head.kind == "simcc":
        return {"simcc_x": noise(B, K, 2 * SIDE), "simcc_y": noise(B, K, 2 * SIDE)}
    cells = int(SIDE / head.stride)
    outputs = {"heatmap": noise(B, K, cells, cells), "visibility": noise(B, K)}
    if head.locref_std is not None:
        outputs["locref"] = noise(B, 2 * K, cells, cells)
    return outputs


def losses(outputs, visibility, head, points=None, weight=None, absent_weight=0.5):  # type: ignore[no-untyped-def]
    if points is None:
        points = torch.full((B, K, 2), 30.0)
    weight = torch.ones(B, K) if weight is None else weight
    flags = torch.tensor(visibility, dtype=torch.int8)
    return pose_loss(outputs, points, flags, weight, head, sigma=1.0, absent_weight=absent_weight)


def channel(outputs: dict[str, torch.Tensor], name: str, k: int) -> torch.Tensor:
    gradient = outputs[name].grad
    assert gradient is not None
    return gradient[:, 2 * k : 2 * k + 2] if name == "locref" else gradient[:, k]


@pytest.mark.parametrize("kind", HEADS)
def test_undefined_channels_have_no_gradient_to_the_last_bit(kind: str) -> None:
    outputs = raw(HEADS[kind])
    losses(outputs, [[2, -1, 0], [1, -1, 2]], HEADS[kind])["loss"].backward()
    for name in outputs:
        assert torch.count_nonzero(channel(outputs, name, 1)) == 0
        assert torch.count_nonzero(channel(outputs, name, 0)) > 0


@pytest.mark.parametrize("kind", HEADS)
def test_undefined_channels_may_hold_anything(kind: str) -> None:
    outputs = raw(HEADS[kind])
    spoilt = {name: value.detach().clone() for name, value in outputs.items()}
    for name, value in spoilt.items():
        value[:, slice(2, 4) if name == "locref" else 1] = torch.inf
        value.requires_grad_()
    flags = [[2, -1, 0], [1, -1, 2]]
    found = losses(spoilt, flags, HEADS[kind])["loss"]
    assert torch.equal(found, losses(outputs, flags, HEADS[kind])["loss"])
    found.backward()
    for name in spoilt:
        assert torch.count_nonzero(channel(spoilt, name, 1)) == 0


@pytest.mark.parametrize("kind", HEADS)
def test_all_undefined_is_zero_with_a_graph(kind: str) -> None:
    outputs = raw(HEADS[kind])
    loss = losses(outputs, [[-1] * K] * B, HEADS[kind])["loss"]
    loss.backward()
    assert float(loss.detach()) == 0
    assert all(torch.count_nonzero(value.grad) == 0 for value in outputs.values())


@pytest.mark.parametrize("kind", ["softmax", "sigmoid", "none"])
def test_labelled_trains_the_peak_and_absent_the_background(kind: str) -> None:
    head = HEADS[kind]
    outputs = {"heatmap": torch.zeros(B, K, 16, 16, requires_grad=True)}
    if kind == "softmax":  # a peak that should not be there
        outputs["heatmap"] = torch.zeros(B, K, 16, 16)
        outputs["heatmap"][:, 2, 7, 7] = 5
        outputs["heatmap"].requires_grad_()
    elif kind == "none":
        outputs["heatmap"] = torch.full((B, K, 16, 16), 0.3, requires_grad=True)
    losses(outputs, [[2, -1, 0]] * B, head, points=torch.full((B, K, 2), 30.0))["loss"].backward()
    gradient = outputs["heatmap"].grad
    assert gradient is not None
    assert int(gradient[0, 0].argmin()) == 7 * 16 + 7  # descent raises the cell of pixel 30 most
    assert gradient[0, 0, 7, 7] < 0 < gradient[0, 0, 0, 0]
    assert gradient[0, 2, 7, 7] > 0  # and lowers a peak of an absent keypoint


def test_softmax_loss_is_zero_at_its_target() -> None:
    cells = torch.full((B * K, 2), 30 / 4 - 0.5)
    target = gaussian_maps(cells, (16, 16), 1.0).view(B, K, 16, 16)
    outputs = {"heatmap": target.clamp_min(1e-20).log().requires_grad_()}
    loss = losses(outputs, [[2] * K] * B, HEADS["softmax"])["loss"]
    assert float(loss.detach()) == pytest.approx(0, abs=1e-5)


def test_a_point_counts_as_its_weight_says() -> None:
    outputs = raw(HEADS["none"])
    outputs.pop("visibility")
    weight = torch.tensor([[1.0, 0.0, 1.0]] * B)
    losses(outputs, [[2, 2, 2]] * B, HEADS["none"], weight=weight)["loss"].backward()
    assert torch.count_nonzero(channel(outputs, "heatmap", 1)) == 0
    alone = losses(raw(HEADS["none"]), [[2, -1, 2]] * B, HEADS["none"])["heatmap"]
    weighted = losses(raw(HEADS["none"]), [[2, 2, 2]] * B, HEADS["none"], weight=weight)["heatmap"]
    assert torch.allclose(alone, weighted)


def test_offset_maps_point_at_the_keypoint() -> None:
    offsets, near = offset_maps(torch.tensor([[3.25, 2.5]]), (8, 8), stride=8.0, std=4.0)
    assert offsets[0, :, 2, 3].tolist() == [0.25 * 8 / 4, 0.5 * 8 / 4]
    assert bool(near[0, 2, 3])
    assert not bool(near[0, 7, 7])


def test_simcc_peak_lies_at_the_bin_of_the_point() -> None:
    head = HEADS["simcc"]
    outputs = {name: torch.zeros(B, K, 2 * SIDE, requires_grad=True) for name in ("simcc_x", "simcc_y")}
    points = torch.tensor([20.0, 41.5]).expand(B, K, 2)
    losses(outputs, [[2] * K] * B, head, points=points)["loss"].backward()
    assert outputs["simcc_x"].grad[0, 0].argmin() == 40
    assert outputs["simcc_y"].grad[0, 0].argmin() == 83


def test_visibility_counts_hidden_and_absent_as_unseen() -> None:
    logits = torch.zeros(1, 4, requires_grad=True)
    visibility_loss(logits, torch.tensor([[2, 1, 0, -1]]), torch.ones(1, 4)).backward()
    assert logits.grad is not None
    assert torch.sign(logits.grad).tolist() == [[-1, 1, 1, 0]]


def test_the_side_counts_where_it_is_known() -> None:
    logits = torch.zeros(3, requires_grad=True)
    side_loss(logits, torch.tensor([1, 0, -1], dtype=torch.int8)).backward()
    assert logits.grad is not None
    assert torch.sign(logits.grad).tolist() == [-1, 1, 0]
    assert side_loss(logits, torch.full((3,), -1)).item() == 0.0
