"""Opening video files with FFmpeg, and the index of their frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from superanimal.errors import VideoError

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class VideoIndex:
    """The frames of one video stream in display order.

    Attributes
    ----------
    stamps
        ``(T,)`` value that identifies a decoded frame as frame ``k``: its pts or, if the file has no usable
        pts (``counted``), the number of frames before it.
    times
        ``(T,)`` seconds since the first frame.
    keys
        ``(n,)`` frames from which decoding is correct after a seek; the first is 0.
    targets
        ``(n,)`` pts to seek to for each of ``keys``; a key may itself not be displayed (edit lists).
    counted
        Whether frames can be identified only by counting from the start of the file.
    width, height, rotation
        Stored frame size in pixels and the display rotation in degrees (0, 90, 180, 270; clockwise).
    fps
        Mean frame rate, 0 when unknown (a single frame without a rate).
    """

    stamps: Ints
    times: NDArray[np.float64]
    keys: Ints
    targets: Ints
    counted: bool
    width: int
    height: int
    rotation: int
    fps: float
    _order: Ints = field(init=False, repr=False)
    _sorted: Ints = field(init=False, repr=False)

    def __post_init__(self) -> None:
        order = np.argsort(self.stamps, kind="stable")
        object.__setattr__(self, "_order", order)
        object.__setattr__(self, "_sorted", self.stamps[order])

    def stored(self) -> dict[str, Any]:
        """Return the data needed to recreate this index."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def __len__(self) -> int:
        return len(self.stamps)

    def frame_of(self, stamp: int) -> int:
        """Return the frame with this stamp, or -1 for one that is not displayed."""
        place = int(np.searchsorted(self._sorted, stamp))
        if place == len(self) or self._sorted[place] != stamp:
            return -1
        return int(self._order[place])

    def entry_of(self, k: int) -> int:
        """Return the index into ``keys`` from which to decode frame ``k``."""
        return int(np.searchsorted(self.keys, k, side="right")) - 1


def video_stream(container: av.container.InputContainer) -> Any:
    """Return the first video stream that is not a cover image.

    Raises
    ------
    VideoError
        When there is none.
    """
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    raise VideoError(
        f"{Path(container.name).name} has no video stream",
        "a video file holds pictures",
        "check that this is the file you meant",
    )


def open_container(path: Path) -> av.container.InputContainer:
    """Open a file with FFmpeg.

    Raises
    ------
    VideoError
        When the file is empty or FFmpeg cannot read it.
    """
    try:
        if path.stat().st_size == 0:
            raise VideoError(f"{path.name} is empty (0 bytes)", remedy="copy or record the video again")
        return av.open(str(path), metadata_errors="ignore")
    except (av.FFmpegError, OSError) as error:
        raise VideoError(
            f"{path.name} is not a readable video ({error.strerror or type(error).__name__})",
            "a video must be a file that FFmpeg can read, such as mp4, avi, mov or mkv",
            "check the file in a video player, or convert it: ffmpeg -i FILE -c:v libx264 -crf 18 new.mp4",
        ) from error


def decoded(container: av.container.InputContainer, packets: Iterator[Any]) -> Iterator[av.VideoFrame]:
    """Yield frames in display order, skipping packets that cannot be read or decoded."""
    context = video_stream(container).codec_context
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            packet = None
        at_end = packet is None or (packet.size == 0 and packet.pts is None and packet.dts is None)
        if packet is not None and packet.size == 0 and not at_end:
            continue  # a dropped frame of an avi file: the decoder would take it for the end
        try:
            yield from context.decode(None if at_end else packet)
        except av.EOFError:
            return
        except av.FFmpegError:
            if at_end:  # the error replaces frames that the decoder still holds: drain it again
                yield from _drain(context)
        if at_end:
            return


def _drain(context: Any) -> Iterator[av.VideoFrame]:
    for _ in range(64):
        try:
            yield from context.decode(None)
            return
        except av.EOFError:
            return
        except av.FFmpegError:
            continue
