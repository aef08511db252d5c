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
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as v2
from torchvision.tv_tensors import BoundingBoxes, BoundingBoxFormat

from superanimal.errors import InputError, unknown_name
from superanimal.files import sha256_of
from superanimal.keypoints.labelled import LabelledSet
from superanimal.progress import Progress
from superanimal.training.augment import detector_targets
from superanimal.training.augmentation import erase, photometric
from superanimal.training.fit import FitResult, run
from superanimal.training.mini import detector_loss
from superanimal.training.networks import LITE0, load_imagenet
from superanimal.training.recipe import Recipe
from superanimal.training.samples import EXTENT_MARGIN, Sample, Samples, data_hash
from superanimal.training.task import Task
from superanimal.zoo.architectures import ARCHITECTURES, build_network, mini_detector
from superanimal.zoo.catalog import shipped_catalog
from superanimal.zoo.checkpoint import write_weights
from superanimal.zoo.detector_model import DetectorModel
from superanimal.zoo.entry import ModelEntry
from superanimal.zoo.folder import write_entry

MINI = "mini_detector"
VISIBLE_SHARE = 0.5
"""An animal of which less than this share lies in the frame counts neither as there nor as absent."""
IOUS = np.linspace(0.5, 0.95, 10)


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
        Every choice; see :func:`superanimal.training.fit.fit`.
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


class FrameSamples(Samples):
    """Augmented frames with their boxes; sample ``n`` is a function of (seed, n).

    A sample holds ``image`` (3, H, W) uint8, ``boxes`` (A, 4) float32 as x1, y1, x2, y2 in frame pixels with
    centres at integers, and ``ignore`` (A,) bool: so much of the animal is cut off that it does not count.
    Batches for a centre-point detector hold its ``maps`` as well.
    """

    def __init__(
        self, labelled: LabelledSet, frame_size: tuple[int, int], recipe: Recipe, *, maps: bool = True
    ) -> None:
        if any(side % mini_detector.MULTIPLE for side in frame_size):
            raise InputError(f"frame size {list(frame_size)}", "both sides are multiples of 32")
        self.labelled, self.size, self.recipe, self.maps = labelled, frame_size, recipe, maps
        self.boxes = corner_boxes(labelled)
        known = np.asarray(np.isfinite(self.boxes).all(1))
        self.images = np.array(
            [
                i
                for i in range(len(labelled))
                if len(labelled.animals_of(i)) and known[labelled.animals_of(i)].all()
            ],
            dtype=np.int64,
        )
        if not len(self.images):
            raise InputError(
                f"{labelled.name}: no image to train a detector on",
                "every animal of an image needs a box or a labelled point",
            )

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def __getitem__(self, position: int) -> Sample:
        """Return the frame at a position of the endless stream."""
        turn, place = divmod(position, len(self))
        seed, settings = self.recipe.seed, self.recipe.augmentation
        order = np.random.default_rng([seed, 1 << 31, turn]).permutation(len(self))
        rng = np.random.default_rng([seed, position])
        i = int(self.images[order[place]])
        picture = torch.from_numpy(self.labelled.pixels(i)).permute(2, 0, 1)
        corners = torch.from_numpy(self.boxes[self.labelled.animals_of(i)] + 0.5)
        turns = int(rng.integers(4)) if settings.rotation >= 90 else 0
        picture, corners = quarter_turns(picture, corners, turns)
        factor = float(np.exp(rng.uniform(*np.log(settings.scale))))
        shift = rng.uniform(-0.5, 0.5, 2) if settings.shift else np.full(2, 0.0)
        picture, corners = place_in_frame(picture, corners, self.size, factor, shift)
        if rng.random() < settings.flip:
            boxes = BoundingBoxes(corners, format=BoundingBoxFormat.XYXY, canvas_size=self.size[::-1])
            picture, corners = v2.horizontal_flip(picture), v2.horizontal_flip(boxes).as_subclass(Tensor)
        picture = erase(photometric(picture, settings, rng), settings, rng)
        limit = torch.tensor([*self.size, *self.size], dtype=corners.dtype)
        clipped = torch.minimum(corners.clamp_min(0), limit)
        share = _areas(clipped) / _areas(corners).clamp_min(1e-6)
        there = share > 0.02
        return {
            "image": picture.contiguous(),
            "boxes": (clipped[there] - 0.5).float(),
            "ignore": share[there] < VISIBLE_SHARE,
        }

    def collate(self, samples: list[Sample]) -> Sample:
        """Stack frames; boxes are padded with NaN, and a centre-point detector gets its maps."""
        most = max(1, *(len(sample["boxes"]) for sample in samples))
        boxes = torch.full((len(samples), most, 4), torch.nan)
        ignore = torch.zeros((len(samples), most), dtype=torch.bool)
        for row, sample in enumerate(samples):
            boxes[row, : len(sample["boxes"])] = sample["boxes"]
            ignore[row, : len(sample["boxes"])] = sample["ignore"]
        batch = {"image": torch.stack([s["image"] for s in samples]), "boxes": boxes, "ignore": ignore}
        if self.maps:
            size = (self.size[1], self.size[0])
            maps = [detector_targets(b.numpy(), i.numpy(), size) for b, i in zip(boxes, ignore, strict=True)]
            batch |= {name: torch.from_numpy(np.stack([m[name] for m in maps])) for name in maps[0]}
        return batch


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
        images = batch["image"].float()
        if self.samples.maps:
            inputs = (images / 127.5 - 1).contiguous(memory_format=torch.channels_last)
            return {"loss": detector_loss(network(inputs), batch)}
        mean, std = (
            torch.tensor(values, device=images.device).view(3, 1, 1)
            for values in (self.detector.entry.mean, self.detector.entry.std)
        )
        inputs = (images / 255 - mean) / std
        label = self.detector.entry.animal_class
        targets = []
        for boxes, ignore in zip(batch["boxes"], batch["ignore"], strict=True):
            chosen = boxes[torch.isfinite(boxes).all(1) & ~ignore & (_areas(boxes) > 1)]
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
            frame = torch.from_numpy(self.validation.pixels(i))
            found.append(detector.detect([frame])[0])
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


