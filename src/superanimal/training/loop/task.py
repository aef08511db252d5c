"""Tasks of the training loop: a network, its samples, its loss, and its validation."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from superanimal.evaluation.cases import areas
from superanimal.inference.crops import CropWindows
from superanimal.inference.decode import decode
from superanimal.labels.splits import image_key
from superanimal.poses.similarity import oks
from superanimal.training.data.samples import PoseSamples, Sample, Samples, data_hash
from superanimal.training.loop.losses import pose_loss
from superanimal.training.loop.recipe import Recipe
from superanimal.zoo.pose_model import PoseModel

VALIDATION_BATCH = 16


class Task(ABC):
    """A training task.

    Attributes
    ----------
    network
        Trained in place. Its backbone, which may have its own learning rate, is called ``backbone``.
    samples
        What is trained on.
    score
        Name of the figure of :meth:`validate` that decides which weights are best; larger is better.
    """

    network: nn.Module
    samples: Samples
    score: str

    @abstractmethod
    def loss(self, network: nn.Module, batch: Sample) -> dict[str, Tensor]:
        """Return scalars; ``"loss"`` is the one to minimise."""

    @abstractmethod
    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return held-out figures of a network in evaluation mode; empty without held-out data."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Return plain values that have to be the same for a run to be continued."""


class CropTask(Task):
    """A pose network on crops: how they enter it, and the masked loss.

    Parameters
    ----------
    model
        Its network is trained in place; its entry says what the crops and heads are.
    samples
        Training samples with ``image``, ``points``, ``visibility`` and ``weight``; see :class:`PoseSamples`.
    recipe
        Choices of the loss.
    """

    def __init__(self, model: PoseModel, samples: Samples, recipe: Recipe) -> None:
        self.model, self.network, self.samples = model, model.network, samples
        head = model.head
        soft = head.kind == "simcc" or head.activation == "softmax"
        self.sigma = recipe.sigma or (0.8 if soft else 2.0)
        self.absent_weight = recipe.absent_weight
        if self.absent_weight is None:
            self.absent_weight = 0.1 if soft else 1.0

    def loss(self, network: nn.Module, batch: Sample) -> dict[str, Tensor]:
        """Return the masked losses of :func:`superanimal.training.loop.losses.pose_loss`."""
        assert self.absent_weight is not None
        return pose_loss(
            self.outputs(network, batch),
            batch["points"],
            batch["visibility"],
            batch["weight"],
            self.model.head,
            sigma=self.sigma,
            absent_weight=self.absent_weight,
            side=batch.get("side"),
        )

    def outputs(self, network: nn.Module, batch: Sample) -> dict[str, Tensor]:
        """Return the raw heads of a batch."""
        outputs: dict[str, Tensor] = network(self.normalise(batch["image"]))
        return outputs

    def normalise(self, images: Tensor) -> Tensor:
        """Turn uint8 crops (B, 3, H, W) into the network's input, channels last."""
        entry = self.model.entry
        mean = torch.tensor(entry.mean, device=images.device).view(3, 1, 1) * 255
        std = torch.tensor(entry.std, device=images.device).view(3, 1, 1) * 255
        return ((images.float() - mean) / std).contiguous(memory_format=torch.channels_last)


class PoseTask(CropTask):
    """A pose network on crops of labelled animals.

    Parameters
    ----------
    model
        See :class:`CropTask`.
    samples
        Augmented training samples.
    held_out
        Samples as they are, for validation; None without.
    recipe
        Choices of the loss.
    """

    score = "oks"

    def __init__(
        self, model: PoseModel, samples: PoseSamples, held_out: PoseSamples | None, recipe: Recipe
    ) -> None:
        super().__init__(model, samples, recipe)
        self.animals, self.held_out = samples, held_out
        self._areas = areas(held_out.labelled, 0.0) if held_out is not None else None

    @torch.inference_mode()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return held-out figures with labelled boxes.

        ``oks``: mean object keypoint similarity of the animals; ``AP``: mean share of animals above the ten
        thresholds of COCO (no animal can be missed or invented here); ``error_px``: mean Euclidean error
        ("RMSE" of the paper) in image pixels; ``loss``.
        """
        if self.held_out is None:
            return {}
        device = next(network.parameters()).device
        points, losses = [], []
        for start in range(0, len(self.held_out), VALIDATION_BATCH):
            chosen = range(start, min(start + VALIDATION_BATCH, len(self.held_out)))
            batch = self.held_out_batch(chosen)
            batch = {key: value.to(device) for key, value in batch.items()}
            losses.append(float(self.loss(network, batch)["loss"]) * len(chosen))
            outputs = self.outputs(network, batch)
            windows = self.held_out.windows
            part = CropWindows(windows.offset[list(chosen)], windows.extent[list(chosen)], windows.size)
            points.append(decode(outputs, self.model.head, part, subpixel=True)[0])
        rows = self.held_out.rows
        labelled = self.held_out.labelled
        assert self._areas is not None
        distance = np.linalg.norm(np.concatenate(points) - labelled.xy[rows], axis=-1)
        similarity = oks(distance, self._areas[rows], self.held_out.space.sigmas)
        thresholds = np.linspace(0.5, 0.95, 10)
        known = np.isfinite(similarity)
        return {
            "oks": float(np.nanmean(similarity)) if known.any() else float("nan"),
            "AP": float((similarity[known, None] > thresholds).mean()) if known.any() else float("nan"),
            "error_px": float(np.nanmean(distance)) if np.isfinite(distance).any() else float("nan"),
            "loss": sum(losses) / len(self.held_out),
        }

    def held_out_batch(self, chosen: Sequence[int]) -> Sample:
        """Return some held-out animals as a batch."""
        assert self.held_out is not None
        return self.held_out.collate([self.held_out[n] for n in chosen])

    def identity(self) -> dict[str, Any]:
        """Return digests of the data, the images of both parts of the split, and what the model is."""
        entry = self.model.entry
        parts = {"train": self.animals, "validation": self.held_out}
        labelled = {name: part.labelled for name, part in parts.items() if part is not None}
        return {
            "data": {name: data_hash(part) for name, part in labelled.items()},
            "images": {
                name: [image_key(part, i) for i in range(len(part))] for name, part in labelled.items()
            },
            "weights": hashlib.sha256(self.animals.point_weights.tobytes()).hexdigest()[:16],
            "model": entry.architecture,
            "options": repr(sorted(entry.options.items())),
            "head": repr(entry.head),
            "keypoints": list(entry.keypoints),
            "input": [list(entry.input_size), list(entry.mean), list(entry.std), entry.crop_margin],
        }
