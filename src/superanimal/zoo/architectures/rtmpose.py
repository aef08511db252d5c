"""RTMPose: a CSPNeXt backbone with a coordinate-classification (SimCC) head.

Jiang et al. 2023, "RTMPose: real-time multi-person pose estimation based on MMPose", arXiv:2303.07399;
SimCC after Li et al. 2022, the gated attention unit after Hua et al. 2022.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from superanimal.zoo.architectures.cspnext import CSPNeXt
from superanimal.zoo.architectures.heads import TopDownNetwork


class ScaleNorm(nn.Module):
    """Divide each vector by its root mean square and multiply by one learnt gain."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.scale = size**-0.5
        self.g = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise over the last axis."""
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True) * self.scale
        return x / norm.clamp(min=1e-5) * self.g


class Scale(nn.Module):
    """Multiply each channel by a learnt factor."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        """Multiply over the last axis."""
        return x * self.scale


class GatedAttention(nn.Module):
    """Gated attention unit with squared-ReLU attention between keypoints."""

    def __init__(self, size: int = 256, shared: int = 128, expansion: int = 2) -> None:
        super().__init__()
        hidden = size * expansion
        self.sizes = [hidden, hidden, shared]
        self.gamma = nn.Parameter(torch.rand(2, shared))
        self.beta = nn.Parameter(torch.rand(2, shared))
        self.o = nn.Linear(hidden, size, bias=False)
        self.uv = nn.Linear(size, 2 * hidden + shared, bias=False)
        self.ln = ScaleNorm(size)
        self.res_scale = Scale(size)

    def forward(self, x: Tensor) -> Tensor:
        """Map keypoint vectors (B, K, size) to the same shape."""
        u, v, base = torch.split(functional.silu(self.uv(self.ln(x))), self.sizes, dim=-1)
        query, key = (base.unsqueeze(2) * self.gamma + self.beta).unbind(dim=2)
        attention = functional.relu(query @ key.transpose(1, 2) / math.sqrt(self.sizes[2])).square()
        out: Tensor = self.res_scale(x) + self.o(u * (attention @ v))
        return out


class SimCCHead(nn.Module):
    """One classification over columns and one over rows for each keypoint."""

    def __init__(
        self, inputs: int, num_keypoints: int, input_size: tuple[int, int], split: float, size: int = 256
    ) -> None:
        super().__init__()
        width, height = input_size
        cells = (width // 32) * (height // 32)
        self.final_layer = nn.Conv2d(inputs, num_keypoints, 7, padding=3)
        self.mlp = nn.Sequential(ScaleNorm(cells), nn.Linear(cells, size, bias=False))
        self.gau = GatedAttention(size)
        self.cls_x = nn.Linear(size, int(width * split), bias=False)
        self.cls_y = nn.Linear(size, int(height * split), bias=False)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Map features (B, C, h, w) to ``simcc_x`` (B, K, W * split) and ``simcc_y`` (B, K, H * split)."""
        tokens = self.gau(self.mlp(self.final_layer(features).flatten(2)))
        return {"simcc_x": self.cls_x(tokens), "simcc_y": self.cls_y(tokens)}


def build(
    num_keypoints: int,
    *,
    deepen: float = 0.33,
    widen: float = 0.5,
    input_size: tuple[int, int] = (256, 256),
    split: float = 2.0,
) -> nn.Module:
    """Build RTMPose for crops of ``input_size`` (width, height) pixels with ``split`` bins per pixel."""
    backbone = CSPNeXt(deepen, widen)
    width, height = input_size
    head = SimCCHead(backbone.out_channels, num_keypoints, (width, height), split)
    return TopDownNetwork(backbone, head)
