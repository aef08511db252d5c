"""A cache of rendered scenes on disk: rendered once, augmented afresh each epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from superanimal.errors import NotFoundError
from superanimal.files import atomic_write
from superanimal.synth import Choice, Rendered, laboratory_picture
from superanimal.training.embedded.subjects import FOURLEGGED, MOUSE, Subject

SHARD = 250
"""Scenes a file."""
CHECKED = 60
"""Scenes to measure one kind of difficulty with."""
ANY = Choice()


@dataclass(frozen=True)
class SceneKind:
    """What the scenes of one cache look like.

    Square of ``side`` px, range of ``lengths`` px, chance of 0, 1, 2, ... animals, first seed. A length
    is that of a mouse's body or of a quadruped's trunk. ``picture`` makes a scene, by default the
    subject's; ``shard`` are the scenes a file, by default :data:`SHARD`.
    """

    subject: Subject
    side: int
    lengths: tuple[float, float]
    herd: tuple[float, ...]
    seed: int
    picture: Callable[[int, tuple[int, int], float, int], Rendered] | None = None
    shard: int | None = None


def _check(
    number: int, lengths: tuple[float, float], herd: tuple[float, ...], choice: Choice = ANY, side: int = 800
) -> SceneKind:
    """Return scenes of mice to measure with, never to train on."""
    return SceneKind(
        MOUSE,
        side,
        lengths,
        herd,
        20_000_000 + 100_000 * number,
        partial(laboratory_picture, choice=choice),
        CHECKED,
    )


ONE = (0.0, 1.0)
KINDS: dict[str, SceneKind] = {
    "pose": SceneKind(MOUSE, 384, (45.0, 135.0), (0.0, 0.68, 0.16, 0.09, 0.04, 0.03), 1_000_000),
    "pose-validation": SceneKind(MOUSE, 384, (45.0, 135.0), (0.0, 0.68, 0.16, 0.09, 0.04, 0.03), 9_000_000),
    "detector": SceneKind(MOUSE, 384, (10.0, 190.0), (0.16, 0.52, 0.13, 0.09, 0.06, 0.04), 2_000_000),
    "detector-validation": SceneKind(
        MOUSE, 384, (10.0, 190.0), (0.16, 0.52, 0.13, 0.09, 0.06, 0.04), 9_500_000
    ),
    "quadruped-pose": SceneKind(FOURLEGGED, 320, (50.0, 170.0), (0.0, 0.8, 0.15, 0.05), 3_000_000),
    "quadruped-pose-validation": SceneKind(FOURLEGGED, 320, (50.0, 170.0), (0.0, 0.8, 0.15, 0.05), 9_200_000),
    "quadruped-detector": SceneKind(FOURLEGGED, 320, (18.0, 230.0), (0.1, 0.62, 0.15, 0.07, 0.06), 4_000_000),
    "quadruped-detector-validation": SceneKind(
        FOURLEGGED, 320, (18.0, 230.0), (0.1, 0.62, 0.15, 0.07, 0.06), 9_700_000
    ),
    "check-small": _check(0, (25.0, 50.0), ONE),
    "check-middle": _check(1, (50.0, 100.0), ONE),
    "check-large": _check(2, (100.0, 280.0), ONE),
    "check-maze": _check(3, (50.0, 130.0), ONE, Choice(setup="maze", mood="day")),
    "check-cage": _check(4, (110.0, 280.0), ONE, Choice(setup="cage")),
    "check-dark": _check(5, (65.0, 180.0), ONE, Choice(mood="dark", coat="light")),
    "check-huddle": _check(6, (75.0, 190.0), (0.0, 0.0, 0.3, 0.4, 0.2, 0.1), Choice(huddle=True)),
    "check-tether": _check(7, (85.0, 220.0), ONE, Choice(tether=True)),
    "check-empty": _check(8, (40.0, 250.0), (1.0,)),
}


@dataclass(frozen=True)
class SceneShard:
    """Rendered scenes.

    ``images`` (n, side, side, 3) uint8 RGB, ``keypoints`` (n, A, K, 2) float32 NaN-padded, ``visible``
    (n, A, K) bool.
    """

    images: np.ndarray
    keypoints: np.ndarray
    visible: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def __reduce__(self) -> tuple[Any, ...]:
        """Send a cached shard to another process as the name of its file, not as its pictures."""
        if isinstance(self.images, np.memmap) and self.images.filename is not None:
            return open_shard, (Path(self.images.filename),)
        return SceneShard, (self.images, self.keypoints, self.visible)


def _render_shard(kind: SceneKind, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    most, count, scenes = len(kind.herd) - 1, len(kind.subject.keypoints), kind.shard or SHARD
    images = np.zeros((scenes, kind.side, kind.side, 3), np.uint8)
    keypoints = np.full((scenes, most, count, 2), np.nan, np.float32)
    visible = np.zeros((scenes, most, count), bool)
    for k in range(scenes):
        seed = kind.seed + index * scenes + k
        rng = np.random.default_rng([seed, 7])
        low, high = np.log(kind.lengths)
        n = int(rng.choice(most + 1, p=kind.herd))
        longest = high if n < 3 else min(high, np.log(0.35 * kind.side))
        length = float(np.exp(rng.uniform(low, longest)))
        picture = (kind.picture or kind.subject.picture)(seed, (kind.side, kind.side), length, n)
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


def open_shard(path: Path) -> SceneShard:
    """Open a shard by the file of its pictures, which stay on the disk until they are looked at."""
    with np.load(path.with_suffix(".npz")) as truth:
        return SceneShard(np.load(path, mmap_mode="r"), truth["keypoints"], truth["visible"])


def open_shards(folder: Path, name: str) -> list[SceneShard]:
    """Open every finished shard of a kind, in order.

    Raises
    ------
    NotFoundError
        No shard of this kind has been rendered.
    """
    shards = [open_shard(path) for path in sorted((folder / name).glob("[0-9]*.npy"))]
    if not shards:
        raise NotFoundError(f"{folder / name}: no scenes here; render them first")
    return shards


def scenes_hash(shards: Sequence[SceneShard]) -> str:
    """Return a digest of the keypoints of all scenes, which tell them apart: what a run was trained on."""
    digest = hashlib.sha256()
    for shard in shards:
        digest.update(repr(shard.images.shape).encode())
        digest.update(np.ascontiguousarray(shard.keypoints).tobytes())
        digest.update(np.ascontiguousarray(shard.visible).tobytes())
    return digest.hexdigest()[:16]
