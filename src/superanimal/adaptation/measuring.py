"""How good poses of a video are without labels: before and after, on the same frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from superanimal.adaptation.pseudo_labels import PseudoLabels
from superanimal.bootstrap import Interval, bootstrap
from superanimal.evaluation.stability import body_size, dropped, jitter

CUTOFF = 0.4
"""Confidence below which a keypoint counts as dropped."""


@dataclass(frozen=True)
class Steadiness:
    """Figures of poses in stretches of consecutive frames; each is a mean over animals and frames.

    Attributes
    ----------
    jitter_px, jitter
        Mean change from frame to frame (Ye et al. 2024), in pixels and as a part of the body size.
    dropped
        Keypoints below a confidence of 0.4, per animal.
    size_change
        Mean change of the body size from frame to frame, as a part of it.
    confidence
        Mean confidence.
    missing
        Part of the frames without any animal.
    """

    jitter_px: float
    jitter: float
    dropped: float
    size_change: float
    confidence: float
    missing: float


@dataclass(frozen=True)
class Unsteadiness:
    """How far points are from what several looks and the frames around agree on, in parts of the animal.

    Attributes
    ----------
    before, after
        Mean distance of a model's points to its own agreement.
    change
        Relative change, with its interval.
    moved
        Mean distance between the agreements of both models.
    """

    before: float
    after: float
    change: Interval
    moved: float


def unsteadiness(
    before: PseudoLabels, after: PseudoLabels, seen: tuple[NDArray[np.floating], NDArray[np.floating]]
) -> Unsteadiness:
    """Compare two models on the same points of the same animals: those on which the looks of both agree.

    Points of which only one is sure do not count: the model that is sure of the difficult ones, too, would
    seem to be the unsteadier one.

    Parameters
    ----------
    before, after
        What the looks of each model agree on.
    seen : two of (M, K, 2)
        Points of each as it sees the animals once.
    """
    both = np.isfinite(np.stack([before.labels.xy, after.labels.xy])).all((0, -1))
    points = [np.where(np.asarray(both)[..., None], xy, np.nan) for xy in seen]
    first, second = distance_to(before, points[0]), distance_to(after, points[1])
    return Unsteadiness(
        _mean(first), _mean(second), change(first, second), _mean(distance_to(before, after.labels.xy))
    )


def steadiness(stretches: Sequence[xr.Dataset]) -> Steadiness:
    """Return the figures of poses."""
    shakes = _joined([jitter(poses) for poses in stretches])
    sizes = [body_size(poses) for poses in stretches]
    usual = float(np.nanmedian(_joined(sizes))) if np.isfinite(_joined(sizes)).any() else np.nan
    changes = _joined([np.abs(np.diff(each, axis=0)) for each in sizes])
    found = _joined([np.isfinite(poses["position"].values).all(1).any(1) for poses in stretches])
    frames = np.concatenate([np.isfinite(p["position"].values).all(1).any((1, 2)) for p in stretches])
    confidence = _joined([poses["confidence"].values.mean(axis=1) for poses in stretches])
    moved = _mean(shakes)
    return Steadiness(
        jitter_px=moved,
        jitter=moved / usual,
        dropped=_mean(_joined([dropped(poses, CUTOFF) for poses in stretches])),
        size_change=_mean(changes) / usual,
        confidence=_mean(np.where(found, confidence, np.nan)),
        missing=float(1 - frames.mean()) if frames.size else float("nan"),
    )


def distance_to(teacher: PseudoLabels, xy: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the distance of each animal's points to the teacher's, as a part of its size (M,).

    Parameters
    ----------
    teacher
        Labels of M animals.
    xy : (M, K, 2)
        What a model predicts in the same boxes.
    """
    labels = teacher.labels
    size = np.sqrt(labels.boxes_or_extent()[:, 2:].prod(1))
    away = np.linalg.norm(xy - labels.xy, axis=-1)
    known = np.isfinite(away)
    total = np.where(known, away, 0).sum(1)
    return np.where(known.any(1), total / np.maximum(known.sum(1), 1), np.nan) / np.maximum(size, 1)


def change(before: NDArray[np.float64], after: NDArray[np.float64]) -> Interval:
    """Return the relative change of a mean distance, with its 95 % interval over animals."""
    both = np.isfinite(before) & np.isfinite(after)
    first, second = before[both], after[both]

    def statistic(weights: np.ndarray) -> dict[str, float]:
        return {"change": float(weights @ second) / max(float(weights @ first), 1e-12) - 1}

    if not both.any():
        return Interval(*(np.array(np.nan),) * 3)
    return bootstrap(statistic, [str(n) for n in range(int(both.sum()))])["change"]


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([part.ravel() for part in parts]) if parts else np.zeros(0)


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
