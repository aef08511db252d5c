"""Training targets of the centre-point detector, and its loss."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from superanimal.zoo import centre_boxes


def center_maps(
    boxes: NDArray[np.floating], ignore: NDArray[np.bool_], size: tuple[int, int]
) -> dict[str, NDArray[np.float32]]:
    """Return the maps at stride 8 that a network should put out for one frame.

    Parameters
    ----------
    boxes
        Shape (A, 4), x1, y1, x2, y2 in frame pixels with centres at integers; rows of NaN are skipped.
    ignore
        Shape (A,), animals that count neither as there nor as absent.
    size
        (height, width) of the frame in pixels.

    Returns
    -------
    dict
        ``center`` (h, w) 0..1, ``weight`` (h, w) 0 where an ignored animal is, ``extent`` (4, h, w) and
        ``owned`` (h, w) 1 where the extent counts.
    """
    stride = centre_boxes.STRIDE
    h, w = size[0] // stride, size[1] // stride
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    center, weight = np.zeros((h, w), np.float32), np.ones((h, w), np.float32)
    extent, owned = np.zeros((4, h, w), np.float32), np.zeros((h, w), np.float32)
    for box, skip in zip(boxes, ignore, strict=True):
        if np.isnan(box).any():
            continue
        (cx, cy), (bw, bh) = (
            (box[:2] + box[2:] + 1) / 2 / stride - 0.5,
            np.maximum(box[2:] - box[:2], 1.0) / stride,
        )
        sigma = max(0.7, 0.13 * float(np.sqrt(bw * bh)))
        blob = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma**2))
        if skip:
            weight[blob > 0.1] = 0
            continue
        i, j = int(np.clip(round(cy), 0, h - 1)), int(np.clip(round(cx), 0, w - 1))
        blob[i, j] = 1.0
        center = np.maximum(center, blob)
        near = (np.abs(x - j) <= 1) & (np.abs(y - i) <= 1) & (blob >= center)
        values = (cx - x, cy - y, np.full_like(x, np.log2(bw)), np.full_like(x, np.log2(bh)))
        for channel, value in zip(extent, values, strict=True):
            channel[near] = value[near]
        owned[near] = 1
        weight[i, j] = 1
    return {"center": center, "weight": weight, "extent": extent, "owned": owned}


def center_loss(network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    """Return the focal loss of the centre map (Zhou et al. 2019, CenterNet) plus the L1 loss of the extents.

    Parameters
    ----------
    network
        A :class:`~superanimal.zoo.architectures.mini_detector.MiniDetector`.
    batch
        ``image`` (B, 3, H, W) uint8 RGB, and the stacked maps of :func:`center_maps`.
    """
    images = (batch["image"].float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
    outputs = network(images)
    logits = outputs["center"][:, 0].float()
    center, weight = batch["center"], batch["weight"]
    p = torch.sigmoid(logits)
    positive = (center >= 0.999).float()
    hit = -functional.logsigmoid(logits) * (1 - p) ** 2 * positive
    miss = -functional.logsigmoid(-logits) * p**2 * (1 - center) ** 4 * (1 - positive)
    count = (positive * weight).sum().clamp_min(1)
    focal = ((hit + miss) * weight).sum() / count
    owned = batch["owned"][:, None]
    extent = (
        functional.smooth_l1_loss(outputs["extent"].float(), batch["extent"], reduction="none", beta=0.1)
        * owned
    ).sum()
    return focal + extent / owned.sum().clamp_min(1)
