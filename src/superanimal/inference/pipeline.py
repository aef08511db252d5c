"""One streaming pass over a video: read, estimate and write overlap, memory stays constant.

A thread decodes the next window of frames while the networks work on this one, and another writes the raw
estimates of the last and links them. Windows begin with a look of the detector, never reach over the border
of a chunk, and their length depends only on the settings and the frame size. A batch size that had to shrink
is kept to the end of the chunk. So every batch of every run holds the same frames, and a chunk comes out the
same whichever were computed before it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from superanimal.errors import Cancelled, VideoError
from superanimal.inference.estimator import Estimator
from superanimal.inference.following import may_follow
from superanimal.inference.linking import Linker, raw_estimates
from superanimal.inference.searching import may_search
from superanimal.inference.settings import Settings
from superanimal.inference.stages import READING, STALLED_S, WRITING, Stages
from superanimal.inference.threads import Finisher, read_ahead
from superanimal.poses.raw_estimates import RawEstimates, join
from superanimal.poses.run_store import RunStore
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


def estimate(
    video: Video,
    frames: range,
    store: RunStore,
    estimator: Estimator,
    settings: Settings,
    progress: Progress,
    *,
    chunks: Sequence[int] | None = None,
    linker: Linker | None = None,
) -> None:
    """Compute the raw estimates that are missing and, with a linker, the results.

    Parameters
    ----------
    video
        Where the frames come from.
    frames
        The frames of the video to analyse, one per row of the store.
    store
        Receives whole chunks.
    estimator
        Finds the poses.
    settings
        The choices of the run.
    progress
        Counts frames and stops the work within a layer of a network when cancelled.
    chunks
        Which chunks, in any order and in any process; None for all that have no results yet.
    linker
        Links what is there in order; hold :meth:`RunStore.exclusive` meanwhile. None leaves that for later.

    Raises
    ------
    Cancelled
        When ``progress`` was cancelled; reported frames are kept.
    """
    if linker is not None:
        linker.catch_up()
    begun = begun_chunks(store, len(estimator.pairs), chunks)
    if not begun:
        return
    at = -1
    writer = Writer(store, begun, linker, progress)
    windows = read_ahead(read_windows(video, frames, store, begun, settings, progress))
    most, roi, stages = settings.max_individuals, settings.roi, estimator.stages
    try:
        with closing(windows), stoppable(estimator, progress), Finisher(writer.add) as finisher:  # type: ignore[type-var]
            stages.begin()
            while (window := _next(windows, stages, progress)) is not None:
                progress.check()
                if window.chunk != at:
                    at, there = window.chunk, begun[window.chunk]
                    estimator.restore(None if there is None else there.state)
                animals = estimator.estimate(window.frames, window.rows, window.follow, window.search)
                for i in np.flatnonzero(~window.readable):
                    animals[i] = animals[i].select(np.zeros(0, int))  # nobody has seen this frame
                row = int(window.rows[0])
                raw = raw_estimates(row, animals, estimator.state(), most=most, roi=roi)
                with stages.of(WRITING):
                    finisher.put((window.chunk, raw))
    except (Cancelled, KeyboardInterrupt):
        writer.keep()
        raise


def begun_chunks(
    store: RunStore, pairs: int, chunks: Iterable[int] | None = None
) -> dict[int, RawEstimates | None]:
    """Return what is there of the chunks whose raw estimates are missing or not complete.

    Parameters
    ----------
    pairs
        Number of pairs of look-alike keypoints in the raw estimates.
    chunks
        The chunks in question; None for all that have no results yet.
    """
    wanted = range(store.resume_point()[0], store.n_chunks) if chunks is None else chunks
    there = {chunk: store.read_raw(chunk, pairs) for chunk in wanted}
    return {k: raw for k, raw in there.items() if raw is None or raw.stop < store.rows(k).stop}


def _next(windows: Iterator[Window], stages: Stages, progress: Progress) -> Window | None:
    """Return the next window, None at the end; a video that keeps everybody waiting is named."""
    alarm = threading.Timer(
        STALLED_S,
        progress.message,
        [f"no frame of the video has arrived for {STALLED_S:.0f} s: its disk or network may have stopped"],
    )
    alarm.daemon = True
    alarm.start()
    try:
        with stages.of(READING):
            return next(windows, None)
    finally:
        alarm.cancel()


class Writer:
    """Writes the raw estimates of each chunk as soon as it is full, and has them linked.

    Parameters
    ----------
    begun
        What is there already of the chunks to come.
    """

    def __init__(
        self,
        store: RunStore,
        begun: dict[int, RawEstimates | None],
        linker: Linker | None,
        progress: Progress,
    ) -> None:
        self.store, self.linker, self.progress = store, linker, progress
        self._begun = begun
        self._chunk = -1
        self._parts: list[RawEstimates] = []
        self._kept = time.monotonic()

    def add(self, window: tuple[int, RawEstimates]) -> None:
        """Take the estimates of the next window, in its chunk."""
        chunk, raw = window
        if chunk != self._chunk:
            there = self._begun[chunk]
            self._chunk, self._parts = chunk, [] if there is None else [there]
        self._parts.append(raw)
        full = raw.stop == self.store.rows(chunk).stop
        if full:
            self.store.write_raw(chunk, join(self._parts))
            self._parts = []
        linked = self.linker.link(raw) if self.linker is not None else None
        if not full and time.monotonic() - self._kept > KEEP_EVERY_S:
            self.keep()
        if self.linker is None or linked is None:
            self.progress.advance(len(raw))
            return
        self.linker.tell(linked)
        if full:
            self.linker.catch_up()

    def keep(self) -> None:
        """Write what is there of a chunk that is not full."""
        if self._parts:
            self.store.write_raw(self._chunk, join(self._parts))
            if self.linker is not None:
                self.linker.keep()
        self._kept = time.monotonic()


@contextmanager
def stoppable(estimator: Estimator, progress: Progress) -> Iterator[None]:
    """Let a cancelled run stop before the next layer of its networks: a pass through one can take seconds."""

    def check(*_: object) -> None:
        progress.check()

    models = estimator.model, getattr(estimator.source, "detector", None)
    networks = [getattr(model, "network", None) for model in models]
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
    video: Video,
    frames: range,
    store: RunStore,
    begun: dict[int, RawEstimates | None],
    settings: Settings,
    progress: Progress,
) -> Iterator[Window]:
    """Yield the windows of the rows that are missing in some chunks."""
    height, width = video.shape[1:3]
    if settings.roi is not None:
        width, height = settings.roi[2:]
    length = window_length(settings, height * width * 3)
    times = video.timestamps[frames.start : frames.stop : frames.step]
    follow = may_follow(times, settings.follow_within)
    search = may_search(times, follow, settings.detector_every)
    reached = -1
    images: Iterator[tuple[int, np.ndarray]] = iter(())
    for chunk, there in begun.items():
        rows = store.rows(chunk)
        first = rows.start if there is None else there.stop
        if first != reached:
            images = video.frames(frames[first], frames.stop, frames.step)
        while first < rows.stop:
            # a window ends where one of a run that was never stopped or extended would
            stop = min(rows.start + ((first - rows.start) // length + 1) * length, rows.stop)
            index = np.arange(first, stop)
            window: list[np.ndarray] = []
            for row in index:
                progress.check()
                k, image = next(images, (None, None))
                if k is None or image is None:
                    raise VideoError(f"{video.path}: the video ended before frame {frames[row]}")
                window.append(_analysed(image, video.frame_size(k), settings.roi))
            readable = ~np.isin([frames[row] for row in index], video.bad_frames)
            yield Window(chunk, index, window, follow[index], search[index], readable)
            first = reached = stop


def _analysed(image: np.ndarray, size: tuple[int, int], roi: tuple[int, int, int, int] | None) -> np.ndarray:
    """Return the part of a frame that is looked at: its own height and width, or the region of interest."""
    x, y, width, height = roi or (0, 0, size[1], size[0])
    part = image[y : y + height, x : x + width]
    return part if part.shape == image.shape else part.copy()  # a view would keep the whole frame
