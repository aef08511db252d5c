"""Tracking identities: pose similarity, constant-velocity motion and optimal assignment.

The world is closed: at most N animals exist, each keeps its slot, and a detection always finds one.
Detections are first matched to the animals' predicted poses by object keypoint similarity (OKS), or by
box overlap (IoU) when too few keypoints are seen in both; whoever is left is matched by distance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from superanimal.poses.similarity import iou, oks

SEEN = 0.2
"""Confidence above which a keypoint takes part in the similarity."""
MIN_SHARED = 3
"""Fewer shared keypoints than this, and the boxes are compared instead."""
GATE = 0.05
"""Minimum similarity of a match."""
DAMPING = 0.5
"""Share of the new measurement in the velocity; also how fast the velocity of an unseen animal fades."""


@dataclass
class Slot:
    """What is known of one animal: pose (K, 2), which points are known (K,), box xywh (4,), velocity (2,)."""

    points: np.ndarray
    known: np.ndarray
    box: np.ndarray
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(2))

    def predict(self) -> None:
        """Move on by one frame."""
        self.points = self.points + self.velocity
        self.box = self.box + np.array([*self.velocity, 0.0, 0.0])

    @property
    def centre(self) -> np.ndarray:
        """Centre (2,) of the box."""
        return self.box[:2] + self.box[2:] / 2


class Tracker:
    """Gives each detection of a frame the slot of one of ``max_individuals`` animals.

    Parameters
    ----------
    max_individuals
        Number of slots.
    sigmas : (K,)
        OKS tolerance of each keypoint.
    """

    def __init__(self, max_individuals: int, sigmas: np.ndarray) -> None:
        self.slots: list[Slot | None] = [None] * max_individuals
        self.sigmas = np.asarray(sigmas, dtype=np.float64)

    def update(self, points: np.ndarray, confidence: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Take the next frame and return the slot of each detection, (n,) int.

        Parameters
        ----------
        points : (n, K, 2)
            Keypoints in pixels; n is at most ``max_individuals``.
        confidence : (n, K)
            Confidences in 0..1.
        boxes : (n, 4)
            Boxes as x, y, width, height.
        """
        for slot in self.slots:
            if slot is not None:
                slot.predict()
        seen = (confidence > SEEN) & np.isfinite(points).all(-1)
        given = self._assign(points, seen, boxes)
        for detection, index in enumerate(given):
            self._remember(int(index), points[detection], seen[detection], boxes[detection])
        for index in set(range(len(self.slots))) - set(given.tolist()):
            slot = self.slots[index]
            if slot is not None:
                slot.velocity = slot.velocity * DAMPING
        return given

    def state(self) -> list[dict[str, Any] | None]:
        """Return all that :meth:`restore` needs, as plain JSON values."""
        return [
            None if slot is None else {name: value.tolist() for name, value in vars(slot).items()}
            for slot in self.slots
        ]

    def restore(self, state: list[dict[str, Any] | None]) -> None:
        """Go on from a :meth:`state`."""
        self.slots = [
            None if slot is None else Slot(**{name: np.asarray(value) for name, value in slot.items()})
            for slot in state
        ]

    def _assign(self, points: np.ndarray, seen: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Choose a slot for each detection: by similarity, then by distance, then any free one."""
        given = np.full(len(points), -1)
        known = [index for index, slot in enumerate(self.slots) if slot is not None]
        if known and len(points):
            likeness = np.array([self._similarity(i, points, seen, boxes) for i in known]).T
            for row, column in cheapest(-likeness):
                if likeness[row, column] >= GATE:
                    given[row] = known[column]
        free = [index for index in range(len(self.slots)) if index not in given]
        left = np.flatnonzero(given < 0)
        fresh = [index for index in free if self.slots[index] is None]
        # New animals take unused slots first; only when there are none is a lost animal found again far away.
        lost = [index for index in free if self.slots[index] is not None]
        centres = boxes[:, :2] + boxes[:, 2:] / 2
        if len(left) > len(fresh) and lost:
            distance = np.array([np.hypot(*(centres[left] - self._slot(i).centre).T) for i in lost]).T
            pairs = cheapest(distance)
            pairs.sort(key=lambda pair: distance[pair])
            for row, column in pairs[: len(left) - len(fresh)]:
                given[left[row]] = lost[column]
        for detection, index in zip(np.flatnonzero(given < 0), fresh, strict=False):
            given[detection] = index
        return given

    def _slot(self, index: int) -> Slot:
        slot = self.slots[index]
        assert slot is not None
        return slot

    def _similarity(self, index: int, points: np.ndarray, seen: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Return how like each detection is to the predicted animal, (n,) in 0..1."""
        slot = self._slot(index)
        shared = seen & slot.known
        distance = np.where(shared, np.linalg.norm(points - slot.points, axis=-1), np.nan)
        likeness = oks(distance, float(slot.box[2] * slot.box[3]), self.sigmas)
        return np.where(shared.sum(-1) >= MIN_SHARED, likeness, iou(boxes, slot.box[None])[:, 0])

    def _remember(self, index: int, points: np.ndarray, seen: np.ndarray, box: np.ndarray) -> None:
        """Put a detection into its slot; points not seen now move along with the animal."""
        old = self.slots[index]
        if old is None:
            slot = Slot(np.where(seen[:, None], points, 0.0).astype(np.float64), seen, box.astype(np.float64))
        else:
            centre = box[:2] + box[2:] / 2
            # `old` was moved on by its velocity: the residue is what the velocity missed.
            velocity = old.velocity + DAMPING * (centre - old.centre)
            merged = np.where(seen[:, None], points, old.points)
            slot = Slot(merged, old.known | seen, box.astype(np.float64), velocity)
        self.slots[index] = slot


def cheapest(cost: np.ndarray) -> list[tuple[int, int]]:
    """Return the pairs (row, column) of the assignment with the lowest sum of costs (n, m)."""
    if 1 in cost.shape:  # one animal, which most videos have: without loading scipy's optimisers
        row, column = np.unravel_index(cost.argmin(), cost.shape)
        return [(int(row), int(column))]
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(cost)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))
