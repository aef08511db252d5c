"""Where the time of a run went, and what would make it faster."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

READING, DETECTOR, POSE, WRITING, REST = "reading", "detector", "pose", "writing", "rest"
_SAID = {
    READING: "waiting for frames of the video",
    DETECTOR: "the detector",
    POSE: "the pose network",
    WRITING: "waiting for results to be written",
    REST: "everything beside the networks",
}
STALLED_S = 30.0
"""A stage that takes longer than this with one step is named."""


class Stages:
    """Seconds that the loop over a video spends in each stage, by name.

    Reading and writing happen in threads of their own: only waiting for them counts.
    """

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(_SAID, 0.0)
        self._began = time.perf_counter()

    def begin(self) -> None:
        """Start the clock of a run."""
        self.seconds = dict.fromkeys(_SAID, 0.0)
        self._began = time.perf_counter()

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        """Count what happens inside to a stage."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - began

    def shares(self) -> dict[str, float]:
        """Return the share of the time since :meth:`begin` that each stage took; they add up to 1."""
        whole = max(time.perf_counter() - self._began, 1e-9)
        known = {stage: self.seconds[stage] / whole for stage in _SAID if stage != REST}
        return known | {REST: max(0.0, 1 - sum(known.values()))}

    def sentence(self, frames: int, device: str, backend: str) -> str:
        """Return the speed, the stage that limited it, and what would help, as a part of a sentence.

        Parameters
        ----------
        frames
            Number of frames since :meth:`begin`.
        device, backend
            What the networks ran on.
        """
        shares = self.shares()
        rate = frames / max(time.perf_counter() - self._began, 1e-9)
        most = max(shares, key=lambda stage: shares[stage])
        where = f" ({backend} on {device})" if most in (DETECTOR, POSE) else ""
        spent = f"{shares[most]:.0%} of the time for {_SAID[most]}{where}"
        return f"{rate:.1f} frames/s, {spent}; {_help(most, device)}"


def _help(stage: str, device: str) -> str:
    """Return what makes a stage faster."""
    if stage in (DETECTOR, POSE):
        return "a GPU would help most" if device == "cpu" else "a larger batch may help"
    return {
        READING: "a copy of the video on this computer's disk, or in an easier format, would help most",
        WRITING: "an output folder on this computer's disk would help most",
        REST: "a faster processor would help most",
    }[stage]
