"""Searching for animals missed by the default look: boxes at several scales, judged by their poses.

The detector looks at the frame at several sizes and proposes candidates; a pose is then estimated in each.
What a candidate is worth is its score times the mean confidence of its pose: a shoe may look like a mouse
from afar, but it has no ears. Nothing here knows a network or a video.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from superanimal.poses.similarity import suppress

MOST = 8
"""Number of candidates of a frame whose pose is estimated."""
SAME_BOX = 0.45
"""Two boxes with more IoU than this are the same candidate."""
SAME_POSE = 0.6
"""Two poses whose boxes have more IoU than this are one animal, seen twice."""
EVERY_S = 1.0
"""A video is searched once in this many seconds at most: an empty cage must not cost ten times an animal."""


def may_search(times: np.ndarray, follow: np.ndarray, every: int) -> np.ndarray:
    """Return in which frames (n,) a search is allowed: stills, and one turn of the detector every second.

    Parameters
    ----------
    times : (n,)
        When the frames were taken, in seconds.
    follow : (n,) bool
        Where boxes may follow from the frame before, see :func:`superanimal.inference.following.may_follow`.
    every
        The detector's turn is every n-th frame.
    """
    span = np.floor(np.asarray(times) / EVERY_S)
    before = np.concatenate([np.full(min(every, len(span)), -np.inf), span[:-every]])
    return np.asarray(~follow | (span != before))


def merge(looks: Sequence[tuple[np.ndarray, np.ndarray]], most: int = MOST) -> tuple[np.ndarray, np.ndarray]:
    """Join the boxes of several looks at one frame.

    Parameters
    ----------
    looks
        For each look boxes (n, 4) as x1, y1, x2, y2 in pixels and scores (n,).
    most
        Largest number of boxes that is returned.

    Returns
    -------
    boxes : (m, 4) float32
        The better one of two that agree, best first.
    scores : (m,) float32
        Their scores.
    """
    boxes = np.concatenate([np.asarray(found, np.float32).reshape(-1, 4) for found, _ in looks])
    scores = np.concatenate([np.asarray(score, np.float32) for _, score in looks])
    kept = suppress(boxes, scores, SAME_BOX)[:most]
    return boxes[kept], scores[kept]


def worth_of(scores: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Return what candidates are worth (n,), 0..1.

    Parameters
    ----------
    scores : (n,)
        Of the detector.
    confidence : (n, K)
        Of the keypoints of their poses that belong into a box.
    """
    return np.asarray(scores) * np.asarray(confidence).mean(axis=-1)


def best(worths: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return the indices of different animals among candidates, best first.

    Parameters
    ----------
    worths : (n,)
        From :func:`worth_of`.
    boxes : (n, 4)
        x1, y1, x2, y2 round their poses: two candidates whose poses came to lie on each other are one.
    """
    return suppress(boxes, worths, SAME_POSE)
