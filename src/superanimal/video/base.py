"""The common interface of all video readers: a lazy array of frames."""

from __future__ import annotations

import operator
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from superanimal.errors import InputError, VideoError

if TYPE_CHECKING:
    import dask.array as da

Frame = NDArray[np.uint8]

LOADABLE_BYTES = 1 << 30
"""``np.asarray(video)`` above this size is considered a mistake and refused."""


class VideoWarning(UserWarning):
    """Some frames of a video could not be decoded."""


class Video(ABC):
    """A video as a lazy array ``(T, H, W, 3)`` of 8-bit RGB; thread-safe.

    Created by :func:`~superanimal.video.open_video`. Frame ``k`` is the ``k``-th picture in display order,
    with the display rotation applied, so its pixels are those that OpenCV and DeepLabCut read.
    A frame that cannot be decoded is replaced by the nearest good one, with one warning per video.

    Attributes
    ----------
    path : Path
        The opened file or folder.
    shape : tuple of int
        ``(T, H, W, 3)``.
    fps : float or None
        Frames per second; None for a stack of images without a given rate.
    timestamps : (T,) float64 array
        Seconds since the first frame, as stored in the file (use these, not ``k / fps``, for speeds);
        frame numbers when ``fps`` is None.
    """

    ndim = 4
    dtype = np.dtype(np.uint8)

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int, int],
        fps: float | None,
        timestamps: NDArray[np.float64],
        reopen: partial[Video],
    ) -> None:
        self.path = path
        self.shape: tuple[int, int, int, int] = (*shape, 3)
        self.fps = fps
        self.timestamps = timestamps
        self._reopen = reopen
        self._lock = threading.RLock()
        self._bad = np.zeros(shape[0], bool)
        self._warned = False
        self._closed = False

    @abstractmethod
    def _read(self, k: int) -> Frame | None:
        """Return frame ``k``, or None if it cannot be decoded; called with the lock held."""

    @abstractmethod
    def _release(self) -> None:
        """Release files and memory; called with the lock held."""

    def _sequential(self, frames: range) -> Iterator[tuple[int, Frame | None]]:
        """Yield ``(k, frame)`` for ascending ``frames``; readers with a costly seek override this."""
        for k in frames:
            with self._lock:
                frame = self._read(k)
            yield k, frame

    @property
    def name(self) -> str:
        """Name of the file or folder."""
        return self.path.name

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Bytes the whole video would take in memory."""
        return self.size

    @property
    def bad_frames(self) -> tuple[int, ...]:
        """Undecodable frames found so far; each is replaced by its nearest good neighbour."""
        return tuple(np.flatnonzero(self._bad).tolist())

    def frame_size(self, k: int) -> tuple[int, int]:
        """Return height and width of frame ``k`` itself.

        A folder may hold images of different sizes. Smaller ones are placed at the top left of the common
        frame, so that pixel coordinates are those of the image, and padded with black.
        """
        return self.shape[1:3]

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        frames, height, width, _ = self.shape
        rate = "unknown rate" if self.fps is None else f"{self.fps:g} fps"
        return f"<{type(self).__name__} {self.name!r}: {frames} frames, {width} x {height}, {rate}>"

    def __getitem__(self, key: Any) -> Frame:
        """Return frames by numpy indexing: ``video[k]`` is ``(H, W, 3)``, ``video[a:b]`` ``(n, H, W, 3)``.

        The time axis accepts integers (also negative), slices, and lists of integers or booleans; further
        axes accept any numpy index.
        """
        first, *others = _expand(key, self.ndim)
        rest = tuple(others)
        if isinstance(first, slice):
            wanted: Sequence[int] = range(len(self))[first]
        elif np.ndim(first) == 1:
            wanted = _listed(first, len(self))
        else:
            return self._frame(_position(first, len(self)))[rest]
        probe = np.empty((1, *self.shape[1:]), np.uint8)[(slice(None), *rest)]
        out = np.empty((len(wanted), *probe.shape[1:]), np.uint8)
        for i, k in enumerate(wanted):
            out[i] = self._frame(k)[rest]
        return out

    def __iter__(self) -> Iterator[Frame]:
        return (frame for _, frame in self.frames())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if self.nbytes > LOADABLE_BYTES:
            raise InputError(
                f"{self.name} would take {self.nbytes / 1e9:.1f} GB in memory",
                f"a whole video can be converted to an array only below {LOADABLE_BYTES / 1e9:.1f} GB",
                "take a slice such as video[0:100], iterate video.frames(), or use video.dask()",
            )
        return np.asarray(self[:], dtype)

    def frames(
        self, start: int | None = None, stop: int | None = None, step: int | None = None
    ) -> Iterator[tuple[int, Frame]]:
        """Iterate over the video with a separate decoder, the fastest way to read many frames.

        Several iterations and random access may run at the same time, each in its own thread.

        Parameters
        ----------
        start, stop, step
            As in a slice; ``step`` must be positive.

        Yields
        ------
        (int, (H, W, 3) uint8 array)
            Frame number and RGB picture.
        """
        if step is not None and step < 1:
            raise InputError(
                f"step={step}", "frames are read forward, so step must be 1 or more", "reverse afterwards"
            )
        return self._walk(range(len(self))[slice(start, stop, step)])

    def _walk(self, wanted: range) -> Iterator[tuple[int, Frame]]:
        for k, frame in self._sequential(wanted):
            yield k, self._nearest(k) if frame is None else frame

    def dask(self) -> da.Array:
        """Return a dask array ``(T, H, W, 3)`` uint8 with one chunk per frame."""
        import dask.array as da
        from dask.base import tokenize

        frames, height, width, channels = self.shape
        return da.map_blocks(
            partial(_block, self),
            chunks=((1,) * frames, (height,), (width,), (channels,)),
            dtype=np.uint8,
            meta=np.empty((0, 0, 0, 0), np.uint8),
            name=f"video-{tokenize(self)}",
        )

    def close(self) -> None:
        """Release the file and the cache; frames cannot be read afterwards."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._release()

    def __enter__(self) -> Video:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return self._reopen, ()

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        stat = self.path.stat() if self.path.exists() else None
        how = (self._reopen.args, self._reopen.keywords)
        return (str(how), self.shape, stat and stat.st_size, stat and stat.st_mtime_ns)

    def _frame(self, k: int) -> Frame:
        with self._lock:
            if self._closed:
                raise VideoError(f"{self.name} is closed", remedy="open it again with open_video()")
            frame = None if self._bad[k] else self._read(k)
            return self._nearest(k) if frame is None else frame

    def _called(self, k: int) -> str:
        """Return what frame ``k`` is called in messages."""
        return f"frame {k}"

    def _nearest(self, k: int) -> Frame:
        """Record that frame ``k`` is bad and return the nearest good one (the earlier of two)."""
        with self._lock:
            self._bad[k] = True
            if not self._warned:
                self._warned = True
                warnings.warn(
                    f"{self.name}: {self._called(k)} cannot be decoded; the nearest good frame is shown in "
                    "its place, and it gets no pose (it may not be the only one)",
                    VideoWarning,
                    stacklevel=4,
                )
            while True:
                before, after = np.flatnonzero(~self._bad[:k]), np.flatnonzero(~self._bad[k:])
                candidates = [int(before[-1])] if before.size else []
                candidates += [k + int(after[0])] if after.size else []
                if not candidates:
                    raise VideoError(
                        f"{self.name} has no frame that can be decoded",
                        remedy="convert or copy the video again",
                    )
                nearest = min(candidates, key=lambda other: abs(other - k))
                frame = self._read(nearest)
                if frame is not None:
                    return frame
                self._bad[nearest] = True


