"""HRNet with a heatmap head: the accurate SuperAnimal models.

Sun et al. 2019, "Deep high-resolution representation learning for human pose estimation", CVPR. The body is
timm's; of its four branches only the finest (stride 4) is used.
"""

from __future__ import annotations

from collections.abc import Sequence

import timm
from torch import Tensor, nn

from superanimal.zoo.architectures.heads import HeatmapHead, TopDownNetwork


class HRNetBackbone(nn.Module):
    """The finest branch of an HRNet: (B, 3, H, W) to (B, width, H/4, W/4)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.model = timm.create_model(
            f"hrnet_w{width}",
            pretrained=False,
            features_only=True,
            feature_location="",
            out_indices=(1, 2, 3, 4),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised images (B, 3, H, W) to features (B, width, H/4, W/4)."""
        finest: Tensor = self.model(x)[0]
        return finest


def build(
    num_keypoints: int,
    *,
    width: int = 32,
    deconv: Sequence[tuple[int, int, int]] = ((1, 1, 0),),
    final_conv: bool = False,
    locref: bool = False,
) -> nn.Module:
    """Build HRNet-W ``width``; the defaults give the released SuperAnimal head (stride 4, no offsets)."""
    head = HeatmapHead(width, num_keypoints, deconv=deconv, final_conv=final_conv, locref=locref)
    return TopDownNetwork(HRNetBackbone(width), head)
