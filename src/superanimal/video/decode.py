"""One demuxer and one decoder for exact access to frame *k*."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import av

from superanimal.video.container import VideoIndex, decoded, open_container, video_stream

REORDER = 17
"""A frame is considered missing after this many later ones: H.264 and HEVC reorder at most 16."""

LEAD = 12
"""Decoding this many frames is cheaper than seeking to the key frame after them."""

Passed = Callable[[int, av.VideoFrame], None]


class Decoder:
    """Decode single frames of a video file by number; not thread-safe.

    The decoder always reads the first frame of the file first. Some streams need it: x264 before build 151
    writes 4:4:4 video that is decoded to green garbage unless the first packet, which states the build, has
    been read. After a seek it decodes until the stamp of a frame *equals* the requested one, and it decodes
    forward instead of seeking if that is cheaper.

    Parameters
    ----------
    path
        Video file.
    index
        Index of the file.
    threads
        Decoder threads.
    """

    def __init__(self, path: Path, index: VideoIndex, threads: int) -> None:
        self._path = path
        self._index = index
        self._lost: set[int] = set()
        self._open(threads)

    def close(self) -> None:
        """Close the file."""
        self._walk: Iterator[tuple[int, av.VideoFrame]] = iter(())
        self._ahead.clear()
        self._container.close()

    def read(self, k: int, passed: Passed | None = None) -> av.VideoFrame | None:
        """Return frame ``k``, or None when it cannot be decoded.

        Parameters
        ----------
        k
            Frame number, ``0 <= k < len(index)``.
        passed
            Called with number and picture of every good frame decoded along the way.
        """
        if k in self._lost:
            return None
        frame = self._reach(k, passed)
        if frame is not None:
            return frame
        # Frame threads lose good neighbours of a broken packet, and a damaged or wrongly marked key frame
        # may need the preceding group: read this file with one thread from now on and start further back.
        entry = self._index.entry_of(k)
        self.close()
        self._open(threads=1)
        self._seek(max(0, entry - 1))
        frame = self._reach(k, passed, stay=True)
        if frame is None:
            self._lost.update(range(k, min(self._ahead, default=len(self._index))))
        return frame

    def types_from(self, entry: int) -> dict[int, int]:
        """Decode from key ``entry`` to the end of the file; return the decoded frames with their type."""
        self._seek(entry)
        return {k: frame.pict_type for k, frame in self._walk}

    def _open(self, threads: int) -> None:
        self._threads = threads
        self._container = open_container(self._path)
        stream = video_stream(self._container)
        stream.thread_type = "AUTO"
        stream.thread_count = threads
        self._ahead: dict[int, av.VideoFrame] = {}
        self._next = 0
        self._walk = self._numbered(self._container.demux(stream), floor=0)
        for k, frame in self._walk:
            self._ahead[k] = frame
            break

    def _numbered(self, packets: Iterator[av.Packet], floor: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield ``(k, frame)`` for the frames decoded from ``packets``, starting at frame ``floor``."""
        for count, frame in enumerate(decoded(self._container, packets)):
            stamp = count if self._index.counted else frame.pts
            k = -1 if stamp is None else self._index.frame_of(stamp)
            if k >= floor:
                yield k, frame

    def _reach(self, k: int, passed: Passed | None, stay: bool = False) -> av.VideoFrame | None:
        entry = self._index.entry_of(k)
        forward = self._next <= k and self._index.keys[entry] <= self._next + LEAD
        if not (forward or stay):
            self._seek(entry)
        for earlier in [other for other in self._ahead if other < k]:
            frame = self._ahead.pop(earlier)
            if passed:
                passed(earlier, frame)
        self._next = k + 1
        if k in self._ahead:
            return self._ahead.pop(k)
        while len(self._ahead) < REORDER:
            step = next(self._walk, None)
            if step is None:
                return None
            found, frame = step
            if found == k:
                return frame
            if found > k:
                self._ahead[found] = frame
            elif passed:
                passed(found, frame)
        return None

    def _seek(self, entry: int) -> None:
        """Continue decoding from key ``entry``, or from an earlier one if the file does not allow it."""
        stream = video_stream(self._container)
        while entry >= 0 and not self._index.counted:
            target = int(self._index.targets[entry])
            try:
                self._container.seek(target, stream=stream, backward=True)
                packets = self._container.demux(stream)
                first = next(packets)
            except (av.FFmpegError, StopIteration):
                break
            if first.pts is not None and first.pts <= target:
                self._ahead.clear()
                self._next = int(self._index.keys[entry])
                self._walk = self._numbered(chain([first], packets), floor=self._next)
                return
            entry -= 1
        self.close()
        self._open(self._threads)
