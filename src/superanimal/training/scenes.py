"""A cache of rendered scenes on disk: rendered once, augmented afresh each epoch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from superanimal.files import atomic_write
from superanimal.synth import random_picture

SHARD = 250
"""Scenes a file."""


@dataclass(frozen=True)
class SceneKind:
    """What the scenes of one cache look like.

    Square of ``side`` px, range of body ``lengths`` px, chance of 0, 1, 2, ... animals, first seed.
    """

    side: int
    lengths: tuple[float, float]
    herd: tuple[float, ...]
    seed: int


KINDS: dict[str, SceneKind] = {
    "pose": SceneKind(384, (50.0, 135.0), (0.0, 0.78, 0.17, 0.05), 1_000_000),
    "pose-validation": SceneKind(384, (50.0, 135.0), (0.0, 0.78, 0.17, 0.05), 9_000_000),
    "detector": SceneKind(320, (24.0, 190.0), (0.04, 0.66, 0.15, 0.08, 0.07), 2_000_000),
    "detector-validation": SceneKind(320, (24.0, 190.0), (0.04, 0.66, 0.15, 0.08, 0.07), 9_500_000),
}


@dataclass(frozen=True)
class SceneShard:
    """Rendered scenes.

    ``images`` (n, side, side, 3) uint8 RGB, ``keypoints`` (n, A, 27, 2) float32 NaN-padded, ``visible``
    (n, A, 27) bool.
    """

    images: np.ndarray
    keypoints: np.ndarray
    visible: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


def _render_shard(kind: SceneKind, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    most = len(kind.herd) - 1
    images = np.zeros((SHARD, kind.side, kind.side, 3), np.uint8)
    keypoints = np.full((SHARD, most, 27, 2), np.nan, np.float32)
    visible = np.zeros((SHARD, most, 27), bool)
    for k in range(SHARD):
        seed = kind.seed + index * SHARD + k
        rng = np.random.default_rng([seed, 7])
        low, high = np.log(kind.lengths)
        n = int(rng.choice(most + 1, p=kind.herd))
        longest = high if n < 3 else min(high, np.log(0.35 * kind.side))
        picture = random_picture(seed, (kind.side, kind.side), float(np.exp(rng.uniform(low, longest))), n)
        images[k] = picture.image
        keypoints[k, :n] = picture.keypoints
        visible[k, :n] = picture.visible
    return images, keypoints, visible


def render_shard(folder: Path, name: str, index: int) -> Path:
    """Render shard ``index`` of kind ``name`` into ``folder`` unless it is there; returns its image file."""
    images_path = folder / name / f"{index:04d}.npy"
    truth_path = images_path.with_suffix(".npz")
    if not (images_path.exists() and truth_path.exists()):
        images_path.parent.mkdir(parents=True, exist_ok=True)
        images, keypoints, visible = _render_shard(KINDS[name], index)
        with atomic_write(truth_path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, keypoints=keypoints, visible=visible)
        with atomic_write(images_path) as temporary, temporary.open("wb") as stream:
            np.save(stream, images)
    return images_path


def open_shards(folder: Path, name: str) -> list[SceneShard]:
    """Every finished shard of a kind, in order, in memory."""
    shards = []
    for path in sorted((folder / name).glob("[0-9]*.npy")):
        with np.load(path.with_suffix(".npz")) as truth:
            shards.append(SceneShard(np.load(path), truth["keypoints"], truth["visible"]))
    return shards
