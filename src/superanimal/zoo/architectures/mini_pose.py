"""The embedded pose network: EfficientNet-lite0 with a light feature pyramid, heatmaps at stride 4.

Each heatmap is a distribution over cells: its soft-max is trained with cross-entropy, so the mass
round the peak is a confidence and the centroid of that window a sub-pixel position.
"""

from __future__ import annotations

from collections.abc import Sequence

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 4
MEAN = (0.5, 0.5, 0.5)
STD = (0.5, 0.5, 0.5)


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
        self.pyramid = FeaturePyramid(self.backbone.feature_info.channels(), width)
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


def peaks(heatmap: Tensor, radius: int = 2) -> tuple[Tensor, Tensor]:
    """Decode soft-max heatmaps.

    Parameters
    ----------
    heatmap
        (B, K, h, w) logits.
    radius
        Half-size of the window round the peak, in cells.

    Returns
    -------
    cells : (B, K, 2) float32
        Centroid (x, y) of the window round the strongest cell, cell centres at integers.
    confidence : (B, K) float32
        Probability mass in that window.
    """
    b, k, h, w = heatmap.shape
    mass = functional.softmax(heatmap.float().flatten(2), -1)
    best = mass.argmax(-1)
    mass = mass.view(b, k, h, w)
    ys = torch.arange(h, device=heatmap.device)
    xs = torch.arange(w, device=heatmap.device)
    near_y = ((ys - (best // w)[..., None]).abs() <= radius).float()
    near_x = ((xs - (best % w)[..., None]).abs() <= radius).float()
    window = mass * near_y[..., None] * near_x[..., None, :]
    total = window.sum((-1, -2)).clamp_min(1e-12)
    x = (window.sum(-2) * xs).sum(-1) / total
    y = (window.sum(-1) * ys).sum(-1) / total
    return torch.stack([x, y], -1), total
