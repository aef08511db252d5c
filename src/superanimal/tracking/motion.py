"""How far the animals of a recording get within a time, learned from the recording itself.

The distance between where an animal is expected and where it is found follows a bivariate Student
distribution: most steps are small, a few are not. Its scale and tail are fitted for several times (lags) to
stretches in which it is certain who is who, so that neither frame rate nor size nor liveliness of the
animals need be known.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from superanimal.tracking.detections import Detections, centres_of, pose_distance

LAGS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Times, in steps, for which motion is learned."""
ENOUGH = 20
"""Distances needed to learn a scale."""
TAILS = (1.5, 2.0, 3.0, 5.0, 10.0)
"""Degrees of freedom that are tried: 10 is nearly normal."""
COASTING = (0.0, 1.0, 3.0, 10.0)
"""Time constants in steps, of which the best is taken, for which an animal keeps its velocity (0: none)."""
ELSEWHERE = 0.01
"""Probability that an animal reappears anywhere, regardless of where it was last seen."""
WRONG = 0.05
"""Probability that a pose is partly wrong, as it often is where animals touch or hide each other."""
ROUGH = 0.3
"""How far it is off then, as a share of the animal's size."""
SMALLEST = 0.01
"""Smallest scale, as a share of the animal's size: labels are no more exact than this."""
SMOOTHING = 0.5
"""Share of the newest step in the velocity."""


