"""Training samples for pose networks: crops, keypoints, visibility."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from superanimal.errors import InputError
from superanimal.inference.crops import CropWindows, crop_windows, cut
from superanimal.labels.labelled_set import ABSENT, UNDEFINED, LabelledSet
from superanimal.labels.splits import image_key
from superanimal.poses import KeypointSpace
from superanimal.training.data.augmentation import augment, check_flip, reach
from superanimal.training.loop.recipe import Recipe
from superanimal.zoo.entry import ModelEntry

EXTENT_MARGIN = 20.0
"""Margin in pixels around the labelled points if there is no box, as in the SuperAnimal data sets."""
EDGE = 1.5
"""Width in heatmap cells of the border around the crop where a point counts neither as present nor absent."""

Sample = dict[str, Tensor]


class Samples(ABC, torch.utils.data.Dataset[Sample]):
    """Training samples, indexed by the position in an endless stream; ``len`` is that of one pass.

    They are sent to the processes that prepare batches, so they hold no network.
    """

    @abstractmethod
    def __len__(self) -> int: ...

    def collate(self, samples: list[Sample]) -> Sample:
        """Make a batch."""
        return {key: torch.stack([sample[key] for sample in samples]) for key in samples[0]}


class PoseSamples(Samples):
    """Crops of the labelled animals; sample ``n`` is a function of (seed, n) and nothing else.

    A sample holds ``image`` (3, H, W) uint8 RGB; ``points`` (K, 2) float32, crop pixels as the network's head
    counts them, 0 where there is none; ``visibility`` (K,) int8: -1 undefined, 0 absent or outside the crop,
    1 labelled though hidden, 2 visible; ``weight`` (K,) float32; ``row`` () int64, the animal.

    Parameters
    ----------
    labelled
        Animals in the keypoints of ``space``.
    space
        Keypoint space with the pairs to swap in a mirrored image.
    entry
        Model entry with input size, crop margin, and the pixel convention of the head.
    recipe
        Augmentation, seed, weights of the sources, whole frame or boxes.
    point_weights
        Shape (M, K): weight of each labelled point; by default 1.
    augmented
        False yields each animal once, cropped as in inference.
    cache
        Cache folder for decoded crops; None for no cache.

    Raises
    ------
    InputError
        When the keypoints differ, no animal can be used, or a source has weight but no image.
    """

    def __init__(
        self,
        labelled: LabelledSet,
        space: KeypointSpace,
        entry: ModelEntry,
        recipe: Recipe,
        *,
        point_weights: NDArray[np.floating] | None = None,
        augmented: bool = True,
        cache: Path | None = None,
    ) -> None:
        if labelled.keypoints != space.keypoints or entry.keypoints != space.keypoints:
            raise InputError(
                f"{labelled.name} has the keypoints {_few(labelled.keypoints)}, the model "
                f"{_few(entry.keypoints)}, the space {space.name} {_few(space.keypoints)}",
                "labels, model and space must have the same keypoints in the same order",
                "project the labels into the space first: superanimal.keypoints.project",
            )
        check_flip(space, recipe.augmentation)
        self.labelled, self.space, self.entry, self.recipe = labelled, space, entry, recipe
        self.augmented = augmented
        self.rows, boxes = usable_animals(labelled, recipe.whole_frame)
        self.boxes = boxes
        self.point_weights = (
            np.ones(labelled.visibility.shape) if point_weights is None else np.asarray(point_weights)
        )
        if self.point_weights.shape != labelled.visibility.shape:
            raise InputError(
                f"point_weights of shape {self.point_weights.shape}", f"expected {labelled.visibility.shape}"
            )
        self.size = entry.input_size
        self.picture_size = self.size
        if augmented:
            enlarged = reach(recipe.augmentation)
            self.picture_size = tuple(_same_parity(side * enlarged, side) for side in self.size)  # type: ignore[assignment]
        self.windows = self._windows(crop_windows(boxes, self.size, entry.crop_margin))
        self.probability = np.full(len(self.rows), 1 / len(self.rows))
        if augmented:
            self.probability = sampling(labelled.source[labelled.image_index[self.rows]], recipe)
        self._pictures = Pictures(self, cache)

    def __len__(self) -> int:
        """Return the number of usable animals."""
        return len(self.rows)

    def _windows(self, crops: CropWindows) -> CropWindows:
        """Return the windows of the enlarged pictures; their middle is the crop."""
        if self.picture_size == self.size:
            return crops
        extra = (np.array(self.picture_size) - self.size) / 2 * crops.scale
        grown = np.rint(extra).astype(np.int64)
        return CropWindows(crops.offset - grown, crops.extent + 2 * grown, self.picture_size)

    @property
    def shift(self) -> float:
        """Crop pixels from where the head counts to where the pixel is, at scale 1 of the mean crop."""
        return (0.5 - self.entry.head.pixel_shift) / float(self.windows.scale.mean())

    def draw(self, position: int) -> int:
        """Return which sample (0..M-1) stands at a position of the endless stream of training samples."""
        return drawn(self.recipe.seed, position, len(self), self.probability.tobytes())

    def __getitem__(self, position: int) -> Sample:
        """Return the sample at a position of the stream (augmented), or of animal ``position`` as it is."""
        if not self.augmented:
            return self._plain(position)
        n = self.draw(position)
        rng = np.random.default_rng([self.recipe.seed, position])
        row = self.rows[n]
        points = self._points(n)
        crop, points, channels, factor = augment(
            self._pictures[n], points, self.size, self.recipe.augmentation, self.space.flip_index, rng
        )
        visibility = self.labelled.visibility[row][channels]
        weight = self.point_weights[row][channels]
        return self._sample(n, crop, points, visibility, weight, self.windows.scale[n] / factor)

    def _plain(self, n: int) -> Sample:
        row = self.rows[n]
        visibility, weight = self.labelled.visibility[row], self.point_weights[row]
        return self._sample(n, self._pictures[n], self._points(n), visibility, weight, self.windows.scale[n])

    def _points(self, n: int) -> Tensor:
        """Return the labelled points (K, 2) in pixels from the corner of the picture."""
        xy = self.labelled.xy[self.rows[n]].astype(np.float64)
        return torch.from_numpy(
            ((xy + 0.5 - self.windows.offset[n]) / self.windows.scale[n]).astype(np.float32)
        )

    def _sample(
        self,
        n: int,
        crop: Tensor,
        points: Tensor,
        visibility: NDArray[np.int8],
        weight: NDArray[np.floating],
        scale: NDArray[np.float64],
    ) -> Sample:
        """Make a sample; ``scale`` is image pixels per crop pixel."""
        head = self.entry.head
        counted = points - torch.from_numpy(((0.5 - head.pixel_shift) / scale).astype(np.float32))
        cell = head.stride if head.kind == "heatmap" else 1.0
        flag = flags_in_crop(counted.numpy(), visibility, self.size, cell)
        return {
            "image": crop.contiguous(),
            "points": torch.where(torch.from_numpy(flag > 0)[:, None], counted, torch.zeros(())),
            "visibility": torch.from_numpy(flag),
            "weight": torch.from_numpy(np.asarray(weight, np.float32)),
            "row": torch.tensor(int(self.rows[n])),
        }


class Pictures:
    """The enlarged crops (3, H, W) uint8 of all samples; an image is decoded once for all its animals.

    They are kept in one file that worker processes share, of which the system keeps in memory what fits.
    """

    def __init__(self, samples: PoseSamples, folder: Path | None) -> None:
        self.labelled, self.rows, self.windows = samples.labelled, samples.rows, samples.windows
        width, height = samples.picture_size
        self.shape = (len(self.rows), height, width, 3)
        self.file = None
        if folder is not None and np.prod(self.shape, dtype=float) <= samples.recipe.cache_gb * 2**30:
            name = hashlib.sha256(f"{data_hash(self.labelled)}{self.shape}".encode()).hexdigest()[:12]
            self.file = folder / f"crops-{name}.bin"
        self._open: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None
        self._same = {row: n for n, row in enumerate(self.rows.tolist())}

    def __getitem__(self, n: int) -> Tensor:
        if self.file is None:
            image = self.labelled.pixels(int(self.labelled.image_index[self.rows[n]]))
            return _tensor(self._cut(image, n))
        pictures, done = self._arrays()
        if not done[n]:
            i = int(self.labelled.image_index[self.rows[n]])
            image = self.labelled.pixels(i)
            for row in self.labelled.animals_of(i).tolist():
                if (other := self._same.get(row)) is not None:
                    pictures[other] = self._cut(image, other)
                    done[other] = 1
        return _tensor(np.array(pictures[n]))

    def _cut(self, image: NDArray[np.uint8], n: int) -> NDArray[np.uint8]:
        return cut(image, self.windows.offset[n], self.windows.extent[n], self.windows.size, antialias=True)

    def _arrays(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the pictures and which of them are there, both on disk; opened once per process."""
        if self._open is None:
            assert self.file is not None
            self.file.parent.mkdir(parents=True, exist_ok=True)
            flags = self.file.with_suffix(".done")
            total = int(np.prod(self.shape))
            for path, length in ((self.file, total), (flags, len(self.rows))):
                with path.open("ab") as file:
                    file.truncate(length)
            self._open = (
                np.memmap(self.file, np.uint8, "r+", shape=self.shape),
                np.memmap(flags, np.uint8, "r+", shape=(len(self.rows),)),
            )
        return self._open

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_open": None}


