"""One streaming pass over a video: read, estimate and write overlap, memory stays constant.

A thread decodes the next window of frames while the networks work on this one, and another links
identities and writes chunks of the last. Windows never reach over the border of a chunk and their length
depends only on the settings and the frame size, so every batch of every run holds the same frames.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from superanimal.errors import Cancelled, VideoError
from superanimal.inference.estimator import Animals, Estimator
from superanimal.inference.following import may_follow
from superanimal.inference.legs.peaks import PEAKS, PLACE
from superanimal.inference.legs.sorting import LimbSorter
from superanimal.inference.searching import may_search
from superanimal.inference.settings import Settings
from superanimal.inference.threads import Finisher, read_ahead
from superanimal.inference.tracking import Tracker
from superanimal.poses.offsets import Offsets
from superanimal.poses.run_store import CHUNK, Begun, RunStore
from superanimal.progress import Progress

if TYPE_CHECKING:
    from superanimal.video import Video

KEEP_EVERY_S = 10.0
"""A run that is killed loses no more than this of its work."""
WINDOW_BYTES = 256 * 2**20
"""Most bytes of decoded frames in one window; about three windows are alive at a time."""


@dataclass
class Window:
    """Consecutive rows of a run: their chunk, their numbers (n,) and their frames, n arrays (H, W, 3).

    ``follow`` (n,) says where boxes may follow the pose from the frame before, ``search`` (n,) where a search
    is allowed, ``readable`` (n,) which frames are not a stand-in for one that cannot be decoded.
    """

    chunk: int
    rows: np.ndarray
    frames: list[np.ndarray]
    follow: np.ndarray
    search: np.ndarray
    readable: np.ndarray


@dataclass
class Estimated:
    """The animals found in a window, and the estimator's state after it."""

    chunk: int
    rows: np.ndarray
    animals: list[Animals]
    state: dict[str, int]


def run(
    video: Video,
    frames: range,
    store: RunStore,
    estimator: Estimator,
    tracker: Tracker | None,
    settings: Settings,
    progress: Progress,
    offsets: Offsets | None = None,
    limbs: LimbSorter | None = None,
) -> None:
    """Fill a store from its first missing chunk on.

    Parameters
    ----------
    video
        Where the frames come from.
    frames
        The frames of the video to analyse, one per row of the store.
    store
        Receives whole chunks; hold :meth:`RunStore.exclusive` meanwhile.
    estimator
        Finds the poses.
    tracker
        Gives identities; None keeps the detector's order.
    settings
        The choices of the run.
    progress
        Counts frames, is told the ``rows`` (slice) and ``results`` (arrays as in the store) of every window,
        and stops the run within a layer of a network when cancelled.
    offsets
        Moves the points on their way into the store; boxes and identities go by the points of the network.
    limbs
        Tells left and right legs apart, whenever a chunk is full; None takes each frame as it is.

    Raises
    ------
    Cancelled
        When ``progress`` was cancelled; the frames of which it was told stay.
    """
    chunk, state = store.resume_point()
    begun = store.begun()
    if begun is not None and begun.chunk != chunk:
        begun = None
    state = begun.state if begun is not None else state
    if state:
        estimator.restore(state["batches"])
        if tracker is not None:
            tracker.restore(state["tracker"])
        if limbs is not None:
            limbs.restore(state["limbs"])
    if chunk == store.n_chunks:
        return
    keypoints = len(estimator.model.keypoints)
    writer = ChunkWriter(store, tracker, settings, keypoints, progress, offsets, limbs)
    if begun is not None:
        writer.go_on(begun)
    first = store.rows(chunk).start if begun is None else begun.stop
    windows = read_ahead(read_windows(video, frames, store, first, settings, progress))
    try:
        with closing(windows), stoppable(estimator, progress), Finisher(writer.add) as finisher:  # type: ignore[type-var]
            for window in windows:
                progress.check()
                animals = estimator.estimate(window.frames, window.rows, window.follow, window.search)
                for i in np.flatnonzero(~window.readable):
                    animals[i] = animals[i].select(np.zeros(0, int))  # nobody has seen this frame
                finisher.put(Estimated(window.chunk, window.rows, animals, estimator.state()))
    except (Cancelled, KeyboardInterrupt):
        writer.keep()
        raise


