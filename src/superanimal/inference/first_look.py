"""A look at a few frames before a run: at which size the detector sees the animals of this video best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from superanimal.inference.boxes import Boxes, DetectorBoxes
from superanimal.inference.estimator import Estimator

if TYPE_CHECKING:
    from superanimal.video import Video
    from superanimal.zoo.entry import SearchSpec

LOOKED_AT = 8
"""Number of frames, spread over the whole video."""
CANDIDATES = 2
"""Number of boxes of one look whose pose is estimated."""
BETTER = 1.25
"""Another size has to be better by this factor to be taken in place of the detector's own."""


@dataclass(frozen=True)
class Look:
    """How the detector looks at the frames of a run: found once, and kept with the run.

    Attributes
    ----------
    long_side
        What frames are scaled to, pixels; None for the detector's own size.
    search
        Long sides of a search where the usual look shows no sure animal; none for no search.
    zoom
        The detector looks at overlapping tiles, so many times enlarged; 1: at the frame.
    """

    long_side: int | None = None
    search: tuple[int, ...] = ()
    zoom: int = 1

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        record = {"long_side": self.long_side, "search": list(self.search)}
        return record if self.zoom == 1 else record | {"zoom": self.zoom}

    @classmethod
    def of_record(cls, record: dict[str, Any]) -> Look:
        """Return the look of which :meth:`record` gave the values."""
        return cls(record["long_side"], tuple(record["search"]), record.get("zoom", 1))


def sampled_frames(video: Video, roi: tuple[int, int, int, int] | None) -> list[np.ndarray]:
    """Return :data:`LOOKED_AT` frames (H, W, 3) of a video, or the region of interest of each.

    They are spread over all of it whatever part is analysed, so that a run that is extended later sees the
    same.
    """
    count = min(LOOKED_AT, len(video))
    frames = []
    for k in ((np.arange(count) + 0.5) * len(video) / count).astype(int).tolist():
        height, width = video.frame_size(k)
        x, y, wide, high = roi or (0, 0, width, height)
        frames.append(video[k][y : y + high, x : x + wide])
    return frames


def first_look(estimator: Estimator, frames: Sequence[np.ndarray], search: SearchSpec) -> Look:
    """Return how to look at a video, judged by the poses in some of its frames.

    The detector's own size is kept where it shows sure animals in most of the frames.

    Parameters
    ----------
    estimator
        Of the run, its boxes from a detector.
    frames
        From :func:`sampled_frames`.
    search
        The sizes to choose from, and what a sure animal is worth.
    """
    usual = worths(estimator, frames, None)
    if np.median(usual) >= search.sure:
        return Look(None, search.sizes)
    means = {size: worths(estimator, frames, size).mean() for size in search.sizes}
    size = max(means, key=lambda each: means[each])
    return Look(size if means[size] > BETTER * usual.mean() else None, search.sizes)


def worths(estimator: Estimator, frames: Sequence[np.ndarray], long_side: int | None) -> np.ndarray:
    """Return what the best animal of each frame is worth (n,), looked for at one size; 0 where is none."""
    return animals_seen(estimator, frames, long_side)[0]


def animals_seen(
    estimator: Estimator, frames: Sequence[np.ndarray], long_side: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the best animal of each frame is worth (n,), 0 where is none, and its long side (n,) in px.

    The animal is looked for at one size.
    """
    assert isinstance(estimator.source, DetectorBoxes)
    boxes = {i: estimator.source.search(frame, (long_side,)) for i, frame in enumerate(frames)}
    few = {i: Boxes(found.xywh[:CANDIDATES], found.scores[:CANDIDATES]) for i, found in boxes.items()}
    poses = estimator.look_in(frames, few)
    worth, sizes = np.zeros(len(frames)), np.full(len(frames), np.nan)
    for i, found in poses.items():
        if len(found):
            each = estimator.worth(found)
            worth[i], sizes[i] = each.max(), found.boxes[int(each.argmax()), 2:].max()
    return worth, sizes