def _block(video: Video, block_id: tuple[int, ...]) -> Frame:
    return video[block_id[0]][None]


def _expand(key: Any, ndim: int) -> tuple[Any, ...]:
    """Expand an index to a tuple, with ``...`` replaced by full slices."""
    parts = list(key) if isinstance(key, tuple) else [key]
    dots = [i for i, part in enumerate(parts) if part is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can have only one '...'")
    if dots:
        parts[dots[0] : dots[0] + 1] = [slice(None)] * (ndim - len(parts) + 1)
    if len(parts) > ndim:
        raise IndexError(f"too many indices: a video has {ndim} axes (time, height, width, colour)")
    return tuple(parts) or (slice(None),)


def _position(index: Any, length: int) -> int:
    """Translate one (possibly negative) frame number."""
    try:
        k = operator.index(index)
    except TypeError as error:
        raise TypeError(f"frame {index!r}: a frame is an integer, a slice or a list of integers") from error
    if not -length <= k < length:
        raise IndexError(f"frame {k} is out of range: the video has {length} frames (0 to {length - 1})")
    return k % length


def _listed(index: Any, length: int) -> list[int]:
    """Translate a list of frame numbers or a boolean mask."""
    values = np.asarray(index)
    if values.dtype == bool:
        if values.size != length:
            raise IndexError(f"a mask of {values.size} does not fit a video of {length} frames")
        values = np.flatnonzero(values)
    return [_position(value, length) for value in values]