def corner_boxes(labelled: LabelledSet) -> NDArray[np.float32]:
    """Return x1, y1, x2, y2 of each animal (M, 4), pixel centres at integers; NaN where nothing tells."""
    boxes = labelled.boxes_or_extent(EXTENT_MARGIN)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def quarter_turns(picture: Tensor, corners: Tensor, turns: int) -> tuple[Tensor, Tensor]:
    """Turn a picture (3, H, W) and boxes (A, 4), counted from its corner, by quarters, anticlockwise."""
    for _ in range(turns):
        width = picture.shape[-1]
        picture = torch.rot90(picture, 1, (-2, -1))
        x1, y1, x2, y2 = corners.unbind(1)
        corners = torch.stack([y1, width - x2, y2, width - x1], 1)
    return picture, corners


def place_in_frame(
    picture: Tensor, corners: Tensor, size: tuple[int, int], factor: float, shift: NDArray[np.float64]
) -> tuple[Tensor, Tensor]:
    """Fit a picture (3, H, W) into a frame, enlarge it by a factor, and move it by the slack or the excess.

    Parameters
    ----------
    size
        (width, height) of the frame.
    shift
        x and y from -0.5 to 0.5: where in the free room, or which part of what does not fit.
    """
    height, width = picture.shape[-2:]
    zoom = min(size[0] / width, size[1] / height) * factor
    scaled = [max(1, round(height * zoom)), max(1, round(width * zoom))]
    boxes = BoundingBoxes(corners, format=BoundingBoxFormat.XYXY, canvas_size=(height, width))
    picture = v2.resize(picture, scaled, interpolation=InterpolationMode.BILINEAR, antialias=True)
    moved = v2.resize(boxes, scaled).as_subclass(Tensor)
    room = np.array([size[0] - scaled[1], size[1] - scaled[0]])
    left, top = (int(value) for value in np.rint(room * (0.5 + shift)))
    frame = torch.full((3, size[1], size[0]), mini_detector.GREY, dtype=torch.uint8)
    y0, x0 = max(top, 0), max(left, 0)
    part = picture[
        :, max(-top, 0) : max(-top, 0) + size[1] - y0, max(-left, 0) : max(-left, 0) + size[0] - x0
    ]
    frame[:, y0 : y0 + part.shape[1], x0 : x0 + part.shape[2]] = part
    return frame, moved + torch.tensor([left, top, left, top])


def box_figures(
    truth: Sequence[NDArray[np.floating]],
    found: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
    threshold: float,
) -> dict[str, float]:
    """Return AP, AP50, and recall and mean IoU of the boxes above a threshold.

    Parameters
    ----------
    truth
        Boxes (A, 4) of each image.
    found
        Boxes (n, 4) and scores (n,) of each image, best first.
    """
    scores, hits = [], []
    recalled, overlaps = 0, []
    total = sum(map(len, truth))
    for boxes, (predicted, score) in zip(truth, found, strict=True):
        iou = ops.box_iou(
            torch.from_numpy(np.asarray(predicted, np.float32)), torch.from_numpy(boxes.astype(np.float32))
        ).numpy()
        hits.append(np.stack([_match(iou, limit) for limit in IOUS], 1).reshape(len(score), len(IOUS)))
        scores.append(score)
        best = iou[score >= threshold].max(0, initial=0)
        recalled += int((best >= 0.5).sum())
        overlaps += best[best >= 0.5].tolist()
    order = np.argsort(-np.concatenate(scores), kind="stable")
    right = np.concatenate(hits)[order].astype(float)
    average = [_average_precision(right[:, n], total) for n in range(len(IOUS))]
    return {
        "AP": float(np.mean(average)),
        "AP50": average[0],
        "found": recalled / max(total, 1),
        "iou": float(np.mean(overlaps)) if overlaps else 0.0,
    }


def _match(iou: NDArray[np.floating], limit: float) -> NDArray[np.bool_]:
    """Return which predictions (n,), best first, find an animal no better one found, from IoU (n, A)."""
    free = np.ones(iou.shape[1], bool)
    hit = np.zeros(len(iou), bool)
    for row in range(len(iou)):
        open_iou = np.where(free, iou[row], 0)
        if len(open_iou) and open_iou.max() >= limit:
            hit[row], free[int(open_iou.argmax())] = True, False
    return hit


def _average_precision(right: NDArray[np.floating], total: int) -> float:
    """Return the area below the precision envelope of hits (n,), best score first."""
    if not total or not len(right):
        return 0.0
    hits = np.cumsum(right)
    precision = hits / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((envelope * right).sum() / total)


def _areas(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).clamp_min(0).prod(1)
