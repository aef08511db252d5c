"""Which frames of a video are looked at: stretches of frames that follow each other, some held out."""

from __future__ import annotations

from dataclasses import dataclass

from superanimal.errors import InputError

WHOLE = 1500
"""Videos of up to this many frames are analysed whole; of longer ones, stretches of this many in all."""
PIECES = 10
"""Stretches of a video."""
HELD_OUT_EVERY = 5
"""One of so many stretches is held out: a fifth of the video, from two places of it."""
SHORTEST = 30
"""Frames below which nothing can be held out."""


@dataclass(frozen=True)
class Segment:
    """Frames ``start`` to ``stop - 1`` of a video; ``held_out`` ones are never trained on."""

    start: int
    stop: int
    held_out: bool

    @property
    def frames(self) -> range:
        """The frame numbers."""
        return range(self.start, self.stop)


def segments_of(total: int, name: str = "video") -> list[Segment]:
    """Divide a video of ``total`` frames into stretches to train on and to hold out.

    Raises
    ------
    InputError
        When the video is too short.

    Examples
    --------
    >>> [(s.start, s.stop) for s in segments_of(100) if s.held_out]
    [(20, 30), (70, 80)]
    """
    if total < SHORTEST:
        raise InputError(
            f"{name}: {total} frames",
            f"adaptation holds out a fifth of a video and needs at least {SHORTEST} frames",
            "add a longer video",
        )
    length = min(total, WHOLE) // PIECES
    starts = [total * piece // PIECES for piece in range(PIECES)]
    stops = [*starts[1:], total] if total <= WHOLE else [start + length for start in starts]
    return [
        Segment(start, stop, piece % HELD_OUT_EVERY == HELD_OUT_EVERY // 2)
        for piece, (start, stop) in enumerate(zip(starts, stops, strict=True))
    ]
