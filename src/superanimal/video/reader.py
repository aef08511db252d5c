"""Video files: exact random access with a cache of decoded frames."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from superanimal.progress import Progress
from superanimal.video.base import Frame, Video
from superanimal.video.cache import ByteLRU
from superanimal.video.decode import Decoder
from superanimal.video.index import load_index


class FileVideo(Video):
    """A video file read through FFmpeg; see :class:`~superanimal.video.base.Video`.

    Decoded frames are cached as YUV planes, which take half the memory of RGB for 4:2:0 video; all frames
    decoded during a seek are cached too, so stepping back is free.

    Attributes
    ----------
    rotation : int
        Applied display rotation in clockwise degrees.
    """

    def __init__(
        self,
        path: Path,
        cache_bytes: int,
        *,
        fps: float | None,
        threads: int | None,
        progress: Progress | None,
        reopen: partial[Video],
    ) -> None:
        index = load_index(path, progress)
        self._index = index
        self.rotation = index.rotation
        height, width = index.height, index.width
        if index.rotation in (90, 270):
            height, width = width, height
        timestamps = index.times * (index.fps / fps) if fps and index.fps else index.times
        super().__init__(path, (len(index), height, width), fps or index.fps or None, timestamps, reopen)
        self._threads = threads or min(4, os.cpu_count() or 1)
        self._cache: ByteLRU[av.VideoFrame] = ByteLRU(cache_bytes)
        self._colour = _Colour(index.width, index.height, index.rotation)
        self._decoder = Decoder(path, index, self._threads)

    def _read(self, k: int) -> Frame | None:
        frame = self._cache.get(k)
        if frame is None:
            frame = self._decoder.read(k, passed=self._keep)
            if frame is None:
                return None
            self._keep(k, frame)
        return self._colour(frame)

    def _keep(self, k: int, frame: av.VideoFrame) -> None:
        self._cache.put(k, frame, sum(plane.buffer_size for plane in frame.planes))

    def _sequential(self, frames: range) -> Iterator[tuple[int, Frame | None]]:
        colour = _Colour(self._index.width, self._index.height, self._index.rotation)
        with closing(Decoder(self.path, self._index, self._threads)) as decoder:
            for k in frames:
                frame = decoder.read(k)
                yield k, None if frame is None else colour(frame)

    def _release(self) -> None:
        self._decoder.close()
        self._cache.clear()


class _Colour:
    """Convert decoded frames to upright RGB of one size; not thread-safe."""

    def __init__(self, width: int, height: int, rotation: int) -> None:
        self._size = (width, height)
        self._turns = -rotation // 90
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> Frame:
        width, height = self._size
        rgb = self._reformatter.reformat(frame, width, height, "rgb24").to_ndarray()
        return np.ascontiguousarray(np.rot90(rgb, self._turns), np.uint8)
