"""A pose network from any timm backbone: a light feature pyramid and one heatmap per keypoint at stride 4.

Each heatmap is a distribution over cells: its soft-max is trained with cross-entropy, so the mass
around the peak is a confidence and the centroid of that window a sub-pixel position. Whether a keypoint
can be seen at all is a second question, which an optional head answers from the features where the
heatmap looks.

Seen from the side, left and right legs look alike: which is which follows from being near or far *and* from
the side that the animal shows. With ``sides`` the network says the side for the whole animal and has two maps
per keypoint, one for each; a heatmap is their mixture. Without, both legs get the same map with two peaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import timm
import torch
from timm.layers import Format
from torch import Tensor, nn
from torch.nn import functional

from superanimal.errors import InputError

STRIDE = 4
BACKBONE = "tf_efficientnet_lite0"


class FeaturePyramid(nn.Module):
    """Top-down sum of backbone stages, each reduced to ``width`` channels.

    Parameters
    ----------
    channels
        Channels of the stages, fine to coarse; no stage is larger than the one before.
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


class VisibilityHead(nn.Module):
    """Logit of each keypoint being in the picture and not hidden by something else.

    The features are averaged with the keypoint's heatmap as weights, so that they are those of the place
    it was found at; the height of its peak is told, too. Nothing flows back into the heatmaps from here.
    """

    def __init__(self, num_keypoints: int, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width + 1, width)
        self.weight = nn.Parameter(torch.zeros(num_keypoints, width))
        self.bias = nn.Parameter(torch.zeros(num_keypoints))

    def forward(self, features: Tensor, heatmap: Tensor) -> Tensor:
        """Features (B, C, h, w) and heatmap logits (B, K, h, w) to (B, K)."""
        mass = functional.log_softmax(heatmap.detach().flatten(2), -1)
        there = mass.exp() @ features.flatten(2).transpose(1, 2)
        peak = mass.amax(-1, keepdim=True)
        hidden = functional.relu(self.hidden(torch.cat([there, peak], -1)))
        # a product, not a sum over hidden * weight: OpenVINO 2026.4 adds the bias of another keypoint to that
        logits: Tensor = (hidden[..., None, :] @ self.weight[..., None])[..., 0, 0]
        return logits + self.bias


class SideHead(nn.Module):
    """Logit of the camera seeing the animal's own left side: from what is where in the crop.

    Of every feature the mean and its moments along x and y (-1..1 over the crop) are told.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(3 * width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Features (B, C, h, w) to (B,)."""
        height, width = features.shape[-2:]
        x = torch.linspace(-1, 1, width, device=features.device, dtype=features.dtype)
        y = torch.linspace(-1, 1, height, device=features.device, dtype=features.dtype)
        along_x = (features.mean(-2) * x).mean(-1)
        along_y = (features.mean(-1) * y).mean(-1)
        moments = torch.cat([features.mean((-2, -1)), along_x, along_y], -1)
        side: Tensor = self.out(functional.relu(self.hidden(moments)))
        return side[:, 0]


