"""A few rendered scenes, made in a second, for tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from superanimal.synth import Rendered, random_picture
from superanimal.training.embedded.scenes import SceneShard
from superanimal.zoo.entry import HeadSpec

SOFTMAX = HeadSpec("heatmap", stride=4, activation="softmax", pixel_shift=0.5)


def shard_of(
    count: int = 4,
    side: int = 160,
    length: float = 70.0,
    *,
    seed: int = 100,
    picture: Callable[[int, tuple[int, int], float, int], Rendered] = random_picture,
) -> SceneShard:
    """Return square scenes with one animal each."""
    pictures = [picture(seed + k, (side, side), length, 1) for k in range(count)]
    return SceneShard(
        np.stack([p.image for p in pictures]),
        np.stack([p.keypoints for p in pictures]),
        np.stack([p.visible for p in pictures]),
    )
