"""The rule for the frames on which the detector must run.

Between two runs of the detector, boxes follow the pose, which is cheap and stable. This is correct only while
the animal moves continuously. The detector therefore runs on a frame

* whose turn it is (``detector_every``),
* that is too long after the previous one (:data:`FOLLOW_WITHIN`): stills, large steps, slow cameras,
* in which the pose in a carried box shows that the animal is absent or only partly inside:
  :func:`lost`.

An animal that the detector misses there is still followed from the frame before, as long as its pose holds
and the detector does not deny it too often: :data:`PATIENCE`.
"""

from __future__ import annotations

import numpy as np

from superanimal.poses.similarity import iou

FOLLOW_WITHIN = 0.1
"""Seconds between two frames over which boxes follow the pose, unless a person chose ``detector_every``."""
LOST = 0.5
"""An animal is lost when its mean confidence falls below this share of that at its detection."""

PATIENCE = 3
"""Looks of the detector in a row that may show no box at all where an animal is followed."""
SUPPORT = 0.3
"""A box of the detector with at least this IoU supports an animal that is followed, whatever it is worth."""
AWAY = 1 / 3
"""An animal has left its box when the box round its pose is away from it by this share of the longer side."""
GHOST = 0.1
"""A pose without any keypoint of at least this confidence is no animal: noise and empty scenes reach 0.1 at
most with the embedded models, animals 0.13 and mostly more than 0.7 (measured on all real data at hand)."""


def may_follow(times: np.ndarray, within: float | None) -> np.ndarray:
    """Return for each frame (n,) whether boxes may follow the pose from the frame before; never at the first.

    Parameters
    ----------
    times : (n,)
        When the frames were taken, in seconds. Stills are 1 apart, see
        :attr:`superanimal.video.Video.timestamps`.
    within
        Longest time between two frames, in seconds; None for any.
    """
    follow = np.ones(len(times), dtype=bool)
    follow[:1] = False
    if within is not None:
        # Time stamps are rounded in files: a step of 0.1 s may read as 0.1001.
        follow[1:] = np.diff(times) <= within * 1.01
    return follow


def since_detection(follow: np.ndarray, every: int, begun: int = 0) -> np.ndarray:
    """Return how many frames (n,) of a window lie between each and the last that the detector has to see.

    Parameters
    ----------
    follow : (n,)
        From :func:`may_follow`.
    every
        The detector sees at least every n-th frame of the window, from its first on.
    begun
        What this is for the first frame if that follows the frame before the window; 0 when the detector
        sees it in any case.
    """
    since = np.zeros(len(follow), dtype=int)
    for i in range(len(follow)):
        if (i + begun) % every and follow[i]:
            since[i] = since[i - 1] + 1 if i else begun
    return since


def lost(confidence: np.ndarray, reference: np.ndarray, boxes: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Tell which boxes that followed have lost their animals.

    Parameters
    ----------
    confidence : (n, K)
        Of the poses found in the boxes that followed.
    reference : (n,)
        Mean confidence of the same animals when they were last detected.
    boxes : (n, 4)
        The boxes that followed, x, y, width, height.
    around : (n, 4)
        Boxes that lie round the poses found in them as those did round the poses of the frame before.

    Returns
    -------
    (n,) bool
    """
    unsure = ghosts(confidence) | (confidence.mean(axis=1) < LOST * reference)
    shift = around[:, :2] + around[:, 2:] / 2 - (boxes[:, :2] + boxes[:, 2:] / 2)
    away = np.abs(shift).max(axis=1) > AWAY * boxes[:, 2:].max(axis=1)
    return np.asarray(unsure | away)


def supported(boxes: np.ndarray, looked: np.ndarray) -> np.ndarray:
    """Return for which boxes (n, 4) xywh there is one among those (m, 4) of the detector, (n,) bool."""
    return np.asarray(iou(boxes, looked).max(axis=1, initial=0.0) >= SUPPORT)


def ghosts(confidence: np.ndarray) -> np.ndarray:
    """Return which poses (...,) with confidences (..., K), NaN where absent, are no animals."""
    return np.asarray(~(confidence >= GHOST).any(axis=-1))
