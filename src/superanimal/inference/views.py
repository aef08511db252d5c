"""Several looks at one animal: smaller and larger crops, mirrored ones, and what they agree on.

The spatial pyramid of the SuperAnimal paper (Ye et al. 2024, Methods; Extended Data Fig. 5) runs a model on a
frame in several sizes, discards predictions that disagree with the median, and takes the median of the rest.
Here each look is a crop round the animal, and agreement is measured against the size of the animal; the
paper's cosine similarity of positions depends on where in the picture the animal is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from superanimal.inference.crops import CropWindows
from superanimal.keypoints.spaces import pairs_by_name
from superanimal.poses import space_for

AGREE = 0.1
"""Largest distance from the median of the looks, as a part of the animal's size (root of its box's area). The
paper's cosine of 0.997 is 4.4 degrees: 23 px at 300 px from the corner, for animals of 200 to 400 px."""
LEAST = 0.1
"""Looks with a lower confidence do not count (the paper's value)."""


@dataclass(frozen=True)
class View:
    """One look: the animal ``scale`` times its usual size in the crop, and mirrored or not."""

    scale: float = 1.0
    mirrored: bool = False

    def boxes(self, xywh: np.ndarray) -> np.ndarray:
        """Return the boxes (n, 4) to cut instead of the usual ones, as x, y, width, height."""
        if self.scale == 1.0:
            return xywh
        sides = xywh[:, 2:] / np.asarray(self.scale, xywh.dtype)
        return np.concatenate([xywh[:, :2] + (xywh[:, 2:] - sides) / 2, sides], axis=1)

    def crop(self, crop: np.ndarray) -> np.ndarray:
        """Return a crop (h, w, 3) as this look shows it."""
        return crop[:, ::-1] if self.mirrored else crop

    def undone(
        self, points: np.ndarray, values: np.ndarray, windows: CropWindows, mirror: np.ndarray, shift: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return points (n, K, 2) in the image and values (n, K) found in these crops.

        Parameters
        ----------
        windows
            Where the crops lie.
        mirror : (K,)
            Which keypoint each one is in a mirrored picture.
        shift
            Pixels from where points are counted to the corners of pixels, see ``HeadSpec.pixel_shift``.
        """
        if not self.mirrored:
            return points, values
        both = (2 * windows.offset[:, :1] + windows.extent[:, :1]).astype(np.float64)
        turned = points.copy()
        turned[..., 0] = both - 2 * shift - points[..., 0]
        return turned[:, mirror], values[:, mirror]


def mirror_of(keypoints: Sequence[str]) -> np.ndarray:
    """Return which keypoint each one is in a mirrored picture (K,): by the known space, else by its name."""
    space = space_for(keypoints)
    pairs = pairs_by_name(keypoints) if space is None else space.pairs
    place = {name: k for k, name in enumerate(keypoints)}
    order = np.arange(len(keypoints))
    for left, right in (pair for pair in pairs if set(pair) <= place.keys()):
        order[[place[left], place[right]]] = place[right], place[left]
    return order


def views_of(scales: Sequence[float], flip: bool) -> list[View]:
    """Return the looks of a run, the usual one first if it is among them."""
    return [View(scale, mirrored) for mirrored in ((False, True) if flip else (False,)) for scale in scales]


def consensus(points: np.ndarray, confidence: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what several looks at n animals agree on.

    Parameters
    ----------
    points : (V, n, K, 2)
        The same keypoints in each of V looks, pixels of the image.
    confidence : (V, n, K)
        0..1.
    size : (n,)
        Size of the animals in pixels.

    Returns
    -------
    points : (n, K, 2), confidence : (n, K)
        Medians over the looks that are confident and agree; where none is, the most confident look, with
        the median confidence of all.

    Examples
    --------
    >>> looks = np.array([[10.0, 5.0], [11.0, 5.0], [90.0, 5.0]]).reshape(3, 1, 1, 2)
    >>> consensus(looks, np.full((3, 1, 1), 0.9), np.array([50.0]))[0].ravel()
    array([10.5,  5. ])
    """
    middle = np.median(points, axis=0)
    away = np.linalg.norm(points - middle, axis=-1)
    counts = (confidence >= LEAST) & (away <= AGREE * np.maximum(size, 1.0)[:, None])
    kept = np.where(counts[..., None], points, np.nan)
    sure = np.where(counts, confidence, np.nan)
    none = ~counts.any(axis=0)
    kept[0][none], sure[0][none] = 0.0, 0.0  # only to keep the medians below quiet
    agreed, level = np.nanmedian(kept, axis=0), np.nanmedian(sure, axis=0)
    best = np.take_along_axis(points, confidence.argmax(axis=0)[None, ..., None], axis=0)[0]
    return (
        np.where(none[..., None], best, agreed),
        np.where(none, np.median(confidence, axis=0), level),
    )
