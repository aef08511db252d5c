"""Training pictures cut from rendered scenes and varied batch by batch, on the device that trains.

A processor core prepares about 80 crops a second, a graphics card trains on thousands. On a card the scenes
therefore lie in its memory, and cutting, lights, colours, blur and noise are drawn there for a whole batch;
the choices are those of :mod:`superanimal.training.data.augmentation`, which works picture by picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from superanimal.training.embedded.scenes import SceneShard
from superanimal.training.loop.recipe import Augmentation

LUMA = (0.299, 0.587, 0.114)
KERNEL = 9
"""Side in pixels of the kernels that blur."""
COVERS = 3
"""Largest number of boxes that hide a part of a picture."""


class ScenePictures:
    """The pictures of all scenes on a device, and what training batches see of them.

    Parameters
    ----------
    shards
        Rendered scenes; scene ``n`` counts through them in order.
    settings
        How much pictures are varied.
    device
        Where the pictures are kept and drawn; one side of 384 px and 10,000 scenes take 4.4 GB.
    """

    def __init__(self, shards: Sequence[SceneShard], settings: Augmentation, device: torch.device) -> None:
        self.settings = settings
        parts = [torch.from_numpy(np.array(shard.images)).to(device) for shard in shards]
        self.scenes = torch.cat(parts) if len(parts) > 1 else parts[0]

    @torch.no_grad()
    def __call__(self, scene: Tensor, matrix: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the pictures (B, 3, h, w) uint8 of a batch, of ``size`` (h, w).

        Parameters
        ----------
        scene
            Shape (B,), which scenes.
        matrix
            Shape (B, 2, 3), affine maps from scene pixels to picture pixels, centres at integers.
        size
            (height, width) of the pictures.

        Notes
        -----
        All random numbers come from torch's generator of the device, seeded in each round by the training
        loop.
        """
        with torch.autocast(self.scenes.device.type, enabled=False):
            pictures = warp(self.scenes[scene].permute(0, 3, 1, 2).float(), matrix.double(), size)
            pictures = erase(photometric(pictures, self.settings), self.settings)
            return pictures.round_().to(torch.uint8)


