"""The networks, one module per family, found through one table.

Every module of this package has a function ``build`` that returns a ``torch.nn.Module`` in evaluation mode
whose parameters carry the names found in the weight files:

* pose: ``build(num_keypoints, **options)``; ``forward(x)`` takes normalised images (B, 3, H, W) and returns a
  dict of raw heads: ``"heatmap"`` (B, K, h, w), optionally ``"locref"`` (B, 2K, h, w) with x, y interleaved,
  or ``"simcc_x"`` (B, K, Wx) and ``"simcc_y"`` (B, K, Wy); optionally ``"visibility"`` (B, K), logits.
* detector: ``build(num_classes, **options)``; ``forward(images)`` takes a list of float images (3, H, W) and
  returns one dict per image with ``"boxes"`` (n, 4) xyxy in pixels, ``"scores"`` (n,) and ``"labels"`` (n,),
  best first, as torchvision's detectors do. A detector without classes has ``build()`` and brings its own
  ``detect(network, frames)`` for uint8 arrays (H, W, 3) of one size, which returns (boxes, scores) of each.

A new architecture is one new module and one line in :data:`ARCHITECTURES`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from superanimal.errors import unknown_name

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Architecture:
    """Where a network is built: module of this package and the options that make this variant."""

    kind: str
    module: str
    options: dict[str, Any] = field(default_factory=dict)


ARCHITECTURES: dict[str, Architecture] = {
    "hrnet_w18": Architecture("pose", "hrnet", {"width": 18}),
    "hrnet_w32": Architecture("pose", "hrnet", {"width": 32}),
    "hrnet_w48": Architecture("pose", "hrnet", {"width": 48}),
    "resnet_50": Architecture("pose", "resnet", {"backbone": "resnet50_gn"}),
    "resnet_101": Architecture("pose", "resnet", {"backbone": "resnet101"}),
    "rtmpose_s": Architecture("pose", "rtmpose", {"deepen": 0.33, "widen": 0.5}),
    "rtmpose_m": Architecture("pose", "rtmpose", {"deepen": 0.67, "widen": 0.75}),
    "rtmpose_x": Architecture("pose", "rtmpose", {"deepen": 1.33, "widen": 1.25}),
    "cspnext_s": Architecture("pose", "cspnext", {"deepen": 0.33, "widen": 0.5}),
    "cspnext_m": Architecture("pose", "cspnext", {"deepen": 0.67, "widen": 0.75}),
    "cspnext_x": Architecture("pose", "cspnext", {"deepen": 1.33, "widen": 1.25}),
    "pyramid_pose": Architecture("pose", "pyramid_pose"),
    "token_pose": Architecture("pose", "token_pose"),
    "fasterrcnn_mobilenet_v3_large_fpn": Architecture(
        "detector", "detectors", {"name": "fasterrcnn_mobilenet_v3_large_fpn"}
    ),
    "fasterrcnn_resnet50_fpn": Architecture("detector", "detectors", {"name": "fasterrcnn_resnet50_fpn"}),
    "fasterrcnn_resnet50_fpn_v2": Architecture(
        "detector", "detectors", {"name": "fasterrcnn_resnet50_fpn_v2"}
    ),
    "ssdlite": Architecture("detector", "detectors", {"name": "ssdlite"}),
    "mini_detector": Architecture("detector", "mini_detector"),
}


def build_network(architecture: str, outputs: int, **options: Any) -> nn.Module:
    """Build a network with random weights, in evaluation mode.

    Parameters
    ----------
    architecture
        A key of :data:`ARCHITECTURES`.
    outputs
        Number of keypoints (pose) or of classes with background (detector); 0 for a detector without classes.
    options
        Further arguments of the module's ``build``.

    Raises
    ------
    NotFoundError
        When there is no such architecture.
    """
    given = (outputs,) if outputs else ()
    found = _find(architecture)
    network: nn.Module = module_of(architecture).build(*given, **{**found.options, **options})
    return network.eval()


def build_empty(architecture: str, outputs: int, **options: Any) -> nn.Module:
    """Build a pose network whose weights are all going to be filled in (``load_state_dict(assign=True)``).

    It stands on the meta device, which spares random numbers, unless it holds constants that weight files do
    not contain, such as the rotary embedding of some vision transformers.
    """
    import torch

    with torch.device("meta"):
        network = build_network(architecture, outputs, **options)
    stored = network.state_dict()
    if all(name in stored for name, _ in network.named_buffers()):
        return network
    return build_network(architecture, outputs, **options)


def module_of(architecture: str) -> ModuleType:
    """Return the module that builds an architecture.

    Raises
    ------
    NotFoundError
        When there is no such architecture.
    """
    return import_module(f"superanimal.zoo.architectures.{_find(architecture).module}")


def _find(architecture: str) -> Architecture:
    if architecture not in ARCHITECTURES:
        raise unknown_name("architecture", architecture, ARCHITECTURES)
    return ARCHITECTURES[architecture]
