"""Looking closer: where animals are smaller than those a model was trained on, its detector sees tiles.

A pose network sees every animal at one size, since its box becomes the crop; the detector sees the whole
frame at one size, in which an animal may be a few pixels long. Every entry of the catalogue says how large
the animals of its training pictures were (``animal_px``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from superanimal.inference.estimator import Estimator
from superanimal.inference.first_look import Look, animals_seen
from superanimal.inference.tiles import tiles_of

if TYPE_CHECKING:
    from superanimal.inference.backends import BoxNetwork
    from superanimal.zoo import ModelEntry

SMALL = 0.5
"""An animal is tiny that the detector sees at less than this part of the smallest size trained on."""
ZOOMS = (2, 4, 8)
"""How many times tiles are enlarged; 8 are about a hundred tiles."""
SURE = 0.3
"""What a sure animal is worth to a model whose entry does not say it."""
AS_GOOD = 0.9
"""Animals must be worth so much of what they are worth in the whole frame to be looked at in tiles."""


@dataclass(frozen=True)
class Closeness:
    """How large the animals of a video are, and how many times the detector enlarges them.

    Attributes
    ----------
    look
        How the detector looks at the frames.
    size
        Usual long side of an animal in pixels of the video; NaN where none was seen.
    seen
        The same as the detector sees it without tiles.
    tiles
        Number of tiles of a frame.
    """

    look: Look
    size: float
    seen: float
    tiles: int

    def sentence(self, video: str, entry: ModelEntry) -> str:
        """Return it as a sentence for users."""
        if np.isnan(self.size):
            return f"{video}: no sure animal was seen at any size; {entry.name} may be the wrong model"
        low, high = entry.animal_px
        text = f"{video}: the animals are about {self.size:.0f} px long"
        if high:
            text += f", {entry.name} was trained on {low:g} to {high:g} px"
        if self.look.zoom > 1:
            return (
                f"{text}; the detector sees them {self.seen:.0f} px long: zooming x{self.look.zoom}, in "
                f"{self.tiles} overlapping tiles"
            )
        if high and self.size < low:
            return f"{text}: crops enlarge them x{low / self.size:.1f}, fine detail is not in the picture"
        return text + (f": crops shrink them to {high / self.size:.0%}" if high and self.size > high else "")


def look_closer(
    estimator: Callable[[Look], Estimator],
    frames: Sequence[np.ndarray],
    look: Look,
    entry: ModelEntry,
    detector: BoxNetwork,
) -> Closeness:
    """Return how many times the detector must enlarge the animals of a video.

    Parameters
    ----------
    estimator
        Makes the estimator of the run for a look.
    frames
        Some frames (H, W, 3) of the video.
    look
        How the detector would look at whole frames.
    entry
        Of the pose model: the sizes it was trained on.
    detector
        Of the run.
    """
    shape = (frames[0].shape[0], frames[0].shape[1])
    long_side = detector.seen_size(shape)
    sure = entry.search.sure if entry.search is not None else SURE
    usual = Look(look.long_side)
    worth, sizes = animals_seen(estimator(usual), frames, look.long_side)
    per_pixel = (look.long_side or long_side) / max(shape)
    size = _usual(sizes, worth, sure)
    wanted = SMALL * entry.animal_px[0]
    if np.isnan(size) or size * per_pixel < wanted:
        for zoom in ZOOMS:
            closer = Look(None, (long_side,), zoom)
            if not np.isnan(size) and size * long_side / max(shape) * zoom < wanted and zoom < ZOOMS[-1]:
                continue
            now, found = animals_seen(estimator(closer), frames, None)
            near = _usual(found, now, sure)
            if not np.isnan(near) and now.mean() >= AS_GOOD * worth.mean():
                seen = near * long_side / max(shape)
                closer = replace(closer, search=closer.search if look.search else ())
                return Closeness(closer, near, seen, len(tiles_of(shape, zoom)))
    return Closeness(look, size, size * per_pixel, 1)


def _usual(sizes: np.ndarray, worth: np.ndarray, sure: float) -> float:
    """Return the median size of sure animals (n,), NaN where they are in fewer than half of the frames."""
    good = worth >= sure
    return float(np.median(sizes[good])) if 2 * good.sum() >= len(good) else float("nan")
