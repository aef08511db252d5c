"""Distance of predictions from labels: in pixels, in animal lengths, as a curve; left/right swaps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from superanimal.evaluation import weighted
from superanimal.evaluation.pairing import Pairs

PERCENTILES = (50, 75, 90, 95, 99)
PCK_LIMITS = np.linspace(0, 0.5, 51)
"""Errors, as a fraction of animal length, at which the curve of correct keypoints is evaluated."""
SWAP_SEPARATION = 0.05
"""Minimum distance between left and right, as a fraction of animal length, for a pair to count."""


class PointErrors:
    """The errors of all labelled keypoints, precomputed for many weightings of the images.

    Parameters
    ----------
    pairs
        Labelled animals and their predictions.
    reference : (M,) float64 or None
        Reference length of each animal in pixels (for horses, eye to nose), for the normalised error.
    cutoff
        Confidence above which a prediction counts as confident.
    """

    def __init__(self, pairs: Pairs, reference: np.ndarray | None, cutoff: float) -> None:
        labelled = pairs.labelled
        keypoints = labelled.shape[1]
        self.image = np.repeat(pairs.image, keypoints).reshape(labelled.shape)[labelled]
        self.pixels = pairs.errors[labelled]
        self.units = (pairs.errors / pairs.length[:, None])[labelled]
        self.has_unit = np.broadcast_to(np.isfinite(pairs.length)[:, None], labelled.shape)[labelled]
        self.confident = np.where(pairs.confidence >= cutoff, pairs.errors, np.nan)[labelled]
        self.with_confidence = bool(np.isfinite(pairs.confidence).any())
        self.normalised = None if reference is None else (pairs.errors / reference[:, None])[labelled]
        self._pixels = weighted.Ordered(self.pixels, self.image)
        self._units = weighted.Ordered(self.units, self.image)

    def summary(self, weights: np.ndarray) -> dict[str, float]:
        """Return the error figures of the images, each counted ``weights`` (I,) times.

        ``mean_euclidean_px`` is what the SuperAnimal paper and DeepLabCut report as "RMSE";
        ``root_mean_square_px`` is the square root of the mean squared distance.
        """
        weight = weights[self.image]
        total = float(weight.sum())
        pixels, units = (
            ordered.quantiles([p / 100 for p in PERCENTILES], weights)
            for ordered in (self._pixels, self._units)
        )
        found = {
            "mean_euclidean_px": weighted.mean(self.pixels, weight),
            "root_mean_square_px": weighted.root_mean_square(self.pixels, weight),
            **{f"p{p}_px": float(value) for p, value in zip(PERCENTILES, pixels, strict=True)},
            "mean_euclidean_animal": weighted.mean(self.units, weight),
            "root_mean_square_animal": weighted.root_mean_square(self.units, weight),
            **{f"p{p}_animal": float(value) for p, value in zip(PERCENTILES, units, strict=True)},
            **{
                f"PCK@{limit:g}": float(v)
                for limit, v in zip((0.05, 0.1, 0.2), self.pck((0.05, 0.1, 0.2), weights), strict=True)
            },
            "missed_keypoints": float(weight[~np.isfinite(self.pixels)].sum() / total) if total else np.nan,
        }
        if self.with_confidence:
            confident = np.isfinite(self.confident)
            found["mean_euclidean_confident_px"] = weighted.mean(self.confident, weight)
            found["confident_keypoints"] = float(weight[confident].sum() / total) if total else np.nan
        if self.normalised is not None:
            found["normalised_error"] = weighted.mean(self.normalised, weight)
        return found

    def pck(self, limits: Sequence[float] | np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the fraction of labelled keypoints within each limit, in animal lengths.

        A keypoint that was not predicted is not within any limit.
        """
        total = float(weights[self.image[self.has_unit]].sum())
        return self._units.share_within(np.asarray(limits, dtype=float), weights, total)


class Swaps:
    """Left/right swaps and collapses, precomputed for many weightings of the images.

    A pair counts if both sides are labelled, at least :data:`SWAP_SEPARATION` animal lengths apart, and
    predicted. It is swapped if each predicted side is nearer to the label of the other side, and collapsed if
    both predicted sides are nearer to the same label.

    Parameters
    ----------
    pairs
        Labelled animals and their predictions.
    sides : (S, 2) int
        Keypoint indices of left and right.
    """

    def __init__(self, pairs: Pairs, sides: np.ndarray) -> None:
        left, right = sides[:, 0], sides[:, 1]

        def distance(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
            return np.linalg.norm(pairs.predicted[:, predicted] - pairs.truth[:, truth], axis=-1)

        apart = np.linalg.norm(pairs.truth[:, left] - pairs.truth[:, right], axis=-1)
        known = (apart >= SWAP_SEPARATION * pairs.length[:, None]) & np.isfinite(
            distance(left, left) + distance(right, right)
        )
        wrong_left = distance(left, right) < distance(left, left)
        wrong_right = distance(right, left) < distance(right, right)
        self.pairs, self.swapped = known, known & wrong_left & wrong_right
        self.collapsed = known & (wrong_left ^ wrong_right)
        self.image = pairs.image

    def summary(self, weights: np.ndarray) -> dict[str, float]:
        """Return the fractions of swapped and collapsed pairs."""
        weight = weights[self.image]
        total = float(weight @ self.pairs.sum(1))
        if not total:
            return {"left_right_swaps": float("nan"), "left_right_collapsed": float("nan")}
        return {
            "left_right_swaps": float(weight @ self.swapped.sum(1)) / total,
            "left_right_collapsed": float(weight @ self.collapsed.sum(1)) / total,
        }


def reference_lengths(points: np.ndarray, video: Sequence[str]) -> np.ndarray:
    """Return the reference length of each animal in pixels.

    The median over the labelled animals of the same video is used, because turning the head shortens the
    distance in a single image.

    Parameters
    ----------
    points : (M, 2, 2)
        The two labelled ends of the reference; NaN where unlabelled.
    video
        Video of each of the M animals.
    """
    length = np.linalg.norm(points[:, 0] - points[:, 1], axis=-1)
    names = np.asarray(video)
    reference = np.full(len(length), np.nan)
    for name in set(video):
        mine = names == name
        known = length[mine & np.isfinite(length) & (length > 0)]
        if known.size:
            reference[mine] = np.median(known)
    return reference
