"""The clip of an adaptation: held-out frames with the points of both models side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from superanimal.adaptation.measuring import CUTOFF
from superanimal.adaptation.pseudo_labels import USUAL_FPS
from superanimal.video import VideoWriter, open_video
from superanimal.video.close_up import SIDE, CloseUp
from superanimal.video.drawing import PosePainter

LONGEST = 150
"""Frames of a clip at most."""
TITLES = ("before", "after")


def write_clip(before: Sequence[xr.Dataset], after: Sequence[xr.Dataset], video: Path, file: Path) -> None:
    """Write the clip: left the model as it was, right the adapted one.

    Parameters
    ----------
    before, after
        Poses of both in the held-out stretches of the video.
    video
        The video.
    file
        The mp4 file to write.
    """
    left = LONGEST
    with open_video(video) as opened, VideoWriter(file, 2 * SIDE, SIDE, opened.fps or USUAL_FPS) as writer:
        for old, new in zip(before, after, strict=True):
            size = np.array(opened.shape[2:0:-1])
            points = [sure_points(poses, slice(None)) for poses in (old, new)]
            view = CloseUp.of(np.concatenate(points), size)
            names, animals = (list(map(str, old[name].values)) for name in ("keypoint", "individual"))
            painter = PosePainter(view.size[::-1], names, animals)
            for row, frame in enumerate(old["frame"].values[:left].tolist()):
                pixels = np.asarray(opened[frame])
                halves = []
                for own, title in zip(points, TITLES, strict=True):
                    picture = view.picture(pixels)
                    painter.draw(picture, view.place(own[row]))
                    halves.append(_framed(picture, title))
                writer.write(np.concatenate(halves, axis=1))
            left = max(0, left - old.sizes["time"])


def sure_points(poses: xr.Dataset, rows: int | slice) -> NDArray[np.float64]:
    """Return the points (..., N, K, 2) of rows that are sure enough to be drawn, else NaN."""
    position = np.moveaxis(poses["position"].values[rows].astype(float), (-3, -2, -1), (-1, -2, -3))
    sure = np.swapaxes(poses["confidence"].values[rows], -1, -2) >= CUTOFF
    return np.where(sure[..., None], position, np.nan)


def _framed(picture: NDArray[np.uint8], title: str) -> NDArray[np.uint8]:
    """Return a picture in the middle of a square, with its title."""
    height, width = picture.shape[:2]
    framed = np.zeros((SIDE, SIDE, 3), np.uint8)
    y, x = (SIDE - height) // 2, (SIDE - width) // 2
    framed[y : y + height, x : x + width] = picture
    for color, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(framed, title, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.55, color, thickness, cv2.LINE_AA)
    return framed
