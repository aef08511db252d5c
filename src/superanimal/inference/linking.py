"""Linking raw estimates to results: identities, legs and offsets, in order, chunk by chunk.

Raw estimates of a chunk (:mod:`superanimal.poses.raw_estimates`) do not depend on other chunks and can be
computed anywhere. Linking is sequential, cheap and needs no network, so a run is relinked from its raw
estimates if only :data:`CHOICES` change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from superanimal.inference.estimator import Animals
from superanimal.inference.legs.peaks import PEAKS, PLACE
from superanimal.inference.legs.sorting import LimbSorter
from superanimal.inference.tracking import Tracker
from superanimal.poses.offsets import Offsets
from superanimal.poses.raw_estimates import RawEstimates
from superanimal.progress import Progress

CHOICES = ("settings.track", "calibration", "limbs")
"""Keys of a run's identity that decide how raw estimates are linked, and nothing else."""

Landed = tuple[slice, dict[str, np.ndarray]]
"""Rows of a run and their results, arrays as in the store."""


class Results(Protocol):
    """What a linker reads from and writes to: a :class:`~superanimal.poses.run_store.RunStore`, or memory."""

    @property
    def attrs(self) -> Mapping[str, Any]:
        """With the names of ``keypoints`` and ``individuals``."""
        ...

    @property
    def n_chunks(self) -> int:
        """Number of chunks."""
        ...

    def rows(self, chunk: int) -> slice:
        """Return the rows of a chunk."""
        ...

    def finished_rows(self) -> np.ndarray:
        """Return which rows have results, (T,) bool."""
        ...

    def resume_point(self) -> tuple[int, dict[str, Any]]:
        """Return the first chunk without whole results, and the state of the linker before it."""
        ...

    def read_raw(self, chunk: int, pairs: int) -> RawEstimates | None:
        """Return the raw estimates of a chunk, None when there are none."""
        ...

    def write_chunk(self, chunk: int, arrays: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        """Keep the results of a chunk, whole or not, and the state of the linker after it."""
        ...


def raw_estimates(
    first: int,
    animals: Sequence[Animals],
    state: dict[str, Any],
    *,
    most: int,
    roi: tuple[int, int, int, int] | None = None,
) -> RawEstimates:
    """Return the animals of consecutive rows, in pixels of the whole frame.

    Parameters
    ----------
    first
        The first row.
    animals
        Those of each row; coordinates in pixels of the analysed region.
    state
        Of the estimator after the last row.
    most
        At most this many animals per row are kept, the best boxes.
    roi
        The analysed region, x, y, width, height; None for the whole frame.
    """
    best = [each.select(np.arange(min(len(each), most))) for each in animals]
    offset = np.array((roi or (0, 0))[:2], dtype=np.float64)
    peaks = np.concatenate([each.peaks for each in best])
    peaks[..., PLACE] += offset
    arrays = {
        "points": np.concatenate([each.points for each in best]) + offset,
        "confidence": np.concatenate([each.confidence for each in best]),
        "boxes": np.concatenate([each.boxes for each in best]) + np.array([*offset, 0, 0], np.float32),
        "scores": np.concatenate([each.scores for each in best]),
        "peaks": peaks,
    }
    arrays = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
    return RawEstimates(first, np.array([len(each) for each in best], np.int64), arrays, state)


class Linker:
    """Links the raw estimates of a run in order and writes each chunk of results as soon as it is full.

    Parameters
    ----------
    store
        Receives the results; hold ``exclusive`` of a run store meanwhile.
    tracker
        Gives identities; None keeps the order of the boxes.
    limbs
        Tells left and right legs apart, whenever a chunk is full; None takes each frame as it is.
    pairs
        Number of pairs of look-alike keypoints in the raw estimates.
    offsets
        Moves the points on their way into the store; identities and legs go by the points of the network.
    progress
        Counts frames and receives the ``rows`` (slice) and ``arrays`` of all new results.

    Attributes
    ----------
    chunk, row
        The chunk that is not full, and its first row that is not linked.
    """

    def __init__(
        self,
        store: Results,
        tracker: Tracker | None,
        limbs: LimbSorter | None,
        pairs: int,
        offsets: Offsets | None,
        progress: Progress,
    ) -> None:
        self.store, self.tracker, self.limbs, self.pairs = store, tracker, limbs, pairs
        self.offsets, self.progress = offsets, progress
        self._told = int(np.argmin(np.append(store.finished_rows(), False)))
        self.chunk, state = store.resume_point()
        if tracker is not None and state:
            tracker.restore(state["tracker"])
        if limbs is not None and state:
            limbs.restore(state["limbs"])
        self._empty()

    def catch_up(self) -> None:
        """Link all raw estimates of the store that follow on what is linked."""
        while self.chunk < self.store.n_chunks:
            raw = self.store.read_raw(self.chunk, self.pairs)
            if raw is None or raw.stop <= self.row:
                return
            self.progress.check()
            self.tell(self.link(raw.from_row(self.row)))

    def link(self, raw: RawEstimates) -> Landed:
        """Link the next rows of the chunk, write it when it is full, and return what landed."""
        chunk = self.store.rows(self.chunk)
        for row, animals in enumerate(raw.rows(), raw.first - chunk.start):
            self._place(row, animals)
        landed, self.row = slice(raw.first, raw.stop), raw.stop
        if raw.stop < chunk.stop:
            return landed, self._moved(slice(landed.start - chunk.start, landed.stop - chunk.start))
        if self.limbs is not None:
            linked = self._linked
            self.limbs.sort(linked["position"], linked["confidence"], linked["boxes"], self._peaks)
            landed = chunk  # what was shown already has changed, too
        results = self._moved(slice(None))
        self.store.write_chunk(self.chunk, results, self._state())
        self.chunk += 1
        self._empty()
        shown = slice(landed.start - chunk.start, None)
        return landed, {name: array[shown] for name, array in results.items()}

    def keep(self) -> None:
        """Write the results of a chunk that is not full, legs as each frame shows them."""
        start = self.store.rows(self.chunk).start
        if self.row > start:
            self.store.write_chunk(self.chunk, self._moved(slice(0, self.row - start)), {})

    def tell(self, landed: Landed) -> None:
        """Tell what landed, and count the frames that had no results before."""
        rows, results = landed
        self.progress.emit("landed", rows=rows, arrays=results)
        self.progress.advance(max(0, rows.stop - max(self._told, rows.start)))
        self._told = max(self._told, rows.stop)

    def _state(self) -> dict[str, Any]:
        return {
            "tracker": None if self.tracker is None else self.tracker.state(),
            "limbs": None if self.limbs is None else self.limbs.state(),
        }

    def _empty(self) -> None:
        """Make room for a chunk."""
        chunk = self.store.rows(self.chunk)
        rows, self.row = max(0, chunk.stop - chunk.start), chunk.start
        animals, points = len(self.store.attrs["individuals"]), len(self.store.attrs["keypoints"])
        shapes = {
            "position": (rows, animals, points, 2),
            "confidence": (rows, animals, points),
            "boxes": (rows, animals, 4),
            "box_confidence": (rows, animals),
        }
        self._linked = {name: np.full(shape, np.nan, np.float32) for name, shape in shapes.items()}
        self._peaks = np.full((rows, animals, self.pairs, PEAKS, 6), np.nan)

    def _place(self, row: int, animals: dict[str, np.ndarray]) -> None:
        """Put the animals of one frame into their slots."""
        points, confidence, boxes = animals["points"], animals["confidence"], animals["boxes"]
        if self.tracker is None:
            slots = np.arange(len(boxes))
        else:
            slots = self.tracker.update(points, confidence, boxes)
        self._linked["position"][row, slots] = points
        self._linked["confidence"][row, slots] = confidence
        self._linked["boxes"][row, slots] = boxes
        self._linked["box_confidence"][row, slots] = animals["scores"]
        self._peaks[row, slots] = animals["peaks"]

    def _moved(self, rows: slice) -> dict[str, np.ndarray]:
        """Return some rows of the chunk, their points moved by the offsets."""
        results = {name: array[rows] for name, array in self._linked.items()}
        if self.offsets is not None:
            points, confidence = results["position"], results["confidence"]
            flat = points.reshape(-1, *points.shape[2:])
            moved = self.offsets.move(flat, confidence.reshape(-1, points.shape[2]))
            results["position"] = moved.reshape(points.shape)
        return results