@contextmanager
def stoppable(estimator: Estimator, progress: Progress) -> Iterator[None]:
    """Let a cancelled run stop before the next layer of its networks: a pass through one can take seconds."""

    def check(*_: object) -> None:
        progress.check()

    networks = [
        estimator.model.network,
        getattr(getattr(estimator.source, "detector", None), "network", None),
    ]
    layers = [layer for network in networks if network is not None for layer in network.modules()]
    hooks = [layer.register_forward_pre_hook(check) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def window_length(settings: Settings, frame_bytes: int) -> int:
    """Return the frames of a window: a full batch for each step of its segments, if memory allows."""
    segments = max(1, -(-settings.batch_size // settings.max_individuals))
    affordable = max(1, WINDOW_BYTES // (frame_bytes * settings.detector_every))
    return min(segments, affordable) * settings.detector_every


def read_windows(
    video: Video, frames: range, store: RunStore, first: int, settings: Settings, progress: Progress
) -> Iterator[Window]:
    """Yield the windows of a video from row ``first`` on."""
    height, width = video.shape[1:3]
    if settings.roi is not None:
        width, height = settings.roi[2:]
    length = window_length(settings, height * width * 3)
    times = video.timestamps[frames.start : frames.stop : frames.step]
    follow = may_follow(times, settings.follow_within)
    search = may_search(times, follow, settings.detector_every)
    images = video.frames(frames[first], frames.stop, frames.step)
    while first < len(store):
        number = first // CHUNK
        rows = store.rows(number)
        # a window ends where one of a run that was never stopped or extended would
        stop = min(rows.start + ((first - rows.start) // length + 1) * length, rows.stop)
        index = np.arange(first, stop)
        first = stop
        window = []
        for row in index:
            progress.check()
            k, image = next(images, (None, None))
            if k is None or image is None:
                raise VideoError(f"{video.path}: the video ended before frame {frames[row]}")
            window.append(_analysed(image, video.frame_size(k), settings.roi))
        readable = ~np.isin([frames[row] for row in index], video.bad_frames)
        yield Window(number, index, window, follow[index], search[index], readable)


def _analysed(image: np.ndarray, size: tuple[int, int], roi: tuple[int, int, int, int] | None) -> np.ndarray:
    """Return the part of a frame that is looked at: its own height and width, or the region of interest."""
    x, y, width, height = roi or (0, 0, size[1], size[0])
    part = image[y : y + height, x : x + width]
    return part if part.shape == image.shape else part.copy()  # a view would keep the whole frame


class ChunkWriter:
    """Links identities in frame order and writes each chunk as soon as it is full."""

    def __init__(
        self,
        store: RunStore,
        tracker: Tracker | None,
        settings: Settings,
        keypoints: int,
        progress: Progress,
        offsets: Offsets | None = None,
        limbs: LimbSorter | None = None,
    ) -> None:
        self.store = store
        self.tracker = tracker
        self.settings = settings
        self.keypoints = keypoints
        self.progress = progress
        self.offsets = offsets
        self.limbs = limbs
        self._filling: dict[str, np.ndarray] = {}
        self._peaks = np.zeros(0)
        self._begun: Begun | None = None
        self._kept = time.monotonic()

    def go_on(self, begun: Begun) -> None:
        """Start from a chunk that is finished in part."""
        rows = self.store.rows(begun.chunk)
        self._empty(rows.stop - rows.start)
        for name, array in (*self._filling.items(), ("peaks", self._peaks)):
            array[: begun.stop - rows.start] = begun.arrays[name]

    def keep(self) -> None:
        """Write what is finished of a chunk that is not full."""
        if self._begun is not None:
            done = self._begun.stop - self.store.rows(self._begun.chunk).start
            self.store.write_begun(self._begun, self._moved(slice(0, done)))
            self._begun = None
        self._kept = time.monotonic()

    def add(self, window: Estimated) -> None:
        """Take the next window."""
        chunk = self.store.rows(window.chunk)
        if window.rows[0] == chunk.start:
            self._empty(chunk.stop - chunk.start)
        for row, animals in zip(window.rows - chunk.start, window.animals, strict=True):
            self._place(int(row), animals)
        landed = slice(int(window.rows[0]), int(window.rows[-1]) + 1)
        full = landed.stop == chunk.stop
        done = slice(0, landed.stop - chunk.start)
        arrays = {name: array[done] for name, array in self._filling.items()} | {"peaks": self._peaks[done]}
        self._begun = Begun(window.chunk, landed.stop, arrays, self._state(window.state))
        if full:
            if (
                landed.stop % CHUNK
            ):  # the last chunk: a longer run starts from what it was before legs were sorted
                self.store.write_begun(self._begun)
            self._begun = None
        elif time.monotonic() - self._kept > KEEP_EVERY_S:
            self.keep()
        if full and self.limbs is not None:
            filling = self._filling
            self.limbs.sort(filling["position"], filling["confidence"], filling["boxes"], self._peaks)
            landed = chunk  # what was shown already has changed, too
        results = self._moved(slice(landed.start - chunk.start, landed.stop - chunk.start))
        if full:
            self.store.write_chunk(window.chunk, self._moved(slice(None)), self._state(window.state))
        self.progress.emit("landed", rows=landed, arrays=results)
        self.progress.advance(len(window.rows))

    def _state(self, batches: dict[str, int]) -> dict[str, Any]:
        return {
            "batches": batches,
            "tracker": None if self.tracker is None else self.tracker.state(),
            "limbs": None if self.limbs is None else self.limbs.state(),
        }

    def _empty(self, rows: int) -> None:
        """Make room for a chunk."""
        animals = self.settings.max_individuals
        shapes = {
            "position": (rows, animals, self.keypoints, 2),
            "confidence": (rows, animals, self.keypoints),
            "boxes": (rows, animals, 4),
            "box_confidence": (rows, animals),
        }
        self._filling = {name: np.full(shape, np.nan, np.float32) for name, shape in shapes.items()}
        pairs = 0 if self.limbs is None else len(self.limbs.pairs)
        self._peaks = np.full((rows, animals, pairs, PEAKS, 6), np.nan)

    def _moved(self, rows: slice) -> dict[str, np.ndarray]:
        """Return some rows of the chunk, their points moved by the offsets."""
        results = {name: array[rows] for name, array in self._filling.items()}
        if self.offsets is not None:
            points, confidence = results["position"], results["confidence"]
            flat = points.reshape(-1, self.keypoints, 2)
            moved = self.offsets.move(flat, confidence.reshape(-1, self.keypoints))
            results["position"] = moved.reshape(points.shape)
        return results

    def _place(self, row: int, animals: Animals) -> None:
        """Put the animals of one frame into their slots, in pixels of the whole frame."""
        number = min(len(animals), self.settings.max_individuals)
        animals = animals.select(np.arange(number))
        offset = np.array((self.settings.roi or (0, 0))[:2], dtype=np.float64)
        points = animals.points + offset
        boxes = animals.boxes + np.array([*offset, 0, 0], dtype=np.float32)
        if self.tracker is None:
            slots = np.arange(number)
        else:
            slots = self.tracker.update(points, animals.confidence, boxes)
        self._filling["position"][row, slots] = points
        self._filling["confidence"][row, slots] = animals.confidence
        self._filling["boxes"][row, slots] = boxes
        self._filling["box_confidence"][row, slots] = animals.scores
        if self.limbs is not None:
            animals.peaks[..., PLACE] += offset
            self._peaks[row, slots] = animals.peaks
