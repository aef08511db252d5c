"""What the video shows of an animal: colours of its body, sampled on lines between keypoints."""

from __future__ import annotations

import os
from itertools import combinations

import numpy as np
import xarray as xr

from superanimal.progress import Progress
from superanimal.tracking.detections import Detections
from superanimal.tracking.tracklets import Tracklet
from superanimal.video import Video, open_video

LOOKS_EACH = 24
"""Detections of a tracklet that are looked at: enough for its mean, whatever its length."""
SAMPLES = 5
"""Places on each line."""
LINES = 40
"""Lines at most."""
QUANTILES = (0.1, 0.5, 0.9)
"""What is kept of the brightness and of the colours along all lines."""


def see(
    video: Video | str | os.PathLike[str],
    poses: xr.Dataset,
    found: Detections,
    tracklets: list[Tracklet],
    progress: Progress,
) -> np.ndarray:
    """Return descriptors (M, A) of the detections that were looked at; NaN for the others.

    Frames that the video does not have are passed over.
    """
    if isinstance(video, (str, os.PathLike)):
        with open_video(video) as opened:
            return see(opened, poses, found, tracklets, progress)
    frames = poses["frame"].values
    chosen = np.zeros(len(found), dtype=bool)
    for tracklet in tracklets:
        places = np.linspace(0, len(tracklet) - 1, min(len(tracklet), LOOKS_EACH)).astype(int)
        chosen[tracklet.members[places]] = True
    chosen &= (frames[found.row] >= 0) & (frames[found.row] < len(video))
    looked = np.full((len(found), 3 * len(QUANTILES)), np.nan)
    progress.start(int(chosen.sum()), "looking at the animals", unit="animals")
    index = np.flatnonzero(chosen)
    for frame in np.unique(frames[found.row[index]]):
        progress.check()
        here = index[frames[found.row[index]] == frame]
        image = np.asarray(video[int(frame)])
        for detection in here:
            looked[detection] = _body(image, found.points[detection], found.size)
        progress.advance(len(here))
    progress.finish()
    return looked


def _body(image: np.ndarray, points: np.ndarray, size: float) -> np.ndarray:
    """Return quantiles of brightness and of two colour differences on an image (H, W, 3), NaN if outside."""
    seen = points[np.isfinite(points[:, 0])]
    pairs = list(combinations(range(len(seen)), 2))
    if pairs:
        pairs = pairs[:: len(pairs) // LINES + 1]
        first, second = (seen[np.array(each)] for each in zip(*pairs, strict=True))
        share = np.linspace(0.1, 0.9, SAMPLES)[:, None, None]
        places = (first * share + second * (1 - share)).reshape(-1, 2)
    else:
        around = np.stack(np.meshgrid(*2 * [np.linspace(-0.25, 0.25, SAMPLES)]), -1).reshape(-1, 2)
        places = seen + size * around
    x, y = np.round(places).astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < image.shape[1]) & (y < image.shape[0])
    if not inside.any():
        return np.full(3 * len(QUANTILES), np.nan)
    colours = image[y[inside], x[inside]].astype(np.float64)
    colours = np.broadcast_to(colours.reshape(len(colours), -1), (len(colours), 3)) / 255
    red, green, blue = colours.T
    tones = np.stack([colours.mean(1), red - green, blue - green])
    return np.quantile(tones, QUANTILES, axis=1).T.ravel()
