"""The subjects of the embedded models: keypoints, images, boxes and crops of each kind of animal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from superanimal.poses import load_space
from superanimal.synth import (
    QUADRUPED,
    TOPVIEWMOUSE,
    Rendered,
    animal_box,
    mouse_picture,
    quadruped_box,
    quadruped_picture,
)


@dataclass(frozen=True)
class Subject:
    """One kind of animal and view.

    Attributes
    ----------
    model
        Name of the model in the zoo; its detector is called ``<model>_detector``.
    scenes
        Prefix of the names of its scene caches and runs.
    space
        Name of the keypoint space.
    keypoints
        Its K keypoints in channel order.
    picture
        ``picture(seed, size, length, animals)`` makes one scene with its truth.
    box
        ``box(keypoints)`` gives (..., 4) xyxy from (..., K, 2).
    crop_margin
        A pose crop is the animal's box, squared and enlarged by this factor.
    crop
        Side of a pose crop in pixels.
    turn
        Crops are turned by up to this angle either way, radians.
    upright
        Whether a frame has an up and the animal is seen from the side: the detector's frames are then not
        turned by right angles, and the pose network says which side it sees.
    ends
        The two keypoints whose distance is the body length.
    loose
        Keypoints that the figures of the body leave out.
    """

    model: str
    scenes: str
    space: str
    keypoints: tuple[str, ...]
    picture: Callable[[int, tuple[int, int], float, int], Rendered]
    box: Callable[[np.ndarray], np.ndarray]
    crop_margin: float
    crop: int
    turn: float
    upright: bool
    ends: tuple[str, str]
    loose: tuple[str, ...]

    @property
    def flip_order(self) -> np.ndarray:
        """Index (K,) that swaps left and right keypoints."""
        swap = {a: b for pair in load_space(self.space).pairs for a, b in (pair, pair[::-1])}
        return np.array([self.keypoints.index(swap.get(name, name)) for name in self.keypoints])


MOUSE = Subject(
    model="mini_topviewmouse",
    scenes="",
    space="topviewmouse",
    keypoints=TOPVIEWMOUSE,
    picture=mouse_picture,
    box=animal_box,
    crop_margin=2.0,  # 99 % of the tails then fit
    crop=192,
    turn=np.pi,
    upright=False,
    ends=("nose", "tail_base"),
    loose=("tail1", "tail2", "tail3", "tail4", "tail5", "tail_end"),
)
FOURLEGGED = Subject(
    model="mini_quadruped",
    scenes="quadruped-",
    space="quadruped",
    keypoints=QUADRUPED,
    picture=quadruped_picture,
    box=quadruped_box,
    crop_margin=1.3,
    crop=192,
    turn=0.35,
    upright=True,
    ends=("nose", "tail_base"),
    loose=("tail_end", *(name for name in QUADRUPED if "antler" in name)),
)
SUBJECTS: dict[str, Subject] = {subject.model: subject for subject in (MOUSE, FOURLEGGED)}
"""By the name of the model."""
