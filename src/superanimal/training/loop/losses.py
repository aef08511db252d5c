"""Masked losses: keypoints that a data set does not define do not contribute to any gradient.

Ye et al. 2024 (SuperAnimal), Methods: the loss is the sum over keypoints of m_k l(H_k, H'_k), where m_k = 0
for a keypoint that the data set does not define (visibility -1) and 1 otherwise. A keypoint that is defined
but not there (0) trains the background, a labelled one (1, 2) trains the peak.

Undefined channels are left out before anything is computed, instead of being multiplied by 0: so their
gradient is exactly zero, even where the network's output is infinite.

Shapes: ``points`` (B, K, 2) float32 in crop pixels as the head counts them, finite everywhere; ``visibility``
(B, K) int8; ``weight`` (B, K) float32.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from superanimal.training.loop.targets import gaussian_lines, gaussian_maps, offset_maps
from superanimal.zoo.entry import HeadSpec

LOCREF_WEIGHT = 0.05
"""Weight of the offset maps in the total (DeepLabCut)."""
VISIBILITY_WEIGHT = 0.05
"""Weight of the visibility logits in the total."""
SIDE_WEIGHT = 0.1
"""Weight of the side logit in the total."""
SIMCC_BETA = 10.0
"""Inverse temperature of SimCC targets and logits (RTMPose: Jiang et al. 2023)."""


def pose_loss(
    outputs: Mapping[str, Tensor],
    points: Tensor,
    visibility: Tensor,
    weight: Tensor,
    head: HeadSpec,
    *,
    sigma: float,
    absent_weight: float,
    side: Tensor | None = None,
) -> dict[str, Tensor]:
    """Return the losses of a pose network's raw heads, each a scalar; ``"loss"`` is their total.

    Parameters
    ----------
    outputs
        ``heatmap`` (B, K, h, w) and perhaps ``locref`` (B, 2K, h, w), or ``simcc_x``, ``simcc_y``
        (B, K, bins); perhaps ``visibility`` (B, K), logits of being visible, and ``side`` (B,), the logit of
        showing the left side.
    points, visibility, weight
        See the module.
    head
        What the outputs mean. Soft-max heatmaps are trained with cross-entropy, sigmoid ones with binary
        cross-entropy, plain ones with squared error, as the models that use them are.
    sigma
        Width of the Gaussian targets in cells.
    absent_weight
        How much an absent keypoint counts, against 1 for a labelled one.
    side
        Shape (B,): 1 where the animal shows its left side, 0 the right one, -1 unknown. None: not known, so
        that the network finds out from the keypoints alone.
    """
    counts = torch.where(visibility > 0, 1.0, absent_weight) * weight
    parts: dict[str, Tensor] = {}
    if head.kind == "simcc":
        parts["simcc"] = simcc_loss(outputs, points, visibility, counts, head, sigma)
    else:
        cells = points / head.stride - 0.5
        parts["heatmap"] = heatmap_loss(outputs["heatmap"], cells, visibility, counts, head.activation, sigma)
        if head.locref_std is not None:
            locref = locref_loss(outputs["locref"], cells, visibility, weight, head)
            parts["locref"] = LOCREF_WEIGHT * locref
    if "visibility" in outputs:
        parts["visibility"] = VISIBILITY_WEIGHT * visibility_loss(outputs["visibility"], visibility, weight)
    if side is not None and "side" in outputs:
        parts["side"] = SIDE_WEIGHT * side_loss(outputs["side"], side)
    return {"loss": torch.stack(list(parts.values())).sum(), **parts}


def heatmap_loss(
    heatmap: Tensor, cells: Tensor, visibility: Tensor, counts: Tensor, activation: str, sigma: float
) -> Tensor:
    """Mean loss per counted keypoint of heatmaps (B, K, h, w).

    Parameters
    ----------
    cells
        Shape (B, K, 2): where each keypoint is, in cells (0 is the middle of the first one).
    counts
        Shape (B, K): how much each keypoint counts.
    activation
        ``"softmax"``: cross-entropy with a Gaussian that sums to 1; an absent keypoint is pulled towards the
        uniform map. ``"sigmoid"``, ``"none"``: against a Gaussian of height 1, or an empty map.
    """
    defined = visibility >= 0
    logits = heatmap[defined].float()
    present = visibility[defined] > 0
    height, width = heatmap.shape[-2:]
    target = gaussian_maps(cells[defined], (height, width), sigma)
    if activation == "softmax":
        target = target / target.sum((-2, -1), keepdim=True).clamp_min(1e-9)
        uniform = torch.full_like(target, 1 / (height * width))
        target = torch.where(present[:, None, None], target, uniform).flatten(1)
        log_mass = functional.log_softmax(logits.flatten(1), -1)
        entropy = (target * target.clamp_min(1e-20).log()).sum(1)
        each = entropy - (target * log_mass).sum(1)
    else:
        target = torch.where(present[:, None, None], target, torch.zeros_like(target))
        if activation == "sigmoid":
            cell = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        else:
            cell = functional.mse_loss(logits, target, reduction="none")
        each = cell.flatten(1).mean(1)
    return weighted_mean(each, counts[defined])


def locref_loss(locref: Tensor, cells: Tensor, visibility: Tensor, weight: Tensor, head: HeadSpec) -> Tensor:
    """Mean Huber loss of offset maps (B, 2K, h, w) within the radius around labelled points."""
    assert head.locref_std is not None
    batch, channels, height, width = locref.shape
    labelled = visibility > 0
    maps = locref.view(batch, channels // 2, 2, height, width)[labelled].float()
    target, near = offset_maps(cells[labelled], (height, width), head.stride, head.locref_std)
    each = functional.huber_loss(maps, target, reduction="none") * near[:, None]
    count = (2 * near.sum((-2, -1))).clamp_min(1)
    return weighted_mean(each.sum((1, 2, 3)) / count, weight[labelled])


def simcc_loss(
    outputs: Mapping[str, Tensor],
    points: Tensor,
    visibility: Tensor,
    counts: Tensor,
    head: HeadSpec,
    sigma: float,
) -> Tensor:
    """Mean Kullback-Leibler divergence of both axes (Li et al. 2022, SimCC), bins (B, K, n).

    The target of a labelled point is the soft-max of a Gaussian line; that of an absent one is uniform.
    """
    defined = visibility >= 0
    present = (visibility[defined] > 0)[:, None]
    total = points.new_zeros(int(defined.sum()))
    for axis, name in enumerate(("simcc_x", "simcc_y")):
        logits = outputs[name][defined].float() * SIMCC_BETA
        bins = logits.shape[-1]
        line = gaussian_lines(points[defined][:, axis] * head.simcc_split, bins, sigma * 4 * head.simcc_split)
        target = functional.softmax(torch.where(present, line * SIMCC_BETA, torch.zeros_like(line)), -1)
        log_mass = functional.log_softmax(logits, -1)
        total = total + functional.kl_div(log_mass, target, reduction="none").sum(-1)
    return weighted_mean(total, counts[defined])


def visibility_loss(logits: Tensor, visibility: Tensor, weight: Tensor) -> Tensor:
    """Mean binary cross-entropy of visibility logits (B, K); hidden and absent points are not visible."""
    defined = visibility >= 0
    seen = (visibility[defined] == 2).float()
    each = functional.binary_cross_entropy_with_logits(logits[defined].float(), seen, reduction="none")
    return weighted_mean(each, weight[defined])


def weighted_mean(each: Tensor, counts: Tensor) -> Tensor:
    """Return the mean of (n,) with weights (n,); 0 when there is nothing to count."""
    return (each * counts).sum() / counts.sum().clamp_min(1e-6)


def side_loss(logits: Tensor, side: Tensor) -> Tensor:
    """Mean binary cross-entropy of side logits (B,) where the side (B,) is known, that is not -1."""
    known = side >= 0
    each = functional.binary_cross_entropy_with_logits(
        logits[known].float(), side[known].float(), reduction="sum"
    )
    return each / known.sum().clamp_min(1)