class PyramidFeatures(nn.Module):
    """Backbone, pyramid and one convolution: features at stride 4 for a head to read.

    Parameters
    ----------
    backbone
        Name of any timm model that can return its features.
    width
        Channels of the features.
    """

    def __init__(self, backbone: str, width: int) -> None:
        super().__init__()
        with torch.device("meta"):
            probe = feature_network(backbone)
        stages = feature_network(backbone, out_indices=_stages(probe.feature_info))
        self.backbone = stages
        self.channels_last = getattr(stages, "output_fmt", None) == Format.NHWC
        self.pyramid = FeaturePyramid(stages.feature_info.channels(), width)
        self.refine = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )

    def stages(self, images: Tensor) -> list[Tensor]:
        """Map images (B, 3, H, W) to the stages of the backbone, (B, C_i, h_i, w_i) each."""
        stages = self.backbone(images)
        return [stage.permute(0, 3, 1, 2) for stage in stages] if self.channels_last else list(stages)

    def features(self, stages: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Map the stages of pictures of a size (height, width) to (B, width, H/4, W/4)."""
        merged = self.pyramid(stages)
        wanted = [side // STRIDE for side in size]
        if list(merged.shape[-2:]) != wanted:  # a backbone without a stage at stride 4, such as a plain ViT
            merged = functional.interpolate(merged, size=wanted, mode="bilinear", align_corners=False)
        refined: Tensor = self.refine(merged)
        return refined


class PyramidPose(PyramidFeatures):
    """Heatmap network; input (B, 3, H, W) with H and W multiples of the backbone's coarsest stride.

    Parameters
    ----------
    num_keypoints
        K.
    backbone, width
        See :class:`PyramidFeatures`.
    visibility
        Whether to add a :class:`VisibilityHead`.
    sides
        Whether to add a :class:`SideHead` and a second map per keypoint.
    """

    def __init__(
        self,
        num_keypoints: int,
        backbone: str = BACKBONE,
        width: int = 64,
        visibility: bool = False,
        sides: bool = False,
    ) -> None:
        super().__init__(backbone, width)
        self.head = nn.Conv2d(width, (1 + sides) * num_keypoints, 1)
        self.side = SideHead(width) if sides else None
        self.visibility = VisibilityHead(num_keypoints, width) if visibility else None

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return the raw heads.

        ``heatmap`` (B, K, H/4, W/4), logits of a soft-max over cells; with those heads ``visibility`` (B, K),
        and ``side`` (B,), the logit of showing the left side.
        """
        return self.heads(self.stages(images), (images.shape[-2], images.shape[-1]))

    def heads(self, stages: Sequence[Tensor], size: tuple[int, int]) -> dict[str, Tensor]:
        """Return what :meth:`forward` does, from the stages of pictures of a size (height, width)."""
        features = self.features(stages, size)
        outputs = {"heatmap": self.head(features)}
        if self.side is not None:
            outputs["side"] = self.side(features)
            outputs["heatmap"] = mix_sides(outputs["heatmap"], outputs["side"])
        if self.visibility is not None:
            outputs["visibility"] = self.visibility(features, outputs["heatmap"])
        return outputs


def mix_sides(maps: Tensor, side: Tensor) -> Tensor:
    """Return the log-probability maps (B, K, h, w) of the mixture over both sides.

    Parameters
    ----------
    maps
        Shape (B, 2K, h, w): logits; of each keypoint first the map for an animal that shows its left side.
    side
        Shape (B,): logit of that.
    """
    height, width = maps.shape[-2:]
    mass = functional.log_softmax(maps.unflatten(1, (-1, 2)).flatten(3), -1)
    weight = functional.logsigmoid(torch.stack([side, -side], -1))
    return torch.logsumexp(mass + weight[:, None, :, None], 2).unflatten(-1, (height, width))


def feature_network(backbone: str, **options: Any) -> Any:
    """Build a timm backbone with random weights that returns its feature maps for pictures of any size.

    Vision transformers are told to adapt their position embedding, Swin transformers to take any window.

    Raises
    ------
    InputError
        When timm has no such backbone, or it does not return feature maps.
    """
    ways: list[dict[str, Any]] = [
        {"dynamic_img_size": True, "dynamic_img_pad": True},
        {"dynamic_img_size": True},
        {"strict_img_size": False},
        {},
    ]
    for flexible in ways:
        try:
            return timm.create_model(backbone, pretrained=False, features_only=True, **flexible, **options)
        except TypeError:  # the backbone has no such option
            continue
        except RuntimeError as error:
            raise InputError(
                f"backbone {backbone!r}: {error}",
                "any timm model with features_only can be one",
                "python -c \"import timm; print(timm.list_models('*NAME*'))\" lists them",
            ) from None
    raise InputError(f"backbone {backbone!r} does not return feature maps", "choose another timm model")


def _stages(info: Any) -> tuple[int, ...]:
    """Return which feature maps of a backbone to use: the last of each stride from 4 on.

    A plain ViT has one stride only; then it is all of those that timm returns.
    """
    last = dict(zip(info.reduction(), info.out_indices, strict=True))
    if len(last) == 1:
        return tuple(info.out_indices)
    return tuple(index for stride, index in last.items() if stride >= STRIDE)


def build(
    num_keypoints: int = 27,
    backbone: str = BACKBONE,
    width: int = 64,
    visibility: bool = False,
    sides: bool = False,
) -> PyramidPose:
    """Build the network with random weights (no download); see :class:`PyramidPose`."""
    return PyramidPose(num_keypoints, backbone, width, visibility, sides)
