"""CSPNeXt, the backbone of RTMPose; here also with a heatmap head, as users train it in DeepLabCut.

Lyu et al. 2022, "RTMDet: an empirical study of designing real-time object detectors", arXiv:2212.07784.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from superanimal.zoo.architectures.heads import HeatmapHead, TopDownNetwork

_STAGE_BLOCKS = (3, 6, 6, 3)
_STAGE_WIDTHS = (64, 128, 256, 512, 1024)


class ConvModule(nn.Module):
    """Convolution without bias, batch normalisation, SiLU; keeps the size at stride 1."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, h, w) to (B, outputs, h/stride, w/stride)."""
        return functional.silu(self.norm(self.conv(x)))


class SeparableConv(nn.Module):
    """A depthwise 5x5 and a pointwise convolution, each normalised and activated."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise_conv = ConvModule(channels, channels, 5, groups=channels)
        self.pointwise_conv = ConvModule(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same shape."""
        out: Tensor = self.pointwise_conv(self.depthwise_conv(x))
        return out


class CSPBlock(nn.Module):
    """A 3x3 convolution and a separable one, with a shortcut when ``identity``."""

    def __init__(self, channels: int, identity: bool) -> None:
        super().__init__()
        self.conv1 = ConvModule(channels, channels, 3)
        self.conv2 = SeparableConv(channels)
        self.identity = identity

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same shape."""
        out: Tensor = self.conv2(self.conv1(x))
        return out + x if self.identity else out


class ChannelAttention(nn.Module):
    """Weigh each channel by a gate computed from its mean."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same shape."""
        return x * functional.hardsigmoid(self.fc(x.mean((2, 3), keepdim=True)))


class CSPLayer(nn.Module):
    """Cross-stage-partial layer: half of the channels pass through the blocks, half go straight on."""

    def __init__(self, channels: int, blocks: int, identity: bool) -> None:
        super().__init__()
        half = channels // 2
        self.main_conv = ConvModule(channels, half, 1)
        self.short_conv = ConvModule(channels, half, 1)
        self.blocks = nn.Sequential(*(CSPBlock(half, identity) for _ in range(blocks)))
        self.attention = ChannelAttention(2 * half)
        self.final_conv = ConvModule(2 * half, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same shape."""
        both = torch.cat((self.blocks(self.main_conv(x)), self.short_conv(x)), dim=1)
        out: Tensor = self.final_conv(self.attention(both))
        return out


class SPP(nn.Module):
    """Spatial pyramid: the features beside their maxima over 5, 9 and 13 cells."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = ConvModule(channels, half, 1)
        self.conv2 = ConvModule(4 * half, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same shape."""
        x = self.conv1(x)
        pooled = [functional.max_pool2d(x, size, 1, size // 2) for size in (5, 9, 13)]
        out: Tensor = self.conv2(torch.cat([x, *pooled], dim=1))
        return out


class CSPNeXt(nn.Module):
    """The backbone: (B, 3, H, W) to (B, 1024 * widen, H/32, W/32)."""

    def __init__(self, deepen: float, widen: float) -> None:
        super().__init__()
        widths = [int(width * widen) for width in _STAGE_WIDTHS]
        self.out_channels = widths[-1]
        self.stem = nn.Sequential(
            ConvModule(3, widths[0] // 2, 3, stride=2),
            ConvModule(widths[0] // 2, widths[0] // 2, 3),
            ConvModule(widths[0] // 2, widths[0], 3),
        )
        stages = []
        for i, count in enumerate(_STAGE_BLOCKS):
            last = i == len(_STAGE_BLOCKS) - 1
            layers: list[nn.Module] = [ConvModule(widths[i], widths[i + 1], 3, stride=2)]
            if last:
                layers.append(SPP(widths[i + 1]))
            layers.append(CSPLayer(widths[i + 1], max(round(count * deepen), 1), identity=not last))
            stages.append(nn.Sequential(*layers))
        self.stage1, self.stage2, self.stage3, self.stage4 = stages

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised images (B, 3, H, W) to features (B, C, H/32, W/32)."""
        for stage in (self.stem, self.stage1, self.stage2, self.stage3, self.stage4):
            x = stage(x)
        return x


def build(
    num_keypoints: int,
    *,
    deepen: float,
    widen: float,
    deconv: Sequence[tuple[int, int, int]] = (),
    final_conv: bool = True,
    locref: bool = True,
) -> nn.Module:
    """Build CSPNeXt with a heatmap head (stride 32 without transposed convolutions)."""
    backbone = CSPNeXt(deepen, widen)
    head = HeatmapHead(
        backbone.out_channels, num_keypoints, deconv=deconv, final_conv=final_conv, locref=locref
    )
    return TopDownNetwork(backbone, head)
