"""ResNet with heatmaps and offset maps: the light SuperAnimal models.

He et al. 2016, "Deep residual learning for image recognition", CVPR; group normalisation after Wu & He 2018.
The last stage is dilated so that the features keep stride 16.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import timm
from torch import Tensor, nn

from superanimal.zoo.architectures.heads import HeatmapHead, TopDownNetwork


class ResNetBackbone(nn.Module):
    """A timm ResNet without its classifier: (B, 3, H, W) to (B, 2048, H/16, W/16)."""

    def __init__(self, name: str, output_stride: int) -> None:
        super().__init__()
        self.model: Any = timm.create_model(name, pretrained=False, output_stride=output_stride)
        self.model.fc = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised images (B, 3, H, W) to features (B, 2048, H/16, W/16)."""
        return self.model.forward_features(x)


def build(
    num_keypoints: int,
    *,
    backbone: str = "resnet50_gn",
    output_stride: int = 16,
    deconv: Sequence[tuple[int, int, int]] = ((3, 2, 0),),
    final_conv: bool = False,
    locref: bool = True,
) -> nn.Module:
    """Build a ResNet pose network; the defaults give the released SuperAnimal model (stride 8, offsets)."""
    body = ResNetBackbone(backbone, output_stride)
    head = HeatmapHead(2048, num_keypoints, deconv=deconv, final_conv=final_conv, locref=locref)
    return TopDownNetwork(body, head)