def warp(scenes: Tensor, matrix: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut pictures (B, 3, h, w) from scenes (B, 3, H, W) by affine maps (B, 2, 3).

    Most of those that shrink are averaged over the area. What lies outside of a scene is black in 45 % of the
    pictures, of one colour in 30 %, and repeats the edge in 25 %.
    """
    count = len(scenes)
    plain = _sample(scenes, matrix, size)
    double = torch.cat([2 * matrix[..., :2], 2 * matrix[..., 2:] + 0.5], -1)
    averaged = functional.avg_pool2d(_sample(scenes, double, (2 * size[0], 2 * size[1])), 2)
    shrink = torch.linalg.det(matrix[..., :2]).abs().rsqrt()
    chosen = (shrink > 1.3) & _chance(0.65, count, scenes.device)
    picture, inside = torch.where(chosen.view(-1, 1, 1, 1), averaged, plain).split([3, 1], 1)
    colour = 255 * torch.rand(count, 3, 1, 1, device=scenes.device)
    colour = colour * _chance(0.4, count, scenes.device).view(-1, 1, 1, 1)
    repeated = _chance(0.25, count, scenes.device).view(-1, 1, 1, 1)
    return torch.where(repeated, picture, picture * inside + colour * (1 - inside))


def _sample(scenes: Tensor, matrix: Tensor, size: tuple[int, int]) -> Tensor:
    """Return bilinear samples (B, 4, h, w): colours, the edge repeated, and whether inside the scene."""
    (h, w), (height, width) = size, scenes.shape[-2:]
    backward = torch.linalg.inv(matrix[..., :2])
    y, x = torch.meshgrid(
        torch.arange(h, device=scenes.device), torch.arange(w, device=scenes.device), indexing="ij"
    )
    grid = torch.stack([x, y], -1).double().view(1, h * w, 2) - matrix[..., 2].unsqueeze(1)
    places = (grid @ backward.transpose(1, 2)).float().view(-1, h, w, 2)
    limit = torch.tensor([width - 1, height - 1], device=scenes.device, dtype=torch.float32)
    inside = ((places > -0.5) & (places < limit + 0.5)).all(-1).float().unsqueeze(1)
    colours = functional.grid_sample(
        scenes, 2 * places / limit - 1, mode="bilinear", padding_mode="border", align_corners=True
    )
    return torch.cat([colours, inside], 1)


def photometric(pictures: Tensor, settings: Augmentation) -> Tensor:
    """Vary light, colour, sharpness and noise of pictures (B, 3, H, W), float32 from 0 to 255."""
    count, device = len(pictures), pictures.device

    def uniform(low: float, high: float) -> Tensor:
        return torch.empty(count, 1, 1, 1, device=device).uniform_(low, high)

    def some(chance: float) -> Tensor:
        return _chance(chance, count, device).view(-1, 1, 1, 1)

    def around_one(most: float) -> Tensor:
        return uniform(1 - most, 1 + most)

    x = (pictures * around_one(settings.brightness)).clamp_(0, 255)
    mean = _grey(x).mean((-2, -1), keepdim=True)
    x = torch.lerp(mean.expand_as(x), x, around_one(settings.contrast)).clamp_(0, 255)
    x = torch.lerp(_grey(x).expand_as(x), x, around_one(settings.saturation)).clamp_(0, 255)
    turn = 2 * math.pi * uniform(-settings.hue, settings.hue) * some(0.3)
    x = _turn_hue(x, turn).clamp_(0, 255)
    power = torch.exp(settings.gamma * torch.randn(count, 1, 1, 1, device=device) * some(0.5))
    x = 255 * (x / 255).pow(power)
    x = torch.where(some(settings.gray), _grey(x), x)
    x = torch.where(some(settings.blur), _filtered(x, _gaussian(uniform(0.4, 1.8))), x)
    length = 3 + 2 * torch.randint(0, 4, (count, 1, 1, 1), device=device)
    x = torch.where(some(settings.motion_blur), _filtered(x, _line(length, uniform(0, math.pi))), x)
    return (x + torch.randn_like(x) * uniform(0, settings.noise) * some(0.3)).clamp_(0, 255)


def erase(pictures: Tensor, settings: Augmentation) -> Tensor:
    """Cover one to three boxes of some pictures (B, 3, H, W) with one colour or noise."""
    count, device, (height, width) = len(pictures), pictures.device, pictures.shape[-2:]
    chosen = _chance(settings.erase, count, device)
    boxes = torch.randint(1, COVERS + 1, (count,), device=device)
    y = torch.arange(height, device=device).view(1, -1, 1)
    x = torch.arange(width, device=device).view(1, 1, -1)
    for number in range(COVERS):
        share = torch.empty(count, 2, 1, 1, device=device).uniform_(0.04, 0.25)
        corner = torch.rand(count, 2, 1, 1, device=device) * (1 - share)
        (top, left), (bottom, right) = corner.unbind(1), (corner + share).unbind(1)
        hidden = (y >= top * height) & (y < bottom * height) & (x >= left * width) & (x < right * width)
        hidden &= (chosen & (boxes > number)).view(-1, 1, 1)
        noisy = _chance(0.3, count, device).view(-1, 1, 1, 1)
        colour = 255 * torch.rand(count, 3, 1, 1, device=device)
        cover = torch.where(noisy, 255 * torch.rand_like(pictures), colour)
        pictures = torch.where(hidden.unsqueeze(1), cover, pictures)
    return pictures


def _chance(probability: float, count: int, device: torch.device) -> Tensor:
    return torch.rand(count, device=device) < probability


def _grey(pictures: Tensor) -> Tensor:
    """Return the luma (B, 1, H, W)."""
    weights = torch.tensor(LUMA, device=pictures.device).view(1, 3, 1, 1)
    return (pictures * weights).sum(1, keepdim=True)


def _turn_hue(pictures: Tensor, angle: Tensor) -> Tensor:
    """Turn colours round the grey axis by angles (B, 1, 1, 1) in radians (Rodrigues' formula)."""
    cos, sin = torch.cos(angle), torch.sin(angle)
    red, green, blue = pictures.split(1, 1)
    across = torch.cat([blue - green, red - blue, green - red], 1) / math.sqrt(3)  # axis x colour
    along = pictures.mean(1, keepdim=True)
    return pictures * cos + across * sin + along * (1 - cos)


def _offsets(device: torch.device) -> tuple[Tensor, Tensor]:
    steps = torch.arange(KERNEL, device=device, dtype=torch.float32) - KERNEL // 2
    return steps.view(1, 1, -1, 1), steps.view(1, 1, 1, -1)


def _gaussian(sigma: Tensor) -> Tensor:
    """Return kernels (B, 1, k, k) of standard deviations (B, 1, 1, 1) in pixels."""
    y, x = _offsets(sigma.device)
    return torch.exp(-(x**2 + y**2) / (2 * sigma**2))


def _line(length: Tensor, angle: Tensor) -> Tensor:
    """Return kernels (B, 1, k, k) that average along lines of so many pixels at angles in radians."""
    y, x = _offsets(angle.device)
    along, across = x * torch.cos(angle) + y * torch.sin(angle), y * torch.cos(angle) - x * torch.sin(angle)
    return (along.abs() <= length / 2) * (1 - across.abs()).clamp_min(0)


def _filtered(pictures: Tensor, kernels: Tensor) -> Tensor:
    """Convolve each picture (B, 3, H, W) with its own kernel (B, 1, k, k), scaled to a sum of 1."""
    kernels = kernels / kernels.sum((-2, -1), keepdim=True)
    count, _, height, width = pictures.shape
    padded = functional.pad(pictures, [KERNEL // 2] * 4, mode="replicate")
    weight = kernels.repeat_interleave(3, 0)
    filtered = functional.conv2d(padded.reshape(1, 3 * count, *padded.shape[-2:]), weight, groups=3 * count)
    return filtered.view(count, 3, height, width)
