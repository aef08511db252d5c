"""From cached scenes to what the embedded models are trained on: crops of animals, and whole frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from superanimal.errors import InputError
from superanimal.labels.labelled_set import ABSENT
from superanimal.training.data.augmentation import erase, photometric
from superanimal.training.data.frame_samples import VISIBLE_SHARE, collate_frames
from superanimal.training.data.samples import Sample, Samples, drawn, flags_in_crop
from superanimal.training.data.warp import crop_matrix, move, warp
from superanimal.training.embedded.scenes import SceneShard
from superanimal.training.embedded.subjects import Subject
from superanimal.training.loop.recipe import Augmentation, Recipe
from superanimal.zoo import centre_boxes
from superanimal.zoo.entry import HeadSpec

ENOUGH = 8
"""An animal with fewer keypoints to be seen is neither cropped nor counted as there."""
ELSEWHERE = 0.02
"""Share of the training crops that look anywhere in the scene, so that nothing is found where nothing is."""
FRAME_SIZES = ((192, 224), (224, 224), (192, 320), (256, 256), (224, 192), (256, 320))
"""(height, width) in pixels of training frames, one drawn for each batch; the last is that of validation."""
SPINE = ("back_base", "back_end")
"""Front and rear of an animal seen from the side."""
BROADSIDE = 0.15
"""Least share of the body length that the spine spans across the picture when one side can be seen."""
TILT = 0.15
"""Radians by which a frame is tilted after it was turned by right angles."""


class SceneSamples(Samples):
    """What crops and frames share: scenes, seed, augmentation; sample ``n`` is a function of (seed, n).

    Parameters
    ----------
    shards
        Rendered scenes.
    subject
        The animals.
    recipe
        Augmentation and seed.
    augmented
        False gives each one once, as in use.
    pictures
        False leaves ``image`` out: a sample then says which ``scene`` (), counted through the shards, and by
        which ``matrix`` (2, 3) it is cut from it, for
        :class:`~superanimal.training.embedded.scene_pictures.ScenePictures`.
    """

    places: NDArray[np.int64]
    """Which scenes (n, 2: shard, scene) or animals (n, 3: shard, scene, animal) there are."""

    def __init__(
        self,
        shards: Sequence[SceneShard],
        subject: Subject,
        recipe: Recipe,
        *,
        augmented: bool = True,
        pictures: bool = True,
    ) -> None:
        self.shards, self.subject, self.seed, self.augmented = shards, subject, recipe.seed, augmented
        self.settings = recipe.augmentation if augmented else Augmentation.none()
        self.pictures = pictures
        self.first = np.cumsum([0, *(len(shard) for shard in shards)])

    def __len__(self) -> int:
        """Return the number of animals or scenes."""
        return len(self.places)

    def place(self, position: int) -> NDArray[np.int64]:
        """Return what stands at a position of the stream."""
        n = drawn(self.seed, position, len(self)) if self.augmented else position
        return self.places[n]

    def placed(self, shard: int, scene: int, matrix: NDArray[np.float64]) -> Sample:
        """Return where a picture is cut from, instead of the picture."""
        return {
            "scene": torch.tensor(self.first[shard] + scene),
            "matrix": torch.from_numpy(matrix.astype(np.float32)),
        }

    def varied(self, picture: NDArray[np.uint8], rng: np.random.Generator) -> torch.Tensor:
        """Return a picture (H, W, 3) uint8 as (3, H, W), with other light, colours, noise and covers."""
        tensor = torch.from_numpy(picture).permute(2, 0, 1)
        return erase(photometric(tensor, self.settings, rng), self.settings, rng).contiguous()


class SceneCrops(SceneSamples):
    """Crops of animals.

    A sample holds ``image`` (3, S, S) uint8 RGB; ``points`` (K, 2) float32, crop pixels as the head counts
    them, 0 where there is none; ``visibility`` (K,) int8: 0 not there or outside the crop, 1 hidden, 2
    visible, -1 just outside the crop; ``weight`` (K,) float32, 1; ``has`` (K,) bool, what this animal
    has; ``length`` () float32, crop pixels between the two ends of its body; ``side`` () int8, 1 when it
    shows its left side, 0 the right one, -1 neither clearly.

    Parameters
    ----------
    shards, subject, recipe, augmented, pictures
        See :class:`SceneSamples`.
    head
        Of the network: stride and where pixels are counted from.
    """

    def __init__(
        self,
        shards: Sequence[SceneShard],
        subject: Subject,
        head: HeadSpec,
        recipe: Recipe,
        *,
        augmented: bool = True,
        pictures: bool = True,
    ) -> None:
        super().__init__(shards, subject, recipe, augmented=augmented, pictures=pictures)
        self.head = head
        self.places = np.array(
            [
                (k, n, animal)
                for k, shard in enumerate(shards)
                for n, animal in np.argwhere(shard.visible.sum(-1) >= ENOUGH).tolist()
            ]
        ).reshape(-1, 3)
        self.ends = [subject.keypoints.index(name) for name in subject.ends]
        self.flip_order = subject.flip_order

    def __getitem__(self, position: int) -> Sample:
        """Return the crop at a position of the stream (augmented), or of animal ``position`` as in use."""
        rng = np.random.default_rng([self.seed, position])
        k, n, animal = self.place(position).tolist()
        shard, size = self.shards[k], self.subject.crop
        points, seen = shard.keypoints[n, animal].astype(float), shard.visible[n, animal]
        matrix, flipped = self._matrix(points, shard.images.shape[1:3], rng)
        side = self._side(points)
        side = 1 - side if flipped and side >= 0 else side
        if self.pictures:
            seen_as = {
                "image": self.varied(warp(rng, np.asarray(shard.images[n]), matrix, (size, size)), rng)
            }
        else:
            seen_as = self.placed(k, n, matrix)
        order = self.flip_order if flipped else slice(None)
        points, seen = (move(points, matrix) + self.head.pixel_shift)[order], seen[order]
        has = np.isfinite(points).all(-1)
        length = np.linalg.norm(points[self.ends[0]] - points[self.ends[1]])
        flags = np.where(has, np.where(seen, 2, 1), ABSENT)
        flags = flags_in_crop(np.nan_to_num(points), flags, (size, size), self.head.stride)
        return seen_as | {
            "points": torch.from_numpy(np.where(flags[:, None] > 0, points, 0).astype(np.float32)),
            "visibility": torch.from_numpy(flags),
            "weight": torch.ones(len(flags)),
            "has": torch.from_numpy(has),
            "length": torch.tensor(length, dtype=torch.float32),
            "side": torch.tensor(side, dtype=torch.int8),
        }

    def _side(self, points: NDArray[np.floating]) -> int:
        """Return which side an upright animal shows, from where its back leads to in the scene."""
        if not self.subject.upright:
            return -1
        front, rear = (points[self.subject.keypoints.index(name), 0] for name in SPINE)
        length = np.linalg.norm(points[self.ends[0]] - points[self.ends[1]])
        return int(front < rear) if abs(front - rear) > BROADSIDE * length else -1

    def _matrix(
        self, points: NDArray[np.floating], scene: tuple[int, ...], rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], bool]:
        """Return the affine (2, 3) from a scene of (height, width) to the crop, and whether it mirrors."""
        settings, (h, w) = self.settings, scene
        box = np.clip(self.subject.box(points), 0, [w - 1, h - 1, w - 1, h - 1])
        factor = np.exp(rng.uniform(*np.log(settings.scale)))
        side = max(box[2:] - box[:2]) * self.subject.crop_margin / factor
        center = (box[:2] + box[2:]) / 2 + rng.normal(0, settings.shift, 2) * side
        angle = np.radians(rng.uniform(-settings.rotation, settings.rotation))
        flipped = bool(rng.random() < settings.flip)
        if self.augmented and rng.random() < ELSEWHERE:
            center = rng.uniform([0, 0], [w, h])
        return crop_matrix(center, max(side, 12.0), self.subject.crop, angle, flipped), flipped


class SceneFrames(SceneSamples):
    """Whole frames and the boxes of their animals, for a centre-point detector.

    A sample holds ``image`` (3, H, W) uint8 RGB, ``size`` (2,), its height and width, ``limit`` (2,), x and y
    from which on it is grey, ``boxes`` (A, 4) float32 as x1, y1, x2, y2 in frame pixels with centres at
    integers, and ``ignore`` (A,) bool: too little of the animal shows to count.

    Parameters
    ----------
    shards, subject, recipe, augmented, pictures
        See :class:`SceneSamples`. All frames of a batch, whose size the recipe says, are of one size.
    """

    def __init__(
        self,
        shards: Sequence[SceneShard],
        subject: Subject,
        recipe: Recipe,
        *,
        augmented: bool = True,
        pictures: bool = True,
    ) -> None:
        super().__init__(shards, subject, recipe, augmented=augmented, pictures=pictures)
        if recipe.batch == "auto":
            raise InputError("recipe.batch 'auto'", "frames of a batch have one size: say how many they are")
        self.batch = recipe.batch
        self.places = np.array([(k, n) for k, shard in enumerate(shards) for n in range(len(shard))])

    def __getitem__(self, position: int) -> Sample:
        """Return the frame at a position of the stream (augmented), or scene ``position`` as it is."""
        rng = np.random.default_rng([self.seed, position])
        k, n = self.place(position).tolist()
        shard, (h, w) = self.shards[k], self._size(position)
        matrix = self._matrix(shard.images.shape[1], (h, w), rng)
        if self.pictures:
            seen_as = {"image": self.varied(warp(rng, np.asarray(shard.images[n]), matrix, (h, w)), rng)}
        else:
            seen_as = self.placed(k, n, matrix)
        limit = np.array([w, h])
        if self.augmented and rng.random() < 0.5:  # the grey band that letterboxing leaves
            limit[rng.integers(2)] -= rng.integers(1, centre_boxes.MULTIPLE)
        seen_as["limit"] = torch.from_numpy(limit)
        if self.pictures:
            seen_as["image"] = letterboxed(seen_as["image"], seen_as["limit"])
        points = move(shard.keypoints[n].astype(float), matrix)
        boxes = self.subject.box(points)
        clipped = np.clip(boxes, -0.5, np.tile(limit, 2) - 0.5)
        area = np.prod(boxes[:, 2:] - boxes[:, :2], -1)
        share = np.prod(clipped[:, 2:] - clipped[:, :2], -1) / np.maximum(area, 1e-6)
        shown = ((points >= 0) & (points < limit)).all(-1) & shard.visible[n]
        ignore = (share < VISIBLE_SHARE) | (shown.sum(-1) < ENOUGH)
        there = share > 0.02
        return seen_as | {
            "size": torch.tensor([h, w]),
            "boxes": torch.from_numpy(clipped[there].astype(np.float32)),
            "ignore": torch.from_numpy(ignore[there]),
        }

    def collate(self, samples: list[Sample]) -> Sample:
        """Make a batch with the maps of a centre-point detector."""
        return collate_frames(samples, maps=True)

    def _size(self, position: int) -> tuple[int, int]:
        """Return (height, width) of the frames of the batch that a position belongs to."""
        if not self.augmented:
            return FRAME_SIZES[-1]
        rng = np.random.default_rng([self.seed, 1 << 30, position // self.batch])
        return FRAME_SIZES[int(rng.integers(len(FRAME_SIZES)))]

    def _matrix(self, side: int, size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the affine (2, 3) from a square scene to a frame of (height, width), about at its scale."""
        settings, (h, w) = self.settings, size
        low, high = np.log(settings.scale)
        low = max(low, np.log(0.95 * max(h, w) / side))
        zoom = float(np.exp(rng.uniform(low, max(low, high))))
        turn = np.radians(settings.rotation)
        if turn > TILT and rng.random() < 0.7:
            angle = rng.integers(4) * np.pi / 2 + rng.uniform(-TILT, TILT)
        else:
            angle = rng.uniform(-turn, turn)
        center = np.full(2, (side - 1) / 2)
        if settings.shift:
            center += rng.uniform(-0.5, 0.5, 2) * np.maximum(side - np.array([w, h]) / zoom, 0)
        flipped = bool(rng.random() < settings.flip)
        matrix = crop_matrix(center, w / zoom, w, angle, flipped)
        matrix[1, 2] += (h - w) / 2
        return matrix


def letterboxed(images: torch.Tensor, limit: torch.Tensor) -> torch.Tensor:
    """Return frames (..., 3, H, W) grey from ``limit`` (..., 2), x and y in pixels, on."""
    h, w = images.shape[-2:]
    x, y = torch.arange(w, device=images.device), torch.arange(h, device=images.device)
    outside = (x >= limit[..., :1]).unsqueeze(-2) | (y >= limit[..., 1:]).unsqueeze(-1)
    return images.masked_fill(outside.unsqueeze(-3), centre_boxes.GREY)
