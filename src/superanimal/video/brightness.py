"""Mapping pixels of more than 8 bits, as written by cameras and microscopes, to 0..255."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superanimal.video.base import Frame

SAMPLED_FRAMES = 16
"""Number of evenly spaced frames that define the brightness range of a stack that is not 8-bit."""


def sampled(frames: int) -> list[int]:
    """Return the frames that define the range: evenly spaced from the first to the last."""
    return np.unique(np.linspace(0, frames - 1, min(frames, SAMPLED_FRAMES)).astype(int)).tolist()


@dataclass(frozen=True)
class Stretch:
    """A linear map of pixel values to 0..255, shared by all frames of a stack; 8-bit frames are unchanged."""

    low: float = 0.0
    gain: float = 1.0

    @classmethod
    def over(cls, samples: Iterable[NDArray]) -> Stretch:
        """Return the map from the darkest value of some frames to 0 and from the brightest to 255."""
        lows, highs = [], []
        for sample in samples:
            values = np.asarray(sample, np.float64)
            finite = values[np.isfinite(values)]
            if finite.size and sample.dtype != np.uint8:
                lows.append(float(finite.min()))
                highs.append(float(finite.max()))
        low, high = min(lows, default=0.0), max(highs, default=1.0)
        return cls(low, 255.0 / (high - low) if high > low else 1.0)

    def __call__(self, raw: NDArray) -> Frame:
        """Convert a frame (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of any type to (H, W, 3) uint8 RGB."""
        if raw.dtype == bool:
            raw = raw.astype(np.uint8) * 255
        elif raw.dtype != np.uint8:
            scaled = (raw.astype(np.float64) - self.low) * self.gain
            raw = np.clip(np.nan_to_num(np.rint(scaled)), 0, 255).astype(np.uint8)
        if raw.ndim == 2:
            raw = raw[..., None]
        return np.ascontiguousarray(raw[..., :3] if raw.shape[-1] >= 3 else np.repeat(raw[..., :1], 3, -1))
