"""The embedded animal detector: the first stages of EfficientNet-lite0, one centre heatmap and box sizes.

It is class-free: every animal is a peak of the centre map. A box is the extent of the body and the
first half of the tail (tail1..tail3), which is stable whatever the tail's end does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from superanimal.zoo.architectures.pyramid_pose import FeaturePyramid

STRIDE = 8
LONG_SIDE = 320
MULTIPLE = 32
GREY = 114
CHANNELS = (40, 112)
"""Channels of the backbone stages at strides 8 and 16."""


class MiniDetector(nn.Module):
    """Centre-point detector; input (B, 3, H, W) normalised, H and W multiples of 32.

    Parameters
    ----------
    width
        Channels of the pyramid.
    size_prior
        How much a large animal is preferred, see :func:`decode`.
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


def letterbox(frame: np.ndarray, long_side: int = LONG_SIDE) -> tuple[np.ndarray, float]:
    """Resize a frame (H, W, 3) so that its long side is ``long_side`` and pad it with grey, right and below.

    Returns
    -------
    canvas : (h, w, 3) uint8
        Height and width multiples of 32.
    scale : float
        Canvas pixels per frame pixel.
    """
    h, w = frame.shape[:2]
    scale = long_side / max(h, w)
    size = max(1, round(w * scale)), max(1, round(h * scale))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    rows, columns = (-(-n // MULTIPLE) * MULTIPLE for n in (size[1], size[0]))
    canvas = np.full((rows, columns, 3), GREY, np.uint8)
    canvas[: size[1], : size[0]] = small
    return canvas, scale


def decode(
    outputs: dict[str, Tensor],
    scale: float,
    size: tuple[int, int],
    *,
    max_boxes: int = 32,
    floor: float = 0.02,
    size_prior: float = 0.0,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Turn network outputs into boxes: peaks of the centre map, then suppression of overlaps.

    Parameters
    ----------
    outputs
        What :meth:`MiniDetector.forward` returned for a batch.
    scale
        Canvas pixels per frame pixel.
    size
        (height, width) of the frame; boxes are clipped to it.
    max_boxes, floor
        Maximum number of boxes per frame, and their minimum score.
    size_prior
        A box that covers less than a quarter of the frame has its score multiplied by (4 × its share of the
        frame) to this power: who films an animal mostly fills the picture with it.

    Returns
    -------
    list of (boxes (n, 4) float32 xyxy frame pixels, scores (n,) float32), best first
    """
    from torchvision.ops import nms

    center = torch.sigmoid(outputs["center"].float())
    peak = functional.max_pool2d(center, 3, stride=1, padding=1) == center
    h, w = size
    found = []
    for score_map, is_peak, extent in zip(center[:, 0], peak[:, 0], outputs["extent"].float(), strict=True):
        score, index = (
            torch.where(is_peak, score_map, torch.zeros_like(score_map))
            .flatten()
            .topk(min(max_boxes, score_map.numel()))
        )
        index = index[score >= floor]
        score = score[score >= floor]
        columns = score_map.shape[1]
        offset_x, offset_y, width, height = extent.flatten(1)[:, index]
        x = (index % columns + 0.5 + offset_x) * STRIDE
        y = (index // columns + 0.5 + offset_y) * STRIDE
        half_w = torch.exp2(width.clamp(-3, 7)) * (STRIDE / 2)
        half_h = torch.exp2(height.clamp(-3, 7)) * (STRIDE / 2)
        # Canvas coordinates count from the corner; frame pixels have their centres at integers.
        boxes = torch.stack([x - half_w, y - half_h, x + half_w, y + half_h], -1) / scale - 0.5
        limits = torch.tensor([w - 0.5, h - 0.5, w - 0.5, h - 0.5])
        boxes = torch.minimum(boxes.clamp_min(-0.5), limits)
        share = (boxes[:, 2:] - boxes[:, :2]).prod(-1) / (h * w)
        score = score * (4 * share).clamp(1e-6, 1.0) ** size_prior
        keep = nms(boxes, score, 0.55)
        found.append((boxes[keep].numpy().astype(np.float32), score[keep].numpy().astype(np.float32)))
    return found


@torch.inference_mode()
def detect(
    network: MiniDetector, frames: Sequence[np.ndarray], long_side: int | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Find animals in frames of one size.

    Parameters
    ----------
    network
        In evaluation mode.
    frames
        (H, W, 3) uint8 RGB each, all of one size.
    long_side
        What they are scaled to; by default that of the network.

    Returns
    -------
    list of (boxes (n, 4) float32 xyxy, scores (n,) float32), best first, no threshold applied
    """
    if not len(frames):
        return []
    canvases, scales = zip(
        *(letterbox(frame, long_side or network.long_side) for frame in frames), strict=True
    )
    weight = network.center.weight
    batch = torch.from_numpy(np.stack(canvases)).to(weight.device).permute(0, 3, 1, 2).float()
    outputs = {n: value.cpu() for n, value in network(batch.div_(127.5).sub_(1.0).to(weight.dtype)).items()}
    return decode(outputs, scales[0], frames[0].shape[:2], size_prior=network.size_prior)
