"""What an animal looks like: its size and proportions, and how well they tell animals apart.

Nothing is known in advance about how much animals differ and how much one animal varies with its posture.
Both are measured in the recording: the variation of one animal between blocks of the same tracklet, which is
one animal for certain. Descriptors are scaled by it, so that a difference of 1 is what one animal shows from
one block to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from superanimal.tracking.detections import Detections, pose_distance
from superanimal.tracking.tracklets import TOUCHING, Tracklet

BLOCK = 20
"""Detections in a block. Postures last about this long or less; blocks vary more independently than
frames."""
LEAST_BLOCKS = 8
"""With fewer blocks beyond the first of each tracklet, the variation is not known and looks are not used."""
MOST_BONES = 8
"""Distances between keypoints that are used besides the size: those that vary least."""
DRIFT = 1.0
"""Variance between tracklets of one animal that no length of a tracklet averages away, in block variances:
what it does (run, curl up) differs from tracklet to tracklet as it does from block to block."""
TAIL = 4.0
"""Degrees of freedom of the Student distribution of looks."""
LIMIT = 12.0
"""Looks count for at most this much log likelihood per tracklet, and less for one shorter than a block: a
pose can be wrong as a whole, most of all where animals touch, which makes short tracklets."""
KNOWN = 5
"""Blocks from which an individual is known; looks count for less before: it was seen in few postures."""
ENOUGH_PAIRS = 10
"""Pairs of tracklets of one animal that tell how much one animal varies."""
MOST_COMPARED = 200
"""Tracklets, the longest, by which looks are judged."""
SHRINKAGE = 0.1
"""Least weight of the diagonal in the covariance of descriptors."""
NOTABLE = 5
"""Shortest tracklet from which an animal's looks are learned."""


