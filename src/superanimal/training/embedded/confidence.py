"""Calibrating confidence: fitting :attr:`HeadSpec.calibration` on images with known ground truth.

A keypoint is right when it can be seen and lies within a tenth of the body length of the truth.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from superanimal.inference.decode import logit
from superanimal.training.embedded.scene_figures import TOLERANCE, answers, located
from superanimal.training.embedded.scene_samples import SceneCrops
from superanimal.zoo.pose_model import PoseModel


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


def calibrate_confidence(
    model: PoseModel, samples: SceneCrops, count: int = 1024
) -> tuple[tuple[float, float, float], dict[str, float]]:
    """Fit the calibration of a pose model on half of the crops and measure it on the other half.

    Parameters
    ----------
    model
        Its network has a ``visibility`` output; a calibration that it has already does not count.
    samples
        Held-out crops; augmented ones, so that some are as hard as real pictures.
    count
        Number of crops.

    Returns
    -------
    calibration : (a, b, c)
        See :attr:`HeadSpec.calibration`.
    figures : dict
        Share right, and the expected calibration error before and after.
    """
    bare = replace(model.head, calibration=None)
    mass, seen, right = [], [], []
    for outputs, truth in answers(model, samples, count):
        distance, confidence = located({"heatmap": outputs["heatmap"]}, truth, bare, samples.subject.crop)
        near = distance < TOLERANCE * truth["length"][:, None]
        has = truth["has"]
        mass.append(logit(confidence)[has])
        seen.append(outputs["visibility"].double().cpu().numpy()[has])
        right.append((near & (truth["visibility"] == 2))[has])
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
