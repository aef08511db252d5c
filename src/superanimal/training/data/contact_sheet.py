"""Contact sheets of augmented training samples, for visual inspection."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from superanimal.files import atomic_write
from superanimal.training.data.samples import PoseSamples
from superanimal.video.base import Frame
from superanimal.video.drawing import PosePainter, encode_picture, sheet_of


def contact_sheet(
    samples: PoseSamples, path: str | os.PathLike[str], *, count: int = 24, columns: int = 6, tile: int = 256
) -> Path:
    """Draw augmented training samples with their keypoints.

    Filled dots are visible keypoints, rings hidden ones; undefined and absent keypoints are not drawn.

    Parameters
    ----------
    path
        Image file to write, such as ``augmented.jpg``.
    count, columns
        Number of samples, and number per row.
    tile
        Side of a tile in pixels.
    """
    painter = PosePainter(
        (tile, tile), samples.space.keypoints, [""], space=samples.space, skeleton=False, radius=3.5
    )
    tiles = []
    for n in range(count):
        sample = samples[n]
        crop = sample["image"].permute(1, 2, 0).numpy()
        zoom = tile / max(crop.shape[:2])
        enlarged = cv2.resize(crop, None, fx=zoom, fy=zoom)
        picture: Frame = np.ascontiguousarray(enlarged, dtype=np.uint8)
        visibility = sample["visibility"].numpy()
        places = (sample["points"].numpy() + samples.shift) * zoom
        painter.draw(
            picture, np.where(visibility[:, None] > 0, places, np.nan)[None], rings=(visibility != 2)[None]
        )
        tiles.append(picture)
    with atomic_write(path) as temporary:
        temporary.write_bytes(encode_picture(sheet_of(tiles, columns, tile), Path(path).suffix or ".jpg"))
    return Path(path)
