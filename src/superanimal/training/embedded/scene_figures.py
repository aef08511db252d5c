"""Evaluating a model on rendered scenes with exact ground truth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torchvision import ops

from superanimal.inference.crops import CropWindows
from superanimal.inference.decode import decode
from superanimal.training.data.samples import Sample
from superanimal.training.embedded.scene_samples import SceneCrops, SceneFrames
from superanimal.zoo.detector_model import DetectorModel
from superanimal.zoo.entry import HeadSpec
from superanimal.zoo.pose_model import PoseModel

BATCH = 16
SCORE = 0.3
"""From which on a box counts here."""
TOLERANCE = 0.1
"""A keypoint is near when it lies within this share of the body length of the truth."""


@torch.inference_mode()
def answers(
    model: PoseModel, samples: SceneCrops, count: int
) -> Iterator[tuple[dict[str, Tensor], dict[str, np.ndarray]]]:
    """Yield what a network puts out for the first ``count`` crops, and their truth, batch by batch."""
    for start in range(0, count, BATCH):
        batch: Sample = samples.collate([samples[n] for n in range(start, min(start + BATCH, count))])
        outputs = model.forward(model.preprocess(batch.pop("image").permute(0, 2, 3, 1)))
        yield outputs, {name: value.numpy() for name, value in batch.items()}


def located(
    outputs: dict[str, Tensor], truth: dict[str, np.ndarray], head: HeadSpec, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances (n, K) from the truth, in crop pixels, and the confidences (n, K).

    Parameters
    ----------
    outputs, truth
        See :func:`answers`. Distances mean something where ``visibility`` is above 0 only.
    head
        How the outputs are decoded.
    size
        Side of the crops in pixels.
    """
    count = len(truth["points"])
    windows = CropWindows(np.zeros((count, 2), np.int64), np.full((count, 2), size), (size, size))
    points, confidence = decode(outputs, head, windows, subpixel=True)
    return np.linalg.norm(points + head.pixel_shift - truth["points"], axis=-1), confidence


def measure_pose(model: PoseModel, samples: SceneCrops, count: int = 256) -> dict[str, float]:
    """Return errors in crop pixels over the keypoints in the crop, hidden ones too.

    ``median_px``, ``mean_px``; ``body_mean_px``: without the loose keypoints; ``within_10pct``: share within
    a tenth of the body length (at least 25 px) of the truth; ``confidence``: its mean.
    """
    errors, lengths, sure = [], [], []
    for outputs, truth in answers(model, samples, min(count, len(samples))):
        distance, confidence = located(outputs, truth, model.head, samples.subject.crop)
        inside = truth["visibility"] > 0
        errors.append(np.where(inside, distance, np.nan))
        sure.append(np.where(inside, confidence, np.nan))
        lengths.append(np.maximum(truth["length"], 25))
    error = np.concatenate(errors)
    near = np.where(np.isnan(error), np.nan, error < TOLERANCE * np.concatenate(lengths)[:, None])
    body = [k for k, name in enumerate(samples.subject.keypoints) if name not in samples.subject.loose]
    return {
        "median_px": round(float(np.nanmedian(error)), 2),
        "mean_px": round(float(np.nanmean(error)), 2),
        "body_mean_px": round(float(np.nanmean(error[:, body])), 2),
        "within_10pct": round(float(np.nanmean(near)), 4),
        "confidence": round(float(np.nanmean(np.concatenate(sure))), 3),
    }


def measure_detector(detector: DetectorModel, samples: SceneFrames, count: int = 200) -> dict[str, float]:
    """Return recall, precision and their harmonic mean ``f1`` (IoU 0.5), and the mean ``iou`` of the hits."""
    truth = found = 0
    overlaps: list[float] = []
    for n in range(min(count, len(samples))):
        sample = samples[n]
        boxes, scores = detector.detect([sample["image"].permute(1, 2, 0).numpy()])[0]
        ignored = sample["ignore"].numpy()
        iou = ops.box_iou(sample["boxes"], torch.from_numpy(boxes[scores > SCORE])).numpy()
        best = iou.max(1, initial=0)
        overlaps += best[(best > 0.5) & ~ignored].tolist()
        truth += int((~ignored).sum())
        excused = (iou[ignored] > 0.3).any(0) & (iou[ignored].max(0, initial=0) >= iou.max(0, initial=0))
        found += int((~excused).sum())
    hits = len(overlaps)
    return {
        "recall": round(hits / max(truth, 1), 4),
        "precision": round(hits / max(found, 1), 4),
        "f1": round(2 * hits / max(truth + found, 1), 4),
        "iou": round(float(np.mean(overlaps)) if overlaps else 0.0, 3),
    }
