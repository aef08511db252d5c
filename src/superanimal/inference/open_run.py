"""A run that is open: its video, its store, and which of its chunks are missing.

Raw estimates of a chunk depend on no other chunk. So processes on all computers that see the same files may
each compute some (:meth:`OpenRun.estimate`), at once, in any order and without a lock: each chunk is a file
that a rename puts in place, and two processes with the same chunk write the same bytes. Results depend on
those before them: :meth:`OpenRun.complete` links them in order and computes what is missing, under the lock
of the store.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from superanimal.errors import InputError
from superanimal.inference.linking import Linker
from superanimal.inference.pipeline import begun_chunks, estimate
from superanimal.inference.stages import POSE
from superanimal.inference.tracking import Tracker
from superanimal.poses.run_store import RunStore
from superanimal.progress import Progress

if TYPE_CHECKING:
    from superanimal.inference.analyzer import Analyzer
    from superanimal.inference.estimator import Estimator
    from superanimal.inference.first_look import Look
    from superanimal.inference.legs.sorting import LimbSorter
    from superanimal.video import Video


@dataclass
class OpenRun:
    """The run of one video, opened by :meth:`superanimal.inference.Analyzer.open`.

    Attributes
    ----------
    analyzer
        Holds the models and the settings.
    name
        Name of the video.
    video, frames
        The video, and which of its frames are analysed, one per row of the store.
    given : (T, N, 4)
        Known boxes, x, y, width, height in pixels; None with another source of boxes.
    look
        How the detector looks at the video.
    store
        The run on disk.
    before
        The poses of a run that this one replaces.
    """

    analyzer: Analyzer
    name: str
    video: Video
    frames: range
    given: np.ndarray | None
    look: Look | None
    store: RunStore
    before: xr.Dataset | None

    def missing(self, chunks: Iterable[int] | None = None) -> dict[int, int]:
        """Return the chunks with neither results nor complete raw estimates, and how many rows each lacks.

        Parameters
        ----------
        chunks
            Those in question; None for all.
        """
        first, store = self.store.resume_point()[0], self.store
        wanted = range(first, store.n_chunks) if chunks is None else [k for k in chunks if k >= first]
        begun = begun_chunks(store, self._pairs, wanted)
        return {
            k: store.rows(k).stop - (store.rows(k).start if raw is None else raw.stop)
            for k, raw in begun.items()
        }

    def estimate(self, chunks: Iterable[int], progress: Progress) -> None:
        """Compute the raw estimates of those chunks that are missing, and link nothing.

        Raises
        ------
        Cancelled
            When ``progress`` was cancelled; what is there of the chunk is kept.
        """
        settings, missing = self.analyzer.settings, list(self.missing(chunks))
        estimator = self._estimator()
        estimate(self.video, self.frames, self.store, estimator, settings, progress, chunks=missing)

    def complete(self, progress: Progress) -> str:
        """Compute what is missing, link everything, and return how fast the networks were, if they ran.

        Raises
        ------
        StorageError
            When another process is linking it.
        """
        analyzer, store = self.analyzer, self.store
        left = len(store) - store.finished_frames()
        if 0 < left < len(store):
            progress.message(f"{store.path.name}: resuming, {left} of {len(store)} frames left")
        progress.start(left, title=self.name)
        speed = ""
        if left:
            settings, estimator = analyzer.settings, self._estimator()
            tracker = Tracker(settings.max_individuals, analyzer.sigmas) if settings.track else None
            limbs = self._limbs if settings.track else None
            with store.exclusive():
                linker = Linker(store, tracker, limbs, self._pairs, analyzer.offsets, progress)
                estimate(self.video, self.frames, store, estimator, settings, progress, linker=linker)
            if estimator.stages.seconds[POSE]:
                speed = estimator.stages.sentence(left, settings.device, settings.backend)
        progress.finish()
        return speed

    @cached_property
    def _limbs(self) -> LimbSorter | None:
        return self.analyzer.limbs(self.video, self.frames)

    @property
    def _pairs(self) -> int:
        return 0 if self._limbs is None else len(self._limbs.pairs)

    def _estimator(self) -> Estimator:
        pairs = None if self._limbs is None else self._limbs.pairs
        return self.analyzer.estimator(self.given, self.look, pairs)


def parse_part(text: str) -> tuple[int, int]:
    """Read ``"3/40"``: the third of forty parts.

    Raises
    ------
    InputError
        When the text is not such a part.

    Examples
    --------
    >>> parse_part("3/40")
    (3, 40)
    """
    try:
        part, parts = (int(number) for number in text.split("/"))
    except ValueError:
        part, parts = 0, 0
    if not 1 <= part <= parts:
        raise InputError(f"part {text!r}", "give the number of the part and of all parts, from 1/40 to 40/40")
    return part, parts


def chunks_of_part(chunks: int, part: int, parts: int) -> range:
    """Return the consecutive chunks of one of several parts of a run; together they are all.

    Examples
    --------
    >>> [chunks_of_part(5, part, 3) for part in (1, 2, 3)]
    [range(0, 1), range(1, 3), range(3, 5)]
    """
    return range(chunks * (part - 1) // parts, chunks * part // parts)
