"""The embedded animal detector: the first stages of EfficientNet-lite0, one centre heatmap and box sizes.

It is class-free: every animal is a peak of the centre map. A box is the extent of the body and the
first half of the tail (tail1..tail3), which is stable whatever the tail's end does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import timm
import torch
from torch import Tensor, nn

from superanimal.zoo import centre_boxes
from superanimal.zoo.architectures.pyramid_pose import FeaturePyramid
from superanimal.zoo.centre_boxes import LONG_SIDE

CHANNELS = (40, 112)
"""Channels of the backbone stages at strides 8 and 16."""


class MiniDetector(nn.Module):
    """Centre-point detector; input (B, 3, H, W) normalised, H and W multiples of 32.

    Parameters
    ----------
    width
        Channels of the pyramid.
    size_prior
        How much a large animal is preferred, see :func:`superanimal.zoo.centre_boxes.decode`.
    long_side
        What frames are scaled to for a usual look, pixels.
    """

    def __init__(self, width: int = 64, size_prior: float = 0.0, long_side: int = LONG_SIDE) -> None:
        super().__init__()
        self.size_prior = size_prior
        self.long_side = long_side
        backbone: Any = timm.create_model(
            "tf_efficientnet_lite0", pretrained=False, features_only=True, out_indices=(2, 3)
        )
        backbone.blocks = nn.Sequential(*list(backbone.blocks.children())[:5])  # the rest is not used
        self.backbone = backbone
        self.pyramid = FeaturePyramid(CHANNELS, width)
        self.context = nn.Sequential(
            nn.Conv2d(width, width, 5, padding=4, dilation=2, groups=width, bias=False),
            nn.Conv2d(width, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        self.center = nn.Conv2d(width, 1, 1)
        self.extent = nn.Conv2d(width, 4, 1)
        nn.init.constant_(self.center.bias, -4.0)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return ``center`` (B, 1, h, w) logits and ``extent`` (B, 4, h, w) at stride 8.

        ``extent`` holds the offset (x, y) of the box centre from the cell centre in cells, and
        log2 of the box's width and height in cells.
        """
        features = self.context(self.pyramid(self.backbone(images)))
        return {"center": self.center(features), "extent": self.extent(features)}


def build(size_prior: float = 0.0, long_side: int = LONG_SIDE) -> MiniDetector:
    """Build the network with random weights (no download)."""
    return MiniDetector(size_prior=size_prior, long_side=long_side)


@torch.inference_mode()
def detect(
    network: MiniDetector, frames: Sequence[np.ndarray], long_side: int | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Find animals in frames; see :func:`superanimal.zoo.centre_boxes.detect`.

    Parameters
    ----------
    network
        In evaluation mode.
    frames
        (H, W, 3) uint8 RGB each.
    long_side
        What they are scaled to; by default that of the network.
    """
    weight = network.center.weight

    def maps(canvases: np.ndarray) -> dict[str, np.ndarray]:
        batch = torch.from_numpy(canvases).to(weight.device).permute(0, 3, 1, 2).float()
        found = network(batch.div_(127.5).sub_(1.0).to(weight.dtype))
        return {name: value.float().cpu().numpy() for name, value in found.items()}

    return centre_boxes.detect(maps, frames, long_side or network.long_side, network.size_prior)
