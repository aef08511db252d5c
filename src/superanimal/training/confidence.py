"""Calibrate confidence: the three numbers of :attr:`HeadSpec.calibration`, from pictures with known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from superanimal.inference.crops import CropWindows
from superanimal.inference.decode import decode, logit
from superanimal.training.augment import PoseSamples
from superanimal.training.loop import normalise
from superanimal.zoo.entry import HeadSpec

TOLERANCE = 0.1
"""A keypoint is right when it can be seen and lies within this share of the body length of the truth."""


def fit_logistic(evidence: np.ndarray, right: np.ndarray, ridge: float = 1e-6, steps: int = 30) -> np.ndarray:
    """Fit P(right) = sigmoid(evidence @ weights) by Newton's method (Platt 1999; iteratively reweighted).

    Parameters
    ----------
    evidence : (n, d)
        With a column of ones for the shift.
    right : (n,)
        0 or 1.
    ridge
        Penalty on the squared weights, per sample; keeps them finite where the classes separate.
    steps
        Newton steps.

    Returns
    -------
    (d,) weights
    """
    weights = np.zeros(evidence.shape[1])
    penalty = ridge * len(right) * np.eye(len(weights))
    for _ in range(steps):
        p = 0.5 * (1 + np.tanh(evidence @ weights / 2))
        gradient = evidence.T @ (p - right) + penalty @ weights
        curvature = (evidence * (p * (1 - p))[:, None]).T @ evidence + penalty
        weights = weights - np.linalg.solve(curvature, gradient)
    return weights


def expected_error(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Return the expected calibration error: mean gap of confidence and share right over bins (Guo 2017)."""
    which = np.clip((confidence * bins).astype(int), 0, bins - 1)
    gap = [
        abs(confidence[which == k].sum() - right[which == k].sum()) for k in range(bins) if (which == k).any()
    ]
    return float(np.sum(gap) / len(right))


def calibrate(
    network: nn.Module, samples: PoseSamples, head: HeadSpec, count: int = 1024, seed: int = 11
) -> tuple[tuple[float, float, float], dict[str, float]]:
    """Fit the calibration of a pose network on half of the crops and measure it on the other half.

    Parameters
    ----------
    network
        With a ``visibility`` output, in evaluation mode.
    samples
        Held-out pictures; augmented ones, so that some are as hard as real pictures.
    head
        How its heatmaps are decoded; its own calibration does not count.
    count, seed
        Number of crops and their seed.

    Returns
    -------
    calibration : (a, b, c)
        See :attr:`HeadSpec.calibration`.
    figures : dict
        Share right, and the expected calibration error before and after.
    """
    subject, rng = samples.subject, np.random.default_rng(seed)
    ends = [subject.keypoints.index(name) for name in subject.ends]
    size = subject.crop
    windows = CropWindows(np.zeros((16, 2), np.int64), np.full((16, 2), size), (size, size))
    bare = replace(head, calibration=None)
    mass, seen, right = [], [], []
    for _ in range(count // 16):
        batch = samples.batch(rng, 16, size)
        with torch.inference_mode():
            outputs = network(normalise(batch["image"]))
        points, confidence = decode({"heatmap": outputs["heatmap"]}, bare, windows, subpixel=True)
        truth = (batch["cells"] + 0.5) * head.stride - head.pixel_shift
        length = np.linalg.norm(truth[:, ends[0]] - truth[:, ends[1]], axis=-1)
        near = np.linalg.norm(points - truth, axis=-1) < TOLERANCE * length[:, None]
        known = np.isfinite(truth).all(-1)
        mass.append(logit(confidence)[known])
        seen.append(outputs["visibility"].double().numpy()[known])
        right.append((near & (batch["visible"] > 0))[known])
    evidence = np.stack([np.concatenate(mass), np.concatenate(seen), np.ones(sum(map(len, mass)))], 1)
    truths = np.concatenate(right).astype(float)
    half = len(truths) // 2
    weights = fit_logistic(evidence[:half], truths[:half])
    before = 1 / (1 + np.exp(-evidence[half:, 0]))
    after = 1 / (1 + np.exp(-evidence[half:] @ weights))
    figures = {
        "right": round(float(truths.mean()), 4),
        "error_before": round(expected_error(before, truths[half:]), 4),
        "error_after": round(expected_error(after, truths[half:]), 4),
    }
    a, b, c = (round(float(value), 3) for value in weights)
    return (a, b, c), figures
