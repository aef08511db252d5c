"""Overlapping tiles of a frame: a detector that sees each of them enlarged finds animals that are tiny.

Nothing here knows a network or a video.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

OVERLAP = 0.3
"""Part of its side that a tile shares with the next one at least; an animal fits into it."""
INSIDE = 0.6
"""A box of which so much lies in a better one is a part of the same animal."""


def tiles_of(size: tuple[int, int], zoom: int) -> list[tuple[int, int, int, int]]:
    """Return the tiles of a frame of a height and width, as x, y, width, height in pixels.

    All are of one size; their long side is that of the frame divided by ``zoom``.

    Examples
    --------
    >>> tiles_of((100, 200), 1)
    [(0, 0, 200, 100)]
    >>> tiles_of((100, 200), 2)
    [(0, 0, 100, 100), (50, 0, 100, 100), (100, 0, 100, 100)]
    """
    side = -(-max(size) // zoom)
    lengths = [min(side, each) for each in size]
    starts = []
    for each, length in zip(size, lengths, strict=True):
        count = 1 + int(np.ceil((each - length) / ((1 - OVERLAP) * length)))
        starts.append(np.round(np.linspace(0, each - length, count)).astype(int).tolist())
    return [(x, y, lengths[1], lengths[0]) for y in starts[0] for x in starts[1]]


def joined(
    tiles: Sequence[tuple[int, int, int, int]],
    found: Sequence[tuple[np.ndarray, np.ndarray]],
    size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Join the boxes of all tiles; an animal in the overlap of two is one animal.

    Parameters
    ----------
    tiles
        From :func:`tiles_of`.
    found
        For each of them boxes (n, 4) as x1, y1, x2, y2 in pixels of the tile, and scores (n,).
    size
        Height and width of the frame.

    Returns
    -------
    boxes : (m, 4) float32
        x1, y1, x2, y2 in pixels of the frame, best first. One that ends at the edge of a tile where the frame
        goes on stays only if no other tile shows more of the same animal.
    scores : (m,) float32
    """
    boxes, scores, cut = [], [], []
    for (x, y, width, height), (own, score) in zip(tiles, found, strict=True):
        own = np.asarray(own, np.float32).reshape(-1, 4)
        edge = np.array([0.02 * width, 0.02 * height], np.float32)
        low = (own[:, :2] < edge) & (np.array([x, y]) > 0)
        high = (own[:, 2:] > np.array([width, height]) - edge) & (
            np.array([x + width, y + height]) < np.array(size[::-1])
        )
        boxes.append(own + np.array([x, y, x, y], np.float32))
        scores.append(np.asarray(score, np.float32))
        cut.append((low | high).any(1))
    every, score, partial = np.concatenate(boxes), np.concatenate(scores), np.concatenate(cut)
    kept: list[int] = []
    for i in np.lexsort((-score, partial)).tolist():
        if not any(_shared(every[i], every[k]) > INSIDE for k in kept):
            kept.append(i)
    kept.sort(key=lambda i: -score[i])
    return every[kept], score[kept]


def _shared(box: np.ndarray, other: np.ndarray) -> float:
    """Return which part of the smaller of two boxes (4,) lies in the other one."""
    overlap = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    smaller = min(float(np.prod(each[2:] - each[:2])) for each in (box, other))
    return float(np.prod(np.maximum(overlap, 0))) / max(smaller, 1e-6)
