"""A transformer head: one token per keypoint asks the picture where its keypoint is.

In the style of AnimalTokenPose, the transformer of the SuperAnimal paper, which follows TokenPose (Li et
al. 2021, "TokenPose: Learning keypoint tokens for human pose estimation", ICCV): K learned keypoint tokens
and the patches of a feature map attend to each other, so that a keypoint can use where the others are.
Unlike there, a heatmap is the scalar product of the keypoint's token with the features at stride 4 and not
the output of a perceptron: the crop may have any size, and a new keypoint is one new row of ``tokens``.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from superanimal.zoo.architectures.pyramid_pose import BACKBONE, PyramidFeatures

PATCH = 4
"""Side of a patch of the feature map: 16 pixels of the crop."""


class TokenPose(PyramidFeatures):
    """Keypoint tokens over a feature pyramid; input (B, 3, H, W) with H and W multiples of 32.

    Parameters
    ----------
    num_keypoints
        K.
    backbone, width
        See :class:`~superanimal.zoo.architectures.pyramid_pose.PyramidFeatures`.
    dimension, depth, heads
        Size of a token, number of transformer layers, attention heads in each.
    """

    def __init__(
        self,
        num_keypoints: int,
        backbone: str = BACKBONE,
        width: int = 64,
        dimension: int = 192,
        depth: int = 6,
        heads: int = 8,
    ) -> None:
        super().__init__(backbone, width)
        self.patches = nn.Conv2d(width, dimension, PATCH, stride=PATCH)
        self.tokens = nn.Parameter(torch.randn(num_keypoints, dimension) * 0.02)
        layer = nn.TransformerEncoderLayer(
            dimension, heads, 3 * dimension, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.transformer = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.query = nn.Sequential(nn.LayerNorm(dimension), nn.Linear(dimension, width))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return ``{"heatmap": (B, K, H/4, W/4)}``, logits of a soft-max over cells."""
        features = self.features(self.stages(images), (images.shape[-2], images.shape[-1]))
        patches = self.patches(features)
        places = sine_positions(patches.shape[-2], patches.shape[-1], patches.shape[1], patches)
        seen = patches.flatten(2).transpose(1, 2) + places
        asked = self.tokens.expand(len(images), -1, -1)
        known = self.transformer(torch.cat([asked, seen], 1))[:, : self.tokens.shape[0]]
        queries = self.query(known)
        heatmap = torch.einsum("bkc,bchw->bkhw", queries, features) / math.sqrt(features.shape[1])
        return {"heatmap": heatmap}


def sine_positions(height: int, width: int, dimension: int, like: Tensor) -> Tensor:
    """Return sine codes (height * width, dimension) of the places of a grid, row by row (as in TokenPose).

    Half of the channels tell y, half tell x, each as sines and cosines of wavelengths from 2 pi to 20,000 pi
    cells.

    Parameters
    ----------
    dimension
        A multiple of 4.
    like
        Tensor whose device and type the result takes.
    """
    rates = torch.exp(
        torch.arange(0, dimension // 4, device=like.device) * (-math.log(1e4) / (dimension // 4))
    )
    codes = []
    for size in (height, width):
        angle = torch.arange(size, device=like.device)[:, None] * rates
        codes.append(torch.cat([angle.sin(), angle.cos()], -1))
    y = codes[0][:, None].expand(height, width, -1)
    x = codes[1][None].expand(height, width, -1)
    return torch.cat([y, x], -1).flatten(0, 1).to(like.dtype)


build = TokenPose
"""Build the network with random weights (no download)."""
