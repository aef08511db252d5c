"""Training of animal detectors on the same labels and with the same loop as pose networks.

The boxes are those of the labels, or the extent of the labelled points. Three kinds are trained: the embedded
centre-point detector (``mini_detector``), and torchvision's SSDLite and Faster R-CNN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision import ops

from superanimal.errors import InputError, unknown_name
from superanimal.evaluation.coco import match_boxes
from superanimal.files import sha256_of
from superanimal.labels.labelled_set import LabelledSet
from superanimal.progress import Progress
from superanimal.training.data.frame_samples import FrameSamples, box_areas, corner_boxes
from superanimal.training.data.samples import Sample, data_hash
from superanimal.training.loop.fit import FitResult, run
from superanimal.training.loop.recipe import Recipe
from superanimal.training.loop.task import Task
from superanimal.training.networks.centers import center_loss
from superanimal.training.networks.new_model import LITE0, load_imagenet
from superanimal.zoo.architectures import ARCHITECTURES, build_network
from superanimal.zoo.catalog import shipped_catalog
from superanimal.zoo.checkpoint import write_weights
from superanimal.zoo.detector_model import DetectorModel
from superanimal.zoo.entry import ModelEntry
from superanimal.zoo.folder import write_entry

MINI = "mini_detector"


def new_detector(
    architecture: str = MINI,
    *,
    start: Literal["imagenet", "random"] = "imagenet",
    name: str = "detector",
    seed: int = 0,
) -> DetectorModel:
    """Build a detector to train.

    Parameters
    ----------
    architecture
        ``mini_detector``, ``ssdlite`` or one of torchvision's Faster R-CNNs.
    start
        ``"imagenet"`` for the backbone of ``mini_detector``; torchvision's start from ``"random"`` weights,
        or better from those of a released detector (:func:`superanimal.zoo.load_detector`).

    Raises
    ------
    NotFoundError
        When there is no such detector.
    InputError
        When ImageNet weights are asked for a detector that has none here.
    """
    known = [key for key, found in ARCHITECTURES.items() if found.kind == "detector"]
    if architecture not in known:
        raise unknown_name("detector", architecture, known)
    mini = architecture == MINI
    if start == "imagenet" and not mini:
        raise InputError(
            f"no ImageNet weights for {architecture}",
            "torchvision's detectors start from random numbers or from a trained detector",
            "start: random, or give a released detector as the base",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(architecture, 0 if mini else 2)
    if start == "imagenet":
        load_imagenet(network, LITE0)
    entry = ModelEntry(
        name=name,
        kind="detector",
        title=f"Animal detector, {architecture}",
        architecture=architecture,
        licence=shipped_catalog().licences["own"],
        num_classes=0 if mini else 2,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        threshold=0.2 if mini else 0.6,
        compatible_threshold=0.2 if mini else 0.6,
    )
    return DetectorModel(entry, network)


def fit_detector(
    detector: DetectorModel,
    train: LabelledSet,
    validation: LabelledSet | None,
    recipe: Recipe,
    folder: Path,
    *,
    frame_size: tuple[int, int] = (320, 320),
    progress: Progress | None = None,
    resume: bool = True,
) -> FitResult:
    """Train a detector on labelled images; it holds the best weights afterwards.

    Parameters
    ----------
    detector
        Trained in place.
    train, validation
        Labels; every animal needs a box or a labelled point.
    recipe
        Every choice; see :func:`superanimal.training.loop.fit.fit`.
    folder
        Where the run is kept.
    frame_size
        (width, height) of the training frames in pixels, multiples of 32.

    Raises
    ------
    InputError
        When no image has a box, or the folder holds another run.
    """
    maps = detector.entry.architecture == MINI
    frames = FrameSamples(train, frame_size, recipe, maps=maps)
    task = DetectorTask(detector, frames, validation)
    return run(task, recipe, Path(folder), progress=progress, resume=resume)


def release_detector(detector: DetectorModel, folder: Path) -> Path:
    """Write a trained detector as a model of the zoo: ``load_detector(folder)`` takes it as it is."""
    weights = folder / "weights.safetensors"
    tensors = write_weights(detector.network, weights, {})
    entry = replace(
        detector.entry, sha256=sha256_of(weights), tensors=tensors, filename=weights.name, weights=weights
    )
    write_entry(entry, weights)
    return folder


class DetectorTask(Task):
    """A detector on whole frames."""

    score = "AP"

    def __init__(
        self, detector: DetectorModel, samples: FrameSamples, validation: LabelledSet | None
    ) -> None:
        self.detector, self.network = detector, detector.network
        self.samples: FrameSamples = samples
        self.validation = validation

    def loss(self, network: nn.Module, batch: Sample) -> dict[str, Tensor]:
        """Return the detector's own losses and their sum."""
        if self.samples.maps:
            return {"loss": center_loss(network, batch)}
        images = batch["image"].float()
        mean, std = (
            torch.tensor(values, device=images.device).view(3, 1, 1)
            for values in (self.detector.entry.mean, self.detector.entry.std)
        )
        inputs = (images / 255 - mean) / std
        label = self.detector.entry.animal_class
        targets = []
        for boxes, ignore in zip(batch["boxes"], batch["ignore"], strict=True):
            chosen = boxes[torch.isfinite(boxes).all(1) & ~ignore & (box_areas(boxes) > 1)]
            targets.append({"boxes": chosen, "labels": torch.full((len(chosen),), label).to(images.device)})
        parts: dict[str, Tensor] = network.model(list(inputs), targets)  # type: ignore[operator]
        return {"loss": torch.stack(list(parts.values())).sum(), **parts}

    @torch.inference_mode()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return AP (mean over ten IoU thresholds), AP50, and the share of animals found as in use."""
        if self.validation is None:
            return {}
        detector = DetectorModel(self.detector.entry, network)
        truth, found = [], []
        boxes = corner_boxes(self.validation)
        for i in range(len(self.validation)):
            found.append(detector.detect([self.validation.pixels(i)])[0])
            mine = boxes[self.validation.animals_of(i)]
            truth.append(mine[np.isfinite(mine).all(1)])
        return box_figures(truth, found, detector.entry.threshold)

    def identity(self) -> dict[str, Any]:
        """Return digests of the data and what the detector is."""
        entry = self.detector.entry
        return {
            "data": {
                "train": data_hash(self.samples.labelled),
                "validation": "" if self.validation is None else data_hash(self.validation),
            },
            "model": entry.architecture,
            "frame": list(self.samples.size),
            "mean": [list(entry.mean), list(entry.std)],
        }


def box_figures(
    truth: Sequence[NDArray[np.floating]],
    found: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
    threshold: float,
) -> dict[str, float]:
    """Return COCO's AP and AP50, and recall and mean IoU of the boxes above a threshold.

    Parameters
    ----------
    truth
        Boxes (A, 4) of each image.
    found
        Boxes (n, 4) and scores (n,) of each image, best first.
    """
    recalled, overlaps = 0, []
    for boxes, (predicted, score) in zip(truth, found, strict=True):
        iou = ops.box_iou(
            torch.from_numpy(np.asarray(predicted, np.float32)), torch.from_numpy(boxes.astype(np.float32))
        ).numpy()
        best = iou[score >= threshold].max(0, initial=0)
        recalled += int((best >= 0.5).sum())
        overlaps += best[best >= 0.5].tolist()
    average = match_boxes(truth, found).summary(np.ones(len(truth), int))
    return {
        "AP": float(np.nan_to_num(average["AP"])),
        "AP50": float(np.nan_to_num(average["AP50"])),
        "found": recalled / max(sum(map(len, truth)), 1),
        "iou": float(np.mean(overlaps)) if overlaps else 0.0,
    }
