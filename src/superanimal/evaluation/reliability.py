"""Reliability of confidence: a keypoint with confidence 0.8 should be correct in 80 of 100 cases."""

from __future__ import annotations

import numpy as np

from superanimal.evaluation.pairing import Pairs

TOLERANCE = 0.1
"""A keypoint is correct if its error is at most this fraction of animal length."""
BINS = 10


class Reliability:
    """Confidence against correctness of predicted and labelled keypoints, for many weightings of the images.

    Parameters
    ----------
    pairs
        Labelled animals and their predictions.
    """

    def __init__(self, pairs: Pairs) -> None:
        unit = pairs.errors / pairs.length[:, None]
        known = np.isfinite(unit) & np.isfinite(pairs.confidence)
        self.image = np.broadcast_to(pairs.image[:, None], known.shape)[known]
        self.confidence = pairs.confidence[known]
        self.right = (unit[known] <= TOLERANCE).astype(float)
        self.bin = np.minimum((self.confidence * BINS).astype(int), BINS - 1)

    def __len__(self) -> int:
        return len(self.confidence)

    def summary(self, weights: np.ndarray) -> dict[str, float]:
        """Return the expected calibration error, Brier score and the AUROC of confidence for correctness.

        The expected calibration error is the mean over ten equally wide bins of confidence, weighted by their
        number of keypoints, of |fraction correct - mean confidence|.
        """
        diagram = self.diagram(weights)
        count = diagram["count"]
        weight = weights[self.image]
        total = float(weight.sum())
        if not total:
            return {"calibration_error": np.nan, "brier_score": np.nan, "confidence_AUROC": np.nan}
        gap = np.abs(diagram["share_right"] - diagram["mean_confidence"])
        return {
            "calibration_error": float(np.nansum(gap * count) / total),
            "brier_score": float(weight @ (self.confidence - self.right) ** 2 / total),
            "confidence_AUROC": _auroc(self.confidence, self.right, weight),
        }

    def diagram(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Return the reliability diagram: fraction correct, mean confidence and count per confidence bin."""
        weight = weights[self.image].astype(float)
        count, right, confidence = (
            np.bincount(self.bin, weight * v, BINS) for v in (1.0, self.right, self.confidence)
        )
        with np.errstate(invalid="ignore"):
            return {"count": count, "share_right": right / count, "mean_confidence": confidence / count}


def _auroc(score: np.ndarray, right: np.ndarray, weight: np.ndarray) -> float:
    """Return how often a correct keypoint has a higher score than a wrong one; ties count half."""
    values, place = np.unique(score, return_inverse=True)
    good = np.bincount(place, weight * right, len(values))
    bad = np.bincount(place, weight * (1 - right), len(values))
    if not good.sum() or not bad.sum():
        return float("nan")
    lower = np.cumsum(bad) - bad / 2
    return float(good @ lower / (good.sum() * bad.sum()))
