"""Distinguishing left and right legs over time.

In a side view, a single image often shows two legs without revealing which is which. A video does: a foot on
the ground stays in place while the other passes it. The network's peaks for both feet of a pair are therefore
combined, and the most probable pair of paths through them is found (Viterbi algorithm over pairs of frames):
each frame gives the probability of each peak for the left and the right foot, feet move smoothly, and two
feet are rarely in the same place. Joints above the feet follow at a constant distance.

The constants were chosen on rendered walking animals at 30 frames per second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from superanimal.inference.legs.peaks import MASS, PEAKS, PLACE, SURE

TURN = 0.04
"""Typical deviation from constant velocity per frame, as a share of the animal's size."""
MOVE = 0.17
"""Typical movement per frame, as a share of the animal's size."""
MOST = 25.0
"""Highest cost of one movement: a path may always jump."""
FLOOR = 0.02
"""Probability that a network says nothing about."""
FEET_TOGETHER, JOINTS_TOGETHER = 6.0, 1.0
"""Cost of both feet, or both joints above, being in one place."""
LOOSE = 0.3
"""Typical deviation of the length of a leg's part, as a share of it."""
LONGEST = 1.15
"""How much longer a stretched leg is than it mostly is."""
FIXED = 1e6
"""Cost of anything but what was decided before."""
LEFT, RIGHT = (side.ravel() for side in np.divmod(np.arange(PEAKS**2), PEAKS))
"""Peak of the left and of the right keypoint in each of the PEAKS ** 2 states of a pair."""

Limb = tuple[tuple[int, int], ...]
"""Channels of the left and the right keypoint of a pair of legs: the feet, joints above, last the roots.

The roots lie close together; they are not sorted."""


@dataclass
class LimbSorter:
    """Sorts the legs of every animal, chunk by chunk.

    Parameters
    ----------
    limbs
        Pairs of legs.
    max_individuals
        Number of animals, N.
    """

    limbs: Sequence[Limb]
    max_individuals: int

    def __post_init__(self) -> None:
        self._before: list[np.ndarray | None] = [None] * self.max_individuals

    @property
    def pairs(self) -> np.ndarray:
        """Channels (P, 2) of all pairs in the order of the peaks."""
        return np.array([pair for limb in self.limbs for pair in limb[:-1]])

    def state(self) -> list[Any]:
        """Return all that :meth:`restore` needs, as plain JSON values."""
        return [None if places is None else places.tolist() for places in self._before]

    def restore(self, state: list[Any]) -> None:
        """Go on from a :meth:`state`."""
        self._before = [None if places is None else np.asarray(places, float) for places in state]

    def sort(self, points: np.ndarray, confidence: np.ndarray, boxes: np.ndarray, peaks: np.ndarray) -> None:
        """Replace the legs of the next T frames, in place.

        Parameters
        ----------
        points : (T, N, K, 2)
            Keypoints in pixels.
        confidence : (T, N, K)
            0..1.
        boxes : (T, N, 4)
            x, y, width, height in pixels, NaN where an animal is absent.
        peaks : (T, N, P, PEAKS, 6)
            From :func:`~superanimal.inference.legs.peaks.pair_peaks`, NaN where an animal is absent.
        """
        pairs = self.pairs
        for n in range(self.max_individuals):
            there = np.isfinite(peaks[:, n]).all((1, 2, 3)) & np.isfinite(boxes[:, n]).all(1)
            borders = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(int)))
            if not len(borders) or borders[0] > 0:
                self._before[n] = None
            for start, stop in borders.reshape(-1, 2):
                size = float(np.median(np.sqrt(boxes[start:stop, n, 2] * boxes[start:stop, n, 3])))
                roots = [points[start:stop, n, limb[-1]].mean(1) for limb in self.limbs]
                chosen = self._choose(peaks[start:stop, n], roots, size, self._before[n])
                rows = np.arange(start, stop)
                for k, (pair, both) in enumerate(zip(pairs, chosen, strict=True)):
                    taken = peaks[rows[:, None], n, k, both]
                    points[start:stop, n, pair] = taken[..., PLACE]
                    sure = taken[..., SURE]
                    confidence[start:stop, n, pair] = np.diagonal(sure, axis1=1, axis2=2)
                self._before[n] = points[max(start, stop - 2) : stop, n][:, pairs].astype(float)
                if stop < len(points):
                    self._before[n] = None

    def _choose(
        self, peaks: np.ndarray, roots: list[np.ndarray], size: float, before: np.ndarray | None
    ) -> list[np.ndarray]:
        """Return for each pair the peak (T, 2) of the left and of the right keypoint.

        ``peaks`` is (T, P, PEAKS, 6), a root (T, 2), ``before`` (t, P, 2, 2): where they were in the last two
        frames.
        """
        chosen: list[np.ndarray] = []
        first = 0
        for limb, root in zip(self.limbs, roots, strict=True):
            below: np.ndarray | None = None
            for k in range(first, first + len(limb) - 1):
                places, mass = peaks[:, k, :, PLACE] / size, peaks[:, k, :, MASS]
                cost = -np.log(mass[:, LEFT, 0] + FLOOR) - np.log(mass[:, RIGHT, 1] + FLOOR)
                cost += (FEET_TOGETHER if below is None else JOINTS_TOGETHER) * (LEFT == RIGHT)
                if below is None:
                    cost += _reached(places, root / size)
                else:
                    cost += _hanging(places, below, peaks[:, k - 1 : k + 1, 0, PLACE] / size)
                if before is not None:
                    places, cost = _with_history(places, cost, before[:, k] / size)
                states = most_probable(np.stack([places[:, LEFT], places[:, RIGHT]], axis=2), cost)
                states = states[len(states) - len(peaks) :]
                chosen.append(np.stack([LEFT[states], RIGHT[states]], axis=1))
                below = np.take_along_axis(peaks[:, k, :, PLACE] / size, chosen[-1][..., None], axis=1)
            first += len(limb) - 1
        return chosen