@dataclass(frozen=True)
class Looks:
    """The looks of S tracklets.

    Attributes
    ----------
    means : (S, D) float64
        Mean descriptors, in units of the variation of one animal.
    noise : (S, D) float64
        Their variances.
    spread : (D,) float64
        Variance of the descriptors of all animals.
    lengths : (S,) int
        Detections in each tracklet that touch no other animal; without any, nothing is said.
    """

    means: np.ndarray
    noise: np.ndarray
    spread: np.ndarray
    lengths: np.ndarray

    def scores(self, who: np.ndarray, count: int) -> np.ndarray:
        """Return the log likelihood (S, ``count``) of the looks of each tracklet for each individual.

        Parameters
        ----------
        who : (S,)
            Individual of each tracklet from which the looks of individuals are learned, -1 if unknown. A
            tracklet is never judged by itself.
        count
            Number of individuals. One that is unknown may look like any animal.
        """
        weight = 1 / self.noise
        learn = (who >= 0) & (self.lengths >= min(NOTABLE, self.lengths.max(initial=0)))
        total = np.zeros((count, self.means.shape[1]))
        summed = np.zeros_like(total)
        np.add.at(total, who[learn], weight[learn])
        np.add.at(summed, who[learn], (weight * self.means)[learn])
        total, summed = np.repeat(total[None], len(who), 0), np.repeat(summed[None], len(who), 0)
        own = np.flatnonzero(learn)
        total[own, who[own]] -= weight[own]
        summed[own, who[own]] -= (weight * self.means)[own]
        prior = 1 / np.maximum(self.spread, 1e-6)
        known = np.maximum(total, 0) + prior
        centre = summed / known
        variance = 1 / known + self.noise[:, None]
        far = (self.means[:, None] - centre) ** 2 / variance
        likelihood = -0.5 * ((TAIL + 1) * np.log1p(far / TAIL) + np.log(variance)).sum(-1)
        seen = np.zeros((len(who), count))
        seen += np.bincount(who[learn], self.lengths[learn], minlength=count)
        seen[own, who[own]] -= self.lengths[own]
        well = np.minimum(seen / (KNOWN * BLOCK), 1)
        best = likelihood.argmax(1)
        well = np.minimum(well, well[np.arange(len(who)), best][:, None])
        limit = LIMIT * well * np.minimum(self.lengths / BLOCK, 1)[:, None]
        return np.maximum(likelihood - likelihood.max(1, keepdims=True), -limit)

    def contrast(self, who: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
        """Return the ratio of the variance between animals to that of one animal at different times.

        It is lower if there are few pairs of tracklets of one animal to tell.

        Parameters
        ----------
        who : (S,)
            Individual of each tracklet, -1 for none.
        start, end : (S,)
            Time of the first and last detection of each: two that are there together are two animals.
        """
        used = np.flatnonzero((who >= 0) & (self.lengths >= BLOCK))
        used = used[np.argsort(-self.lengths[used], kind="stable")][:MOST_COMPARED]
        first, second = (used[each] for each in np.triu_indices(len(used), 1))
        apart = ((self.means[first] - self.means[second]) ** 2).mean(1)
        together = (start[first] <= end[second]) & (start[second] <= end[first])
        same = who[first] == who[second]
        if not together.any() or not same.any():
            return np.inf
        ratio = float(np.median(apart[together]) / max(np.median(apart[same]), 1e-9))
        return ratio * min(1.0, same.sum() / ENOUGH_PAIRS)


def describe(points: np.ndarray) -> np.ndarray:
    """Return descriptors (M, D) of poses (M, K, 2): logarithms of size and of distances between keypoints.

    NaN where keypoints are missing. The size is the median of all distances, each relative to its usual
    value, so that it does not depend on which keypoints are seen.
    """
    pairs = list(combinations(range(points.shape[1]), 2))
    if not pairs or not len(points):
        return np.zeros((len(points), 0))
    if len(pairs) > 200:  # plenty; a fixed choice spread over all
        pairs = pairs[:: len(pairs) // 200 + 1]
    first, second = (np.array(each) for each in zip(*pairs, strict=True))
    lengths = np.log(np.linalg.norm(points[:, first] - points[:, second], axis=-1) + 1e-3)
    seen = np.isfinite(lengths)
    usable = seen.mean(0) > 0.5
    if not usable.any():
        usable = seen.any(0)
    lengths = lengths[:, usable]
    with np.errstate(all="ignore"):
        relative = lengths - np.nanmedian(lengths, axis=0)
        size = np.full(len(points), np.nan)
        some = np.isfinite(relative).any(1)
        size[some] = np.nanmedian(relative[some], axis=1)
        steadiest = np.argsort(np.nanmedian(np.abs(relative - size[:, None]), axis=0), kind="stable")
    return np.column_stack([size, relative[:, steadiest[:MOST_BONES]]])


def learn_looks(found: Detections, tracklets: list[Tracklet], seen: np.ndarray | None = None) -> Looks | None:
    """Measure the looks of all tracklets; None if the recording does not tell how much one animal varies.

    Parameters
    ----------
    seen : (M, A)
        Further descriptors, from the video; NaN where a detection was not looked at.
    """
    values = describe(found.points)
    if seen is not None:
        values = np.column_stack([values, seen])
    apart = ~touching(found)
    clean = [each.members[apart[each.members]] for each in tracklets]
    blocks = [_blocks(values[members]) for members in clean]
    stacked = np.concatenate(blocks) if blocks else np.zeros((0, values.shape[1]))
    if not len(stacked) or not values.shape[1]:
        return None
    stacked = stacked[:, (usable := np.isfinite(stacked).mean(0) > 0.5)]
    centre = np.nanmedian(stacked, axis=0) if usable.any() else np.zeros(0)
    blocks = [np.where(np.isfinite(each[:, usable]), each[:, usable], centre) - centre for each in blocks]
    several = [each for each in blocks if len(each) > 1]
    free = sum(len(each) - 1 for each in several)
    if free < LEAST_BLOCKS or not usable.any():
        return None
    inside = np.concatenate([each - each.mean(0) for each in several])
    covariance = inside.T @ inside / free
    whiten = _whitener(covariance, max(SHRINKAGE, min(1.0, len(centre) / free)))
    detailed = np.where(np.isfinite(values[:, usable]), values[:, usable] - centre, 0.0) @ whiten
    means = np.stack([each.mean(0) if len(each) else np.zeros(len(centre)) for each in blocks]) @ whiten
    lengths = np.array([len(members) for members in clean])
    single = np.ones(len(centre))
    long = [members for members in clean if len(members) >= BLOCK]
    if long:
        single = np.median([detailed[members].var(axis=0) for members in long], axis=0)
    noise = 1 / np.maximum(lengths / BLOCK, 1)[:, None] + single / np.maximum(lengths, 1)[:, None] + DRIFT
    notable = lengths >= min(BLOCK, max(np.median(lengths), 1))
    spread = np.maximum(means[notable].var(axis=0) if notable.sum() > 1 else 0.0, 0.1) * np.ones(len(centre))
    return Looks(means, noise, spread, lengths)


def touching(found: Detections) -> np.ndarray:
    """Return which detections (M,) are so close to another that their keypoints may be mixed."""
    near = np.zeros(len(found), dtype=bool)
    for frame in found.frames():
        if len(frame) > 1:
            apart = pose_distance(found.points[frame][:, None], found.points[frame][None])
            np.fill_diagonal(apart, np.inf)
            near[frame] = apart.min(1) < TOUCHING * found.size
    return near


def _blocks(values: np.ndarray) -> np.ndarray:
    """Return the medians (n, D) of blocks of one tracklet's descriptors."""
    if not len(values):
        return values
    parts = np.array_split(values, max(1, len(values) // BLOCK))
    result = np.full((len(parts), values.shape[1]), np.nan)
    for row, part in zip(result, parts, strict=True):
        some = np.isfinite(part).any(0)
        row[some] = np.nanmedian(part[:, some], axis=0)
    return result


def _whitener(covariance: np.ndarray, shrinkage: float) -> np.ndarray:
    """Return the matrix that gives descriptors unit variance, correlations shrunk."""
    diagonal = np.diag(np.diag(covariance)) + 1e-8 * np.eye(len(covariance))
    mixed = (1 - shrinkage) * covariance + shrinkage * diagonal
    values, vectors = np.linalg.eigh(mixed)
    return vectors / np.sqrt(np.maximum(values, 1e-10))
