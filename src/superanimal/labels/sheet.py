"""Contact sheets: pictures with labels drawn on them, for visual inspection."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from superanimal.errors import InputError
from superanimal.files import atomic_write
from superanimal.labels.labelled_set import LabelledSet
from superanimal.poses import KeypointSpace
from superanimal.video.base import Frame
from superanimal.video.drawing import PosePainter, encode_picture, sheet_of, write_text


def contact_sheet(
    labelled: LabelledSet,
    path: str | os.PathLike[str],
    *,
    space: KeypointSpace | None = None,
    count: int = 24,
    tile: int = 480,
    margin: float = 0.25,
    names: bool = True,
    seed: int = 0,
) -> Path:
    """Draw animals of every source, cropped and enlarged, with names at their points.

    Parameters
    ----------
    path
        Image file to write, such as ``sheet.png``.
    space
        Provides skeleton and colours if its keypoints are those of the data set.
    count
        Number of tiles, divided evenly among the sources; drawn at random with ``seed``.
    tile
        Side of a tile in pixels.
    margin
        Margin around the animal, as a fraction of its size.
    """
    rows = _choose(labelled, count, seed)
    if not len(rows):
        raise InputError(f"{labelled.name} has no labelled animal", "there is nothing to draw")
    tiles = [draw_animal(labelled, m, tile, margin=margin, space=space, names=names) for m in rows.tolist()]
    sheet = sheet_of(tiles, int(np.ceil(np.sqrt(len(tiles)))), tile)
    with atomic_write(path) as temporary:
        temporary.write_bytes(encode_picture(sheet, Path(path).suffix or ".png"))
    return Path(path)


def _choose(labelled: LabelledSet, count: int, seed: int) -> NDArray[np.int64]:
    """Return a selection of animals, balanced over the sources."""
    rng = np.random.default_rng(seed)
    owner = labelled.source[labelled.image_index]
    marked = labelled.labelled.any(1)
    queues = [
        rng.permutation(np.flatnonzero((owner == source) & marked)).tolist()
        for source in dict.fromkeys(owner.tolist())
    ]
    chosen: list[int] = []
    while len(chosen) < count and any(queues):
        chosen += [queue.pop() for queue in queues if queue]
    return np.array(sorted(chosen[:count]), dtype=np.int64)


def draw_animal(
    labelled: LabelledSet,
    m: int,
    tile: int,
    *,
    margin: float,
    space: KeypointSpace | None,
    names: bool,
) -> NDArray[np.uint8]:
    """Return a (tile, tile, 3) picture of animal ``m`` with its labels."""
    import cv2

    image = labelled.pixels(int(labelled.image_index[m]))
    xy, marked = labelled.xy[m].astype(np.float64), labelled.labelled[m]
    low, high = xy[marked].min(0), xy[marked].max(0)
    half = max(float((high - low).max()) * (0.5 + margin), 12.0)
    scale = tile / (2 * half)
    corner = (low + high) / 2 - half  # pixel coordinates of the tile's left upper edge
    shift = np.array([[scale, 0, 0], [0, scale, 0]])
    shift[:, 2] = (0.5 - corner) * scale - 0.5
    interpolation = cv2.INTER_NEAREST if scale > 3 else cv2.INTER_LINEAR
    picture = cv2.warpAffine(
        image,
        shift,
        (tile, tile),
        flags=interpolation,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(90, 90, 90),
    )
    drawn: Frame = np.ascontiguousarray(picture, dtype=np.uint8)
    place = xy * scale + shift[:, 2]
    painter = PosePainter((tile, tile), labelled.keypoints, [""], space=space, radius=4.0)
    painter.draw(drawn, np.where(marked[:, None], place, np.nan)[None])
    for k in np.flatnonzero(marked).tolist() if names else ():
        write_text(drawn, labelled.keypoints[k], (place[k, 0] + 7, place[k, 1] - 4), 0.36)
    i = int(labelled.image_index[m])
    title = f"{labelled.source[i]}: {Path(labelled.images[i].label).name}"
    cv2.rectangle(drawn, (0, 0), (tile - 1, tile - 1), (255, 255, 255), 2)
    write_text(drawn, title, (6, tile - 8), 0.42)
    return drawn
