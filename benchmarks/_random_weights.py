"""Weights without training that behave like trained ones: for parity tests where real weights cannot be had.

Random networks give dead or saturated outputs. Here the batch-normalisation statistics are taken from the
frames themselves and the last layer is scaled, so that heatmaps have distinct peaks between 0 and 1 and the
detector finds several boxes above DeepLabCut's threshold of 0.6.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from superanimal.zoo.architectures import build_network
from superanimal.zoo.detector_model import DetectorModel
from superanimal.zoo.entry import ModelEntry
from superanimal.zoo.pose_model import PoseModel


def make_pose_weights(entry: ModelEntry, frames: np.ndarray, path: Path, seed: int = 0) -> None:
    """Write a checkpoint of a pose model whose heatmaps on ``frames`` (n, H, W, 3) have distinct peaks."""
    torch.manual_seed(seed)
    model = PoseModel(entry, build_network(entry.architecture, entry.outputs, **entry.options))
    width, height = entry.input_size
    generator = np.random.default_rng(seed)
    crops = []
    for frame in frames:
        y = generator.integers(0, frame.shape[0] - height + 1)
        x = generator.integers(0, frame.shape[1] - width + 1)
        crops.append(frame[y : y + height, x : x + width])
    x = model.preprocess(torch.from_numpy(np.stack(crops)))
    network = model.network
    with torch.no_grad():
        _calibrate(network, lambda: network(x))
        layer = network.heads["bodypart"].heatmap_head.deconv_layers[0]
        heatmap = network(x)["heatmap"]
        std = heatmap.std(dim=(0, 2, 3))
        layer.weight.mul_((0.12 / std).view(1, -1, 1, 1))
        mean = network(x)["heatmap"].mean(dim=(0, 2, 3)) - layer.bias
        layer.bias.copy_(0.35 - mean)
    _save(network, path)


def make_detector_weights(entry: ModelEntry, frames: np.ndarray, path: Path, seed: int = 1) -> None:
    """Write a checkpoint of a detector that finds several boxes above its threshold on ``frames``."""
    torch.manual_seed(seed)
    network = build_network(entry.architecture, entry.outputs, lowest_score=0.0, **entry.options)
    images = DetectorModel(entry, network).preprocess(torch.from_numpy(frames))
    with torch.no_grad():
        _calibrate(network, lambda: network(list(images)))
        if hasattr(network.model, "roi_heads"):  # SSDLite keeps every box above 0.001 as it is
            _raise_scores(network, images)
    _save(network, path)


def _raise_scores(network: nn.Module, images: torch.Tensor) -> None:
    """Spread the scores of a Faster R-CNN so that its best boxes exceed 0.6."""
    predictor = network.model.roi_heads.box_predictor
    logits: list[torch.Tensor] = []
    hook = predictor.cls_score.register_forward_hook(lambda *call: logits.append(call[2]))
    predictor.bbox_pred.weight.mul_(5.0)
    for image in images:
        network([image])
    difference = torch.cat(logits)[:, 1] - torch.cat(logits)[:, 0]
    factor = 1.5 / difference.std()
    predictor.cls_score.weight.mul_(factor)
    predictor.cls_score.bias.zero_()
    high = torch.quantile(difference * factor, 0.97)
    predictor.cls_score.bias[1] += 0.8 - high
    hook.remove()


def _calibrate(network: nn.Module, run) -> None:
    """Set the statistics of batch normalisation to those of a run."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    run()
    network.eval()


def _save(network: nn.Module, path: Path) -> None:
    state = {key: value.contiguous() for key, value in network.state_dict().items()}
    torch.save({"model": state, "metadata": {"epoch": 0, "metrics": {}, "losses": {}}}, path)
