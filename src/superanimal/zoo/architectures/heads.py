"""Heatmap heads as the released and the user-trained weight files hold them.

A head is a stack of transposed convolutions (``deconv_layers``, ReLU between them) and an optional 1x1
convolution (``final_conv``). Which of them exist can be read from the names of the tensors.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class DeconvHead(nn.Module):
    """Transposed convolutions and an optional final 1x1 convolution.

    Parameters
    ----------
    in_channels, out_channels
        Channels of the features and of the maps.
    deconv
        One (kernel, stride, width) per transposed convolution, without padding; width 0 stands for
        ``out_channels``.
    final_conv
        Whether a 1x1 convolution follows.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        deconv: Sequence[tuple[int, int, int]],
        final_conv: bool,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = in_channels
        for kernel, stride, width in deconv:
            if layers:
                layers.append(nn.ReLU())
            layers.append(nn.ConvTranspose2d(channels, width or out_channels, kernel, stride))
            channels = width or out_channels
        self.deconv_layers: nn.Module = nn.Sequential(*layers) if layers else nn.Identity()
        self.final_conv: nn.Module = nn.Conv2d(channels, out_channels, 1) if final_conv else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        """Map features (B, C, h, w) to maps (B, out_channels, h', w')."""
        maps: Tensor = self.final_conv(self.deconv_layers(features))
        return maps


class HeatmapHead(nn.Module):
    """One heatmap per keypoint and, when ``locref`` is set, two offset maps per keypoint."""

    def __init__(
        self,
        in_channels: int,
        num_keypoints: int,
        *,
        deconv: Sequence[tuple[int, int, int]] = ((1, 1, 0),),
        final_conv: bool = False,
        locref: bool = False,
    ) -> None:
        super().__init__()
        self.heatmap_head = DeconvHead(in_channels, num_keypoints, deconv, final_conv)
        self.locref_head = DeconvHead(in_channels, 2 * num_keypoints, deconv, final_conv) if locref else None

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Map features (B, C, h, w) to ``heatmap`` (B, K, h', w') and ``locref`` (B, 2K, h', w')."""
        heads = {"heatmap": self.heatmap_head(features)}
        if self.locref_head is not None:
            heads["locref"] = self.locref_head(features)
        return heads


class TopDownNetwork(nn.Module):
    """A backbone and the head ``bodypart``, named as in the weight files."""

    def __init__(self, backbone: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.heads = nn.ModuleDict({"bodypart": head})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Map normalised images (B, 3, H, W) to a dict of raw heads."""
        heads: dict[str, Tensor] = self.heads["bodypart"](self.backbone(x))
        return heads