@dataclass(frozen=True)
class Motion:
    """The learned motion.

    Attributes
    ----------
    lags, scales, tails : (L,) float64
        Time in steps, scale in pixels and degrees of freedom.
    coasting : float
        Time constant of the velocity, in steps.
    area : float
        Area in square pixels of all places where animals were seen.
    size : float
        Usual size of an animal, in pixels.
    """

    lags: np.ndarray
    scales: np.ndarray
    tails: np.ndarray
    coasting: float
    area: float
    size: float

    @property
    def near(self) -> float:
        """Area in square pixels in which a keypoint that is not on its animal usually lies."""
        return float(np.pi * self.size**2)

    def moved(self, velocity: np.ndarray, time: np.ndarray | float) -> np.ndarray:
        """Return how far an animal coasts, (..., 2) pixels, from its velocity (..., 2) in pixels a step."""
        return velocity * np.asarray(reach(self.coasting, time))[..., None]

    def usual(self, distance: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Return the log probability density, per square pixel, of a distance after a time in steps.

        Poses are right, and the animal was where it was seen.
        """
        return student(distance, *self.spread(time))

    def density(self, distance: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Return the same for poses that may be partly wrong and animals that may reappear anywhere."""
        scale, tail = self.spread(time)
        inside = np.log1p(-ELSEWHERE - WRONG) + student(distance, scale, tail)
        rough = np.log(WRONG) + student(distance, np.maximum(scale, ROUGH * self.size), tail)
        return np.logaddexp(np.logaddexp(inside, rough), np.log(ELSEWHERE / self.area))

    def spread(self, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return scale and degrees of freedom after a time in steps."""
        lag = np.log(np.clip(time, self.lags[0], None))
        known = np.log(self.lags)
        scale = np.exp(np.interp(lag, known, np.log(self.scales)))
        # beyond what is known, animals wander about
        return scale * np.sqrt(np.exp(np.maximum(lag - known[-1], 0))), np.interp(lag, known, self.tails)


def reach(coasting: float, time: np.ndarray | float) -> np.ndarray:
    """Return for how many steps of its velocity an animal coasts within a time in steps."""
    time = np.asarray(time, dtype=np.float64)
    return np.zeros_like(time) if coasting == 0 else coasting * -np.expm1(-time / coasting)


def student(distance: np.ndarray, scale: np.ndarray, tail: np.ndarray) -> np.ndarray:
    """Return the log density of a bivariate Student distribution at a distance from its centre."""
    return -np.log(2 * np.pi * scale**2) - (tail + 2) / 2 * np.log1p(distance**2 / (tail * scale**2))


def learn_motion(found: Detections) -> Motion:
    """Learn the motion from chains of detections that are each other's nearest by far.

    Parameters
    ----------
    found
        All detections, without duplicates.
    """
    chains = _certain_chains(found)
    area = _area(found)
    films = [(found.points[c], found.time[c], velocities(found.points[c], found.time[c])) for c in chains]
    residues = {c: [_residues(films, lag, c) for lag in LAGS[:3]] for c in COASTING}
    judged = [i for i, each in enumerate(residues[0.0]) if len(each) >= ENOUGH]
    coasting = min(COASTING, key=lambda c: sum(np.log(_middle(residues[c][i])) for i in judged))
    smallest = max(SMALLEST * found.size, 1e-3)
    lags: list[float] = []
    scales: list[float] = []
    tails: list[float] = []
    for lag, distances in zip(LAGS, (_residues(films, lag, coasting) for lag in LAGS), strict=True):
        if len(distances) >= ENOUGH:
            scale, tail = _fit(distances, smallest)
            lags.append(float(lag))
            scales.append(max(scale, scales[-1] if scales else smallest))
            tails.append(tail)
    if not lags:  # too little to learn from: a tenth of its size a step
        return Motion(
            np.ones(1), np.array([max(0.1 * found.size, smallest)]), np.array([2.0]), 0.0, area, found.size
        )
    return Motion(np.array(lags), np.array(scales), np.array(tails), coasting, area, found.size)


def _middle(distances: np.ndarray) -> float:
    return float(np.median(distances)) + 1e-3


def _area(found: Detections) -> float:
    """Return the area of the box round all places, at least a few animals large."""
    if not len(found):
        return 1.0
    centres = centres_of(found.points)
    low, high = np.quantile(centres, [0.01, 0.99], axis=0)
    return float(np.prod(np.maximum(high - low, 0) + 2 * found.size))


def _certain_chains(found: Detections) -> list[np.ndarray]:
    """Return chains of detections that are mutually nearest, all others being twice as far."""
    frames = found.frames()
    follower = np.full(len(found), -1)
    for first, second in pairwise(frames):
        if found.time[second[0]] - found.time[first[0]] > 1.5:
            continue
        apart = pose_distance(found.points[first][:, None], found.points[second][None])
        i, j = np.arange(len(first)), apart.argmin(1)
        best = apart[i, j]
        others = apart.copy()
        others[i, j] = np.inf
        rival = np.minimum(others.min(1, initial=np.inf), others[:, j].min(0, initial=np.inf))
        certain = (apart[:, j].argmin(0) == i) & (2 * best < rival) & (best < found.size)
        follower[first[certain]] = second[j[certain]]
    heads = np.ones(len(found), dtype=bool)
    heads[follower[follower >= 0]] = False
    chains = []
    for head in np.flatnonzero(heads):
        chain = [int(head)]
        while follower[chain[-1]] >= 0:
            chain.append(int(follower[chain[-1]]))
        if len(chain) > 1:
            chains.append(np.array(chain))
    return chains


def velocities(points: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the smoothed velocity (n, 2) in pixels a step at each of n consecutive poses (n, K, 2)."""
    n = len(points)
    velocity = np.zeros((n, 2))
    if n < 2:
        return velocity
    step = np.diff(points, axis=0)
    seen = np.asarray(np.isfinite(step[..., 0]).any(-1))
    moved = np.zeros((n - 1, 2))
    if seen.any():
        moved[seen] = np.nanmedian(step[seen], axis=1)
    moved /= np.maximum(np.diff(times), 1e-6)[:, None]
    for i in range(1, n):
        share = 1.0 if i == 1 else SMOOTHING
        velocity[i] = (
            velocity[i - 1] + share * (moved[i - 1] - velocity[i - 1]) if seen[i - 1] else velocity[i - 1]
        )
    return velocity


def _residues(
    films: list[tuple[np.ndarray, np.ndarray, np.ndarray]], lag: int, coasting: float
) -> np.ndarray:
    """Return the distances in pixels between expected and true pose a lag later.

    Parameters
    ----------
    films
        Poses (n, K, 2), times (n,) and velocities (n, 2) of each certain chain.
    """
    parts = []
    for points, times, velocity in films:
        if len(points) > lag:
            step = velocity[:-lag] * reach(coasting, times[lag:] - times[:-lag])[:, None]
            parts.append(pose_distance(points[:-lag] + step[:, None], points[lag:]))
    return np.concatenate(parts) if parts else np.zeros(0)


def _fit(distances: np.ndarray, smallest: float) -> tuple[float, float]:
    """Return scale and tail of the most likely Student distribution."""
    middle = max(float(np.median(distances)) / 1.18, smallest)
    scales = np.maximum(middle * np.geomspace(0.3, 3.0, 25), smallest)
    if len(distances) > 5000:
        distances = np.sort(distances)[:: len(distances) // 5000]
    likelihood = student(distances, scales[:, None, None], np.array(TAILS)[None, :, None]).sum(-1)
    i, j = np.unravel_index(int(likelihood.argmax()), likelihood.shape)
    return float(scales[i]), TAILS[j]
