"""Writing H.264 videos that play everywhere."""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from superanimal.errors import InputError, StorageError, VideoError
from superanimal.files import atomic_write

ENCODERS = ("libx264", "libopenh264", "h264_videotoolbox", "mpeg4")
TICKS = 90_000
"""Time base of the written time stamps, in ticks per second."""


class VideoWriter:
    """Write frames to a video file; the file appears when the block ends without an error.

    Frames with an odd width or height are extended by a copy of the last column or row, because H.264 4:2:0
    requires even sizes; pixel coordinates do not change.

    Parameters
    ----------
    path
        File to write; the suffix chooses the container (``.mp4`` and others).
    width, height
        Frame size in pixels.
    fps
        Frames per second.
    crf
        Quality: 17 is visually almost lossless, 23 makes small files.
    preset
        Speed of the encoder (x264 names).
    comment
        Free text stored in the file, such as how it was created.

    Examples
    --------
    >>> import numpy as np
    >>> with VideoWriter("grey.mp4", width=64, height=48, fps=25) as writer:
    ...     for _ in range(5):
    ...         writer.write(np.full((48, 64, 3), 128, np.uint8))
    """

    def __init__(
        self,
        path: str | Path,
        width: int,
        height: int,
        fps: float,
        *,
        crf: int = 18,
        preset: str = "veryfast",
        comment: str = "",
    ) -> None:
        if not 0 < fps < float("inf"):
            raise InputError(f"fps={fps}", "a frame rate is a positive number")
        self.path = Path(path)
        self.shape = (height, width, 3)
        self._rate = Fraction(fps).limit_denominator(1001)
        self._padding = ((0, height % 2), (0, width % 2), (0, 0))
        self._options = {"crf": str(crf), "preset": preset}
        self._comment = comment
        self._count = 0
        self._last = -1
        self._stack = ExitStack()

    def __enter__(self) -> VideoWriter:
        temporary = self._stack.enter_context(atomic_write(self.path))
        try:
            self._container = av.open(str(temporary), "w", options={"movflags": "+faststart"})
            self._container.metadata["comment"] = self._comment
            self._stream = self._make_stream()
        except (av.FFmpegError, ValueError, OSError) as error:
            problem = VideoError(
                f"{self.path.name}: a video of this type cannot be written ({error})",
                remedy="use a name that ends in .mp4",
            )
            self._stack.__exit__(type(problem), problem, None)
            raise problem from error
        self._stack.push(self._finish)
        return self

    def _make_stream(self) -> Any:
        name = next(name for name in ENCODERS if name in av.codecs_available)
        stream: Any = self._container.add_stream(name, rate=self._rate)
        stream.height, stream.width = (side + side % 2 for side in self.shape[:2])
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, TICKS)
        if name == "libx264":
            stream.options = self._options
        else:
            stream.bit_rate = int(stream.width * stream.height * float(self._rate) * 0.2)
        return stream

    def write(self, frame: NDArray[np.uint8], time_s: float | None = None) -> None:
        """Append one ``(H, W, 3)`` RGB frame.

        Parameters
        ----------
        frame
            Picture.
        time_s
            Display time in seconds, to keep a variable frame rate; by default ``1 / fps`` after the last
            frame.
        """
        if frame.shape != self.shape or frame.dtype != np.uint8:
            raise InputError(
                f"a frame of shape {frame.shape} and type {frame.dtype}",
                f"this video takes {self.shape} uint8",
            )
        picture = av.VideoFrame.from_ndarray(np.pad(frame, self._padding, mode="edge"), format="rgb24")
        shown = self._count / self._rate if time_s is None else time_s
        picture.pts = self._last = max(round(shown * TICKS), self._last + 1)
        picture.time_base = Fraction(1, TICKS)
        self._count += 1
        self._mux(picture)

    def _mux(self, picture: av.VideoFrame | None) -> None:
        try:
            self._container.mux(self._stream.encode(picture))
        except OSError as error:
            raise StorageError(
                f"{self.path}: cannot be written ({error.strerror or error})",
                remedy="free some disk space or choose another folder, then run again",
            ) from error

    def _finish(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._mux(None)
        finally:
            self._container.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)
