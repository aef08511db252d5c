"""Training samples for detectors: whole frames and their bounding boxes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as v2
from torchvision.tv_tensors import BoundingBoxes, BoundingBoxFormat

from superanimal.errors import InputError
from superanimal.labels.labelled_set import LabelledSet
from superanimal.training.data.augmentation import erase, photometric
from superanimal.training.data.samples import EXTENT_MARGIN, Sample, Samples, drawn
from superanimal.training.loop.recipe import Recipe
from superanimal.training.networks.centers import center_maps
from superanimal.zoo import centre_boxes

VISIBLE_SHARE = 0.5
"""Minimum fraction of an animal in the frame; below it, the animal counts neither as present nor absent."""


class FrameSamples(Samples):
    """Augmented frames with their boxes; sample ``n`` is a function of (seed, n).

    A sample holds ``image`` (3, H, W) uint8, ``size`` (2,), its height and width, ``boxes`` (A, 4) float32
    as x1, y1, x2, y2 in frame pixels with centres at integers, and ``ignore`` (A,) bool: so much of the
    animal is cut off that it does not count.
    Batches for a centre-point detector hold its ``maps`` as well.
    """

    def __init__(
        self, labelled: LabelledSet, frame_size: tuple[int, int], recipe: Recipe, *, maps: bool = True
    ) -> None:
        if any(side % centre_boxes.MULTIPLE for side in frame_size):
            raise InputError(f"frame size {list(frame_size)}", "both sides must be multiples of 32")
        self.labelled, self.size, self.recipe, self.maps = labelled, frame_size, recipe, maps
        self.boxes = corner_boxes(labelled)
        known = np.asarray(np.isfinite(self.boxes).all(1))
        self.images = np.array(
            [
                i
                for i in range(len(labelled))
                if len(labelled.animals_of(i)) and known[labelled.animals_of(i)].all()
            ],
            dtype=np.int64,
        )
        if not len(self.images):
            raise InputError(
                f"{labelled.name}: no image to train a detector on",
                "every animal of an image needs a box or a labelled point",
            )

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def __getitem__(self, position: int) -> Sample:
        """Return the frame at a position of the endless stream."""
        seed, settings = self.recipe.seed, self.recipe.augmentation
        rng = np.random.default_rng([seed, position])
        i = int(self.images[drawn(seed, position, len(self))])
        picture = torch.from_numpy(self.labelled.pixels(i)).permute(2, 0, 1)
        corners = torch.from_numpy(self.boxes[self.labelled.animals_of(i)] + 0.5)
        turns = int(rng.integers(4)) if settings.rotation >= 90 else 0
        picture, corners = quarter_turns(picture, corners, turns)
        factor = float(np.exp(rng.uniform(*np.log(settings.scale))))
        shift = rng.uniform(-0.5, 0.5, 2) if settings.shift else np.full(2, 0.0)
        picture, corners = place_in_frame(picture, corners, self.size, factor, shift)
        if rng.random() < settings.flip:
            boxes = BoundingBoxes(corners, format=BoundingBoxFormat.XYXY, canvas_size=self.size[::-1])
            picture, corners = v2.horizontal_flip(picture), v2.horizontal_flip(boxes).as_subclass(Tensor)
        picture = erase(photometric(picture, settings, rng), settings, rng)
        limit = torch.tensor([*self.size, *self.size], dtype=corners.dtype)
        clipped = torch.minimum(corners.clamp_min(0), limit)
        share = box_areas(clipped) / box_areas(corners).clamp_min(1e-6)
        there = share > 0.02
        return {
            "image": picture.contiguous(),
            "size": torch.tensor(picture.shape[-2:]),
            "boxes": (clipped[there] - 0.5).float(),
            "ignore": share[there] < VISIBLE_SHARE,
        }

    def collate(self, samples: list[Sample]) -> Sample:
        """Make a batch."""
        return collate_frames(samples, maps=self.maps)


def collate_frames(samples: list[Sample], *, maps: bool) -> Sample:
    """Stack frames of one size; boxes are padded with NaN, and a centre-point detector gets its maps."""
    most = max(1, *(len(sample["boxes"]) for sample in samples))
    boxes = torch.full((len(samples), most, 4), torch.nan)
    ignore = torch.zeros((len(samples), most), dtype=torch.bool)
    for row, sample in enumerate(samples):
        boxes[row, : len(sample["boxes"])] = sample["boxes"]
        ignore[row, : len(sample["boxes"])] = sample["ignore"]
    alike = [name for name in samples[0] if name not in ("boxes", "ignore")]
    batch = {name: torch.stack([sample[name] for sample in samples]) for name in alike}
    batch |= {"boxes": boxes, "ignore": ignore}
    if maps:
        height, width = samples[0]["size"].tolist()
        each = [
            center_maps(b.numpy(), i.numpy(), (height, width)) for b, i in zip(boxes, ignore, strict=True)
        ]
        batch |= {name: torch.from_numpy(np.stack([m[name] for m in each])) for name in each[0]}
    return batch


def corner_boxes(labelled: LabelledSet) -> NDArray[np.float32]:
    """Return x1, y1, x2, y2 of each animal (M, 4), pixel centres at integers; NaN if unknown."""
    boxes = labelled.boxes_or_extent(EXTENT_MARGIN)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def quarter_turns(picture: Tensor, corners: Tensor, turns: int) -> tuple[Tensor, Tensor]:
    """Turn a picture (3, H, W) and boxes (A, 4), counted from its corner, by quarters, anticlockwise."""
    for _ in range(turns):
        width = picture.shape[-1]
        picture = torch.rot90(picture, 1, (-2, -1))
        x1, y1, x2, y2 = corners.unbind(1)
        corners = torch.stack([y1, width - x2, y2, width - x1], 1)
    return picture, corners


def place_in_frame(
    picture: Tensor, corners: Tensor, size: tuple[int, int], factor: float, shift: NDArray[np.float64]
) -> tuple[Tensor, Tensor]:
    """Fit a picture (3, H, W) into a frame, enlarge it by a factor, and move it by the slack or the excess.

    Parameters
    ----------
    size
        (width, height) of the frame.
    shift
        x and y from -0.5 to 0.5: where in the free room, or which part of what does not fit.
    """
    height, width = picture.shape[-2:]
    zoom = min(size[0] / width, size[1] / height) * factor
    scaled = [max(1, round(height * zoom)), max(1, round(width * zoom))]
    boxes = BoundingBoxes(corners, format=BoundingBoxFormat.XYXY, canvas_size=(height, width))
    picture = v2.resize(picture, scaled, interpolation=InterpolationMode.BILINEAR, antialias=True)
    moved = v2.resize(boxes, scaled).as_subclass(Tensor)
    room = np.array([size[0] - scaled[1], size[1] - scaled[0]])
    left, top = (int(value) for value in np.rint(room * (0.5 + shift)))
    frame = torch.full((3, size[1], size[0]), centre_boxes.GREY, dtype=torch.uint8)
    y0, x0 = max(top, 0), max(left, 0)
    part = picture[
        :, max(-top, 0) : max(-top, 0) + size[1] - y0, max(-left, 0) : max(-left, 0) + size[0] - x0
    ]
    frame[:, y0 : y0 + part.shape[1], x0 : x0 + part.shape[2]] = part
    return frame, moved + torch.tensor([left, top, left, top])


def box_areas(boxes: Tensor) -> Tensor:
    """Return the areas (A,) of boxes (A, 4)."""
    return (boxes[:, 2:] - boxes[:, :2]).clamp_min(0).prod(1)
