"""A page of pictures with their labels drawn on, for eyes to check."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superanimal.errors import InputError
from superanimal.files import atomic_write
from superanimal.labels.labelled_set import LabelledSet
from superanimal.poses import KeypointSpace

_INK = (20, 20, 20)
_HALO = (255, 255, 255)


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
        Gives skeleton and colours when its keypoints are those of the data set.
    count
        Number of tiles, shared evenly among the sources; drawn at random with ``seed``.
    tile
        Side of a tile in pixels.
    margin
        Share of the animal's size shown around it.
    """
    import cv2

    rows = _choose(labelled, count, seed)
    if not len(rows):
        raise InputError(f"{labelled.name} has no labelled animal", "there is nothing to draw")
    columns = int(np.ceil(np.sqrt(len(rows))))
    sheet = np.full((-(-len(rows) // columns) * tile, columns * tile, 3), 255, np.uint8)
    for n, m in enumerate(rows.tolist()):
        y, x = divmod(n, columns)
        sheet[y * tile : (y + 1) * tile, x * tile : (x + 1) * tile] = draw_animal(
            labelled, m, tile, margin=margin, space=space, names=names
        )
    with atomic_write(path) as temporary:
        temporary.write_bytes(cv2.imencode(Path(path).suffix or ".png", sheet[..., ::-1])[1].tobytes())
    return Path(path)


def _choose(labelled: LabelledSet, count: int, seed: int) -> NDArray[np.int64]:
    """Return animals, as many of each source as possible."""
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
    picture = np.ascontiguousarray(picture, dtype=np.uint8)
    place = xy * scale + shift[:, 2]
    fits = space is not None and space.keypoints == labelled.keypoints
    if space is not None and fits:
        for a, b in space.edge_index.tolist():
            if marked[a] and marked[b]:
                cv2.line(picture, _fixed(place[a]), _fixed(place[b]), (200, 200, 200), 1, cv2.LINE_AA, 4)
    for k in np.flatnonzero(marked).tolist():
        color = _rgb(space.colors[k]) if space is not None and fits else (255, 80, 0)
        cv2.circle(picture, _fixed(place[k]), 5 * 16, _INK, 2, cv2.LINE_AA, 4)
        cv2.circle(picture, _fixed(place[k]), 4 * 16, color, -1, cv2.LINE_AA, 4)
        if names:
            _write(picture, labelled.keypoints[k], (place[k] + (7, -4)), 0.36)
    i = int(labelled.image_index[m])
    title = f"{labelled.source[i]}: {Path(labelled.images[i].label).name}"
    cv2.rectangle(picture, (0, 0), (tile - 1, tile - 1), _HALO, 2)
    _write(picture, title, np.array([6, tile - 8]), 0.42)
    return np.asarray(picture, np.uint8)


def _fixed(point: NDArray[np.float64]) -> tuple[int, int]:
    """Return a point in cv2's fixed-point numbers with 4 fractional bits."""
    x, y = np.rint(point * 16).astype(int).tolist()
    return x, y


def _write(picture: NDArray[Any], text: str, at: NDArray[np.float64], size: float) -> None:
    import cv2

    where = (round(float(at[0])), round(float(at[1])))
    cv2.putText(picture, text, where, cv2.FONT_HERSHEY_SIMPLEX, size, _INK, 3, cv2.LINE_AA)
    cv2.putText(picture, text, where, cv2.FONT_HERSHEY_SIMPLEX, size, _HALO, 1, cv2.LINE_AA)


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(color.lstrip("#"))
    return red, green, blue
