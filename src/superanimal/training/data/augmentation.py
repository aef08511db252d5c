"""Augmentation of training images with torchvision's v2 operators, transforming keypoints exactly.

All coordinates here count from the corner of the picture (the centre of the first pixel is at 0.5): in that
convention torchvision's affine, crop and resize move keypoints as they move pixels. Its horizontal flip
counts from pixel centres instead, which :func:`mirror` makes up for.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as v2
from torchvision.tv_tensors import KeyPoints

from superanimal.errors import InputError
from superanimal.poses import KeypointSpace
from superanimal.training.loop.recipe import Augmentation


def reach(settings: Augmentation) -> float:
    """Return how many times larger than the crop an image must be, so that no corner is missing."""
    turned = np.radians(min(settings.rotation, 45.0))
    return float((np.cos(turned) + np.sin(turned)) / settings.scale[0] + 4 * settings.shift)


def augment(
    picture: Tensor,
    points: Tensor,
    size: tuple[int, int],
    settings: Augmentation,
    flip_index: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[Tensor, Tensor, NDArray[np.int64], float]:
    """Return an augmented crop from the centre of an image.

    Parameters
    ----------
    picture
        Shape (3, H, W), uint8; the crop is its middle.
    points
        Shape (K, 2), float32, x and y in pixels from the picture's corner; NaN stays NaN.
    size
        (width, height) of the crop.
    settings
        Strength of the augmentation.
    flip_index
        Channel order after mirroring, shape (K,).
    rng
        Source of all random numbers.

    Returns
    -------
    tuple
        Crop (3, height, width) uint8, points (K, 2) in pixels from its corner, the channel (K,) each point
        was before, and the factor by which things were enlarged.
    """
    width, height = size
    angle = float(rng.uniform(-settings.rotation, settings.rotation))
    factor = float(np.exp(rng.uniform(*np.log(settings.scale))))
    shift = rng.normal(0, settings.shift, 2) * size if settings.shift else np.zeros(2)
    canvas = (int(picture.shape[-2]), int(picture.shape[-1]))
    keypoints = KeyPoints(points, canvas_size=canvas)
    moved = {"angle": angle, "translate": shift.tolist(), "scale": factor, "shear": [0.0, 0.0]}
    picture = v2.affine(picture, **moved, interpolation=InterpolationMode.BILINEAR)
    window = {"top": (canvas[0] - height) // 2, "left": (canvas[1] - width) // 2}
    picture = v2.crop(picture, **window, height=height, width=width)
    keypoints = v2.crop(v2.affine(keypoints, **moved), **window, height=height, width=width)
    channels = np.arange(len(points))
    if rng.random() < settings.flip:
        picture, keypoints = mirror(picture, keypoints)
        channels = flip_index
    varied = erase(photometric(picture, settings, rng), settings, rng)
    return varied, keypoints.as_subclass(Tensor)[channels], channels, factor


def mirror(picture: Tensor, keypoints: KeyPoints) -> tuple[Tensor, KeyPoints]:
    """Return a picture and its keypoints (K, 2), counted from the corner, mirrored left-right."""
    centred = KeyPoints(keypoints.as_subclass(Tensor) - 0.5, canvas_size=keypoints.canvas_size)
    flipped = v2.horizontal_flip(centred).as_subclass(Tensor) + 0.5
    return v2.horizontal_flip(picture), KeyPoints(flipped, canvas_size=keypoints.canvas_size)


def photometric(picture: Tensor, settings: Augmentation, rng: np.random.Generator) -> Tensor:
    """Vary light, colour, sharpness and noise of a picture (3, H, W) uint8."""
    for name in ("brightness", "contrast", "saturation"):
        if most := getattr(settings, name):
            picture = getattr(v2, f"adjust_{name}")(picture, float(rng.uniform(1 - most, 1 + most)))
    if settings.hue and rng.random() < 0.3:
        picture = v2.adjust_hue(picture, float(rng.uniform(-settings.hue, settings.hue)))
    if settings.gamma and rng.random() < 0.5:
        picture = v2.adjust_gamma(picture, float(np.exp(rng.normal(0, settings.gamma))))
    if rng.random() < settings.gray:
        picture = v2.rgb_to_grayscale(picture, num_output_channels=3)
    if rng.random() < settings.blur:
        picture = v2.gaussian_blur(picture, [7, 7], [float(rng.uniform(0.4, 1.8))] * 2)
    if rng.random() < settings.motion_blur:
        picture = motion_blur(picture, int(rng.choice([3, 5, 7, 9])), float(rng.uniform(0, np.pi)))
    if settings.noise and rng.random() < 0.3:
        spread = float(rng.uniform(0, settings.noise))
        noise = rng.standard_normal(picture.shape, dtype=np.float32) * spread
        picture = (picture.float() + torch.from_numpy(noise)).clamp_(0, 255).round_().to(torch.uint8)
    return picture


def motion_blur(picture: Tensor, length: int, angle: float) -> Tensor:
    """Average a picture (3, H, W) uint8 along a line of ``length`` pixels (odd) at ``angle`` in radians."""
    steps = np.linspace(-(length // 2), length // 2, 4 * length)
    kernel, _, _ = np.histogram2d(
        steps * np.sin(angle),
        steps * np.cos(angle),
        bins=length,
        range=[[-length / 2, length / 2]] * 2,
        density=False,
    )
    weight = torch.from_numpy((kernel / kernel.sum()).astype(np.float32)).expand(3, 1, length, length)
    padded = torch.nn.functional.pad(picture[None].float(), [length // 2] * 4, mode="replicate")
    blurred = torch.nn.functional.conv2d(padded, weight, groups=3)[0]
    return blurred.clamp_(0, 255).round_().to(torch.uint8)


def erase(picture: Tensor, settings: Augmentation, rng: np.random.Generator) -> Tensor:
    """Cover one to three boxes with one colour or noise, to simulate occlusion."""
    if rng.random() >= settings.erase:
        return picture
    height, width = picture.shape[-2:]
    for _ in range(int(rng.integers(1, 4))):
        h, w = (max(2, int(side * rng.uniform(0.04, 0.25))) for side in (height, width))
        i, j = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
        shape = (3, h, w) if rng.random() < 0.3 else (3, 1, 1)
        value = torch.from_numpy(rng.integers(0, 256, shape, dtype=np.uint8))
        picture = v2.erase(picture, i, j, h, w, value.expand(3, h, w))
    return picture


def check_flip(space: KeypointSpace, settings: Augmentation) -> None:
    """Refuse mirroring if left and right would be confused.

    Raises
    ------
    InputError
        When keypoints are named left or right but the space does not pair them.
    """
    paired = {name for pair in space.pairs for name in pair}
    sided = [k for k in space.keypoints if {"left", "right"} & set(k.lower().split("_")) and k not in paired]
    if settings.flip and sided:
        raise InputError(
            f"augmentation.flip {settings.flip:g}: {', '.join(sided[:4])} have no mirror image in the space",
            "mirroring swaps left and right keypoints, so the space must pair them",
            "add them to 'pairs' of the space, or set augmentation: {flip: 0}",
        )