def most_probable(places: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Return the states (T,) of the cheapest path.

    Parameters
    ----------
    places : (T, S, 2, 2)
        Where both keypoints are in each of S states, in sizes of the animal.
    cost : (T, S)
        Of being in each state.
    """
    if len(places) == 1:
        return cost.argmin(1)
    total = cost[0][:, None] + cost[1] + _movement(places[1] - places[0][:, None], MOVE)
    origins = []
    for earlier, last, now, price in zip(places, places[1:], places[2:], cost[2:], strict=False):
        expected = 2 * last - earlier[:, None]
        turn = _movement(now - expected[:, :, None], TURN)
        every = total[:, :, None] + turn + _movement(now - last[:, None], MOVE)
        origins.append(every.argmin(0))
        total = every.min(0) + price
    path = [int(state) for state in np.unravel_index(total.argmin(), total.shape)][::-1]
    for origin in reversed(origins):
        path.append(int(origin[path[-1], path[-2]]))
    return np.array(path[::-1])


def _movement(way: np.ndarray, typical: float) -> np.ndarray:
    """Return the cost (...) of two keypoints' ways (..., 2, 2)."""
    return np.minimum((way**2).sum(-1) / typical**2, MOST).sum(-1)


def _reached(places: np.ndarray, root: np.ndarray) -> np.ndarray:
    """Return the cost (T, S) of feet at ``places`` (T, PEAKS, 2) that no leg from ``root`` (T, 2) reaches."""
    distance = np.linalg.norm(places - root[:, None], axis=-1)
    longest = LONGEST * float(np.median(distance[:, 0]))
    beyond = np.maximum(distance - longest, 0) / (LOOSE * longest)
    strain = np.minimum(beyond**2, MOST)
    return strain[:, LEFT] + strain[:, RIGHT]


def _hanging(places: np.ndarray, below: np.ndarray, highest: np.ndarray) -> np.ndarray:
    """Return the cost (T, S) of joints at ``places`` (T, PEAKS, 2) for where those below are, (T, 2, 2).

    ``highest`` (T, 2, 2) are the highest peaks of both joints, which say how far apart they mostly are.
    """
    length = max(float(np.median(np.linalg.norm(highest[:, 0] - highest[:, 1], axis=-1))), 1e-6)
    distance = np.linalg.norm(places[:, :, None] - below[:, None], axis=-1)
    strain = np.minimum(((distance - length) / (LOOSE * length)) ** 2, MOST)
    return strain[:, LEFT, 0] + strain[:, RIGHT, 1]


def _with_history(places: np.ndarray, cost: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put frames whose states are decided, (t, 2, 2), before the others."""
    decided = np.where((LEFT == 0) & (RIGHT == 1), 0.0, FIXED)
    known = before[:, [0, 1, 0]]
    return np.concatenate([known, places]), np.concatenate([np.tile(decided, (len(before), 1)), cost])