def usable_animals(labelled: LabelledSet, whole_frame: bool) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the rows (0..M-1) of the animals that can be trained on and their crop boxes (n, 4).

    An animal needs a box or a labelled point, and at least one defined keypoint. In whole-frame training
    every image has one animal, and the box is the image.

    Raises
    ------
    InputError
        When none is left, or an image has several animals although the whole frame is the crop.
    """
    boxes = labelled.boxes_or_extent(EXTENT_MARGIN)
    defined = (labelled.visibility != UNDEFINED).any(1)
    if whole_frame:
        several = [i for i, many in Counter(labelled.image_index.tolist()).items() if many > 1]
        if several:
            raise InputError(
                f"{labelled.images[several[0]].label} shows {len(labelled.animals_of(several[0]))} animals",
                "with whole_frame, each image must show one animal",
                "omit whole_frame: each animal is then cropped by its box",
            )
        sizes = [labelled.size(int(i)) for i in labelled.image_index]
        boxes = np.array([[0, 0, w, h] for w, h in sizes], np.float32).reshape(-1, 4)
        defined &= labelled.labelled.any(1)
    rows = np.flatnonzero(defined & np.isfinite(boxes).all(1) & (boxes[:, 2:] > 0).all(1))
    if not len(rows):
        raise InputError(
            f"{labelled.name}: no animal to train on",
            "an animal needs a labelled point or a box, and at least one keypoint that is defined",
        )
    return rows, boxes[rows]


def sampling(sources: NDArray[np.object_], recipe: Recipe) -> NDArray[np.float64]:
    """Return the probability (n,) with which each animal is drawn, from the source of each.

    Raises
    ------
    InputError
        When a source is weighted that is not there, or all weights are 0.
    """
    names, where, count = np.unique(sources.astype(str), return_inverse=True, return_counts=True)
    if unknown := sorted(set(recipe.source_weights) - set(names.tolist())):
        raise InputError(f"recipe.source_weights names {unknown}", f"sources are {', '.join(names)}")
    share = {"images": count.astype(float), "sources": np.ones(len(names)), "root": np.sqrt(count)}
    wanted = share[recipe.balance] * [recipe.source_weights.get(str(name), 1.0) for name in names]
    if not wanted.sum() > 0:
        raise InputError("recipe.source_weights are all 0", "at least one source must be trained on")
    each: NDArray[np.float64] = (wanted / wanted.sum() / count)[where]
    return each


def flags_in_crop(
    points: NDArray[np.floating], visibility: NDArray[np.integer], size: tuple[int, int], cell: float
) -> NDArray[np.int8]:
    """Return the flags (K,) of labelled points once the picture is cropped.

    A point outside the crop is absent, or undefined when it lies less than :data:`EDGE` cells outside.

    Parameters
    ----------
    points
        Shape (K, 2), crop pixels as the head counts them.
    visibility
        Shape (K,), the flags before: see :class:`PoseSamples`.
    size
        (width, height) of the crop.
    cell
        Crop pixels per heatmap cell.
    """
    outside = ((points < 0) | (points >= size)).any(-1)
    far = ((points < -EDGE * cell) | (points >= np.array(size) + EDGE * cell)).any(-1)
    return np.where((visibility > 0) & outside, np.where(far, ABSENT, UNDEFINED), visibility).astype(np.int8)


def data_hash(labelled: LabelledSet) -> str:
    """Return a digest of labels, boxes and image names: what a run was trained on."""
    digest = hashlib.sha256(repr(labelled.keypoints).encode())
    for i in range(len(labelled)):
        digest.update(image_key(labelled, i).encode())
    for array in (labelled.image_index, labelled.xy, labelled.visibility, labelled.boxes):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def drawn(seed: int, position: int, count: int, probability: bytes = b"") -> int:
    """Return which of ``count`` samples stands at a position of an endless stream.

    Parameters
    ----------
    seed
        Of the stream.
    position, count
        Place in the stream, and length of one pass.
    probability
        Shape (count,), float64, as bytes; without it each sample comes once in a pass.
    """
    turn, place = divmod(position, count)
    return int(_order(seed, turn, count, probability)[place])


@lru_cache(maxsize=4)
def _order(seed: int, turn: int, count: int, probability: bytes) -> NDArray[np.int64]:
    """Return the samples of one pass: each once when all count the same, else drawn with replacement."""
    share = np.frombuffer(probability)
    rng = np.random.default_rng([seed, 1 << 31, turn])
    if not len(share) or np.allclose(share, 1 / count):
        return rng.permutation(count)
    return rng.choice(count, count, p=share / share.sum())


def _same_parity(length: float, side: int) -> int:
    """Return ``length`` rounded up so that it exceeds ``side`` by an even number."""
    return side + 2 * int(np.ceil(max(length - side, 0) / 2))


def _tensor(picture: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)


def _few(names: tuple[str, ...]) -> str:
    return f"({', '.join(names[:3])}, ... {len(names)})"
