"""The embedded pose network: EfficientNet-lite0 with a light feature pyramid, heatmaps at stride 4.

Each heatmap is a distribution over cells: its soft-max is trained with cross-entropy, so the mass
round the peak is a confidence and the centroid of that window a sub-pixel position.
"""

from __future__ import annotations

from collections.abc import Sequence

import timm
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 4
CHANNELS = (24, 40, 112, 320)
"""Channels of the backbone stages at strides 4, 8, 16, 32."""


class FeaturePyramid(nn.Module):
    """Top-down sum of backbone stages, each reduced to ``width`` channels.

    Parameters
    ----------
    channels
        Channels of the stages, fine to coarse; each stage is half as large as the one before.
    width
        Channels of the pyramid.
    """

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1, bias=False) for c in channels)
        self.norm = nn.ModuleList(nn.BatchNorm2d(width) for _ in channels)

    def forward(self, stages: Sequence[Tensor]) -> Tensor:
        """Merge stages (B, C_i, h_i, w_i), fine to coarse, into (B, width, h_0, w_0)."""
        merged: Tensor | None = None
        for stage, lateral, norm in zip(
            reversed(stages), reversed(list(self.lateral)), reversed(list(self.norm)), strict=True
        ):
            level = norm(lateral(stage))
            if merged is not None:
                level = level + functional.interpolate(merged, size=level.shape[-2:], mode="nearest")
            merged = functional.relu(level)
        assert merged is not None
        return merged


class MiniPose(nn.Module):
    """Heatmap network for ``num_keypoints`` keypoints; input (B, 3, H, W), H and W multiples of 32."""

    def __init__(self, num_keypoints: int, width: int = 64) -> None:
        super().__init__()
        self.backbone = timm.create_model(
            "tf_efficientnet_lite0", pretrained=False, features_only=True, out_indices=(1, 2, 3, 4)
        )
        self.pyramid = FeaturePyramid(CHANNELS, width)
        self.refine = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        self.head = nn.Conv2d(width, num_keypoints, 1)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return ``{"heatmap": (B, K, H/4, W/4)}``, logits of a soft-max over cells."""
        return {"heatmap": self.head(self.refine(self.pyramid(self.backbone(images))))}


def build(num_keypoints: int = 27) -> MiniPose:
    """Build the network with random weights (no download)."""
    return MiniPose(num_keypoints)
