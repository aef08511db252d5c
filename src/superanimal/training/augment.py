"""Training samples of the mini models: crops and frames cut from cached scenes, keypoints kept exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from superanimal.training.scenes import SceneShard
from superanimal.training.subjects import MOUSE, Subject
from superanimal.zoo.architectures import mini_detector, pyramid_pose


def crop_matrix(center: np.ndarray, side: float, size: int, angle: float, flip: bool) -> np.ndarray:
    """Affine (2, 3) from scene pixels to crop pixels, pixel centres at integers in both.

    Parameters
    ----------
    center : (2,) scene position of the crop's middle
    side : side of the crop in scene pixels
    size : side of the crop in crop pixels
    angle, flip : rotation in radians, and mirroring applied after it
    """
    k = size / side
    c, s = np.cos(angle) * k, np.sin(angle) * k
    linear = np.array([[c, -s], [s, c]])
    if flip:
        linear[0] *= -1
    middle = (size - 1) / 2
    return np.concatenate([linear, (middle - linear @ center)[:, None]], 1)


def warp(
    rng: np.random.Generator, image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Warp a scene (H, W, 3) uint8 into (height, width) = ``size``, mostly area-averaged when it shrinks."""
    h, w = size
    border = rng.choice([cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE], p=[0.75, 0.25])
    fill = (0.0, 0.0, 0.0) if rng.random() < 0.6 else tuple(float(v) for v in rng.uniform(0, 255, 3))
    shrink = 1 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if shrink > 1.3 and rng.random() < 0.65:
        double = np.concatenate([2 * matrix[:, :2], 2 * matrix[:, 2:] + 0.5], 1)
        large = cv2.warpAffine(
            image, double, (2 * w, 2 * h), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=fill
        )
        return cv2.resize(large, (w, h), interpolation=cv2.INTER_AREA)
    return cv2.warpAffine(image, matrix, (w, h), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=fill)


def photometric(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Vary brightness, contrast, gamma, colour, sharpness, noise of a uint8 picture; cover bits of it."""
    if rng.random() < 0.25:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.6))
    if rng.random() < 0.1:
        h, w = image.shape[:2]
        k = rng.uniform(0.35, 0.8)
        image = cv2.resize(cv2.resize(image, (int(w * k), int(h * k)), interpolation=cv2.INTER_AREA), (w, h))
    ramp = np.linspace(0, 1, 256)
    curve = ramp ** np.exp(rng.normal(0, 0.25)) * np.exp(rng.normal(0, 0.15))
    curve = (curve - 0.5) * np.exp(rng.normal(0, 0.15)) + 0.5 + rng.normal(0, 0.06)
    image = cv2.LUT(image, (np.clip(curve, 0, 1) * 255).astype(np.uint8))
    if rng.random() < 0.2:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, -1)
    elif rng.random() < 0.2:
        image = image[..., rng.permutation(3)]
    out = image.astype(np.int16)
    if rng.random() < 0.3:
        noise = rng.standard_normal((*image.shape[:2], 1), dtype=np.float32) * rng.uniform(1, 9)
        out = out + noise.astype(np.int16)
    if rng.random() < 0.15:
        h, w = image.shape[:2]
        for _ in range(int(rng.integers(1, 4))):
            y, x = rng.integers([0, 0], [h, w])
            dy, dx = rng.integers([3, 3], [h // 4, w // 4])
            out[y : y + dy, x : x + dx] = rng.integers(0, 255, 3)
    return np.clip(out, 0, 255).astype(np.uint8)


def move(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Apply an affine (2, 3) to points (..., 2)."""
    return points @ matrix[:, :2].T + matrix[:, 2]


@dataclass(frozen=True)
class PoseSamples:
    """Draws pose crops: image (S, S, 3) uint8, keypoints (K, 2) in crop pixels, visible (K,).

    What an animal does not have is NaN.
    """

    shards: Sequence[SceneShard]
    augment: bool = True
    subject: Subject = MOUSE

    def draw(self, rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One random crop of ``size`` px."""
        while True:
            shard = self.shards[int(rng.integers(len(self.shards)))]
            n = int(rng.integers(len(shard)))
            animals = np.flatnonzero(shard.visible[n].sum(-1) >= 8)
            if len(animals):
                break
        animal = rng.choice(animals)
        points, visible = shard.keypoints[n, animal].astype(float), shard.visible[n, animal]
        h, w = shard.images.shape[1:3]
        box = np.clip(self.subject.box(points), 0, [w - 1, h - 1, w - 1, h - 1])
        center = (box[:2] + box[2:]) / 2
        side = max(box[2:] - box[:2]) * self.subject.crop_margin
        angle, flip = 0.0, False
        if self.augment:
            side *= np.exp(rng.uniform(-0.32, 0.32))
            center = center + rng.normal(0, 0.06, 2) * side
            angle = rng.uniform(-self.subject.turn, self.subject.turn)
            flip = bool(rng.random() < 0.5)
            if rng.random() < 0.02:  # look elsewhere: nothing should be found there
                center = rng.uniform([0, 0], [w, h])
        matrix = crop_matrix(center, max(side, 12.0), size, angle, flip)
        image = warp(rng, np.asarray(shard.images[n]), matrix, (size, size))
        if self.augment:
            image = photometric(rng, image)
        points = move(points, matrix)
        visible = visible & ((points > -0.5) & (points < size - 0.5)).all(-1)
        order = self.subject.flip_order if flip else slice(None)
        return image, points[order].astype(np.float32), visible[order].astype(np.float32)

    def batch(self, rng: np.random.Generator, count: int, size: int) -> dict[str, np.ndarray]:
        """``image`` (B, S, S, 3) uint8, ``cells`` (B, K, 2) in heatmap cells, ``visible`` (B, K)."""
        images, points, visible = zip(*(self.draw(rng, size) for _ in range(count)), strict=True)
        cells = (np.stack(points) + 0.5) / pyramid_pose.STRIDE - 0.5
        return {"image": np.stack(images), "cells": cells, "visible": np.stack(visible)}


@dataclass(frozen=True)
class FrameSamples:
    """Draws detector frames: image (h, w, 3) uint8, boxes (A, 4) xyxy px (NaN-padded), ignore flags (A,)."""

    shards: Sequence[SceneShard]
    augment: bool = True
    subject: Subject = MOUSE

    def draw(
        self, rng: np.random.Generator, size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One random frame of (height, width) ``size``."""
        shard = self.shards[int(rng.integers(len(self.shards)))]
        n = int(rng.integers(len(shard)))
        h, w = size
        side = shard.images.shape[1]
        zoom, shift = max(h, w) / side, np.zeros(2)
        angle = 0.0 if self.subject.upright else rng.integers(4) * np.pi / 2
        if self.augment:
            zoom = np.exp(rng.uniform(max(-0.4, np.log(max(h, w) / side) - 0.05), 0.3))
            tilted = self.subject.upright or rng.random() < 0.7
            angle += rng.uniform(-0.15, 0.15) if tilted else rng.uniform(0, np.pi)
            shift = rng.uniform(-0.5, 0.5, 2) * np.maximum([side - w / zoom, side - h / zoom], 0)
        flip = bool(self.augment and rng.random() < 0.5)
        matrix = crop_matrix(np.full(2, (side - 1) / 2) + shift, side, int(side), angle, flip)
        matrix[:, :2] *= zoom
        matrix[:, 2] = np.array([(w - 1) / 2, (h - 1) / 2]) - matrix[:, :2] @ (
            np.full(2, (side - 1) / 2) + shift
        )
        image = warp(rng, np.asarray(shard.images[n]), matrix, size)
        if self.augment:
            image = photometric(rng, image)
        limit_w, limit_h = w, h
        if self.augment and rng.random() < 0.5:  # the grey band that letterboxing leaves
            if rng.random() < 0.5:
                limit_h = h - int(rng.integers(1, mini_detector.MULTIPLE))
            else:
                limit_w = w - int(rng.integers(1, mini_detector.MULTIPLE))
            image[limit_h:], image[:, limit_w:] = mini_detector.GREY, mini_detector.GREY
        points = move(shard.keypoints[n].astype(float), matrix)
        boxes = self.subject.box(points)
        clipped = np.clip(boxes, -0.5, np.array([limit_w, limit_h, limit_w, limit_h]) - 0.5)
        area = np.prod(boxes[:, 2:] - boxes[:, :2], -1)
        seen = np.prod(clipped[:, 2:] - clipped[:, :2], -1) / np.maximum(area, 1e-6)
        body = ((points >= 0) & (points < [limit_w, limit_h])).all(-1) & shard.visible[n]
        ignore = (seen < 0.5) | (body.sum(-1) < 8)
        clipped[seen <= 0.02] = np.nan
        return image, clipped.astype(np.float32), ignore

    def batch(self, rng: np.random.Generator, count: int, size: tuple[int, int]) -> dict[str, np.ndarray]:
        """``image`` (B, h, w, 3) uint8 and the stacked maps of :func:`detector_targets`."""
        drawn = [self.draw(rng, size) for _ in range(count)]
        maps = [detector_targets(boxes, ignore, size) for _, boxes, ignore in drawn]
        out = {name: np.stack([m[name] for m in maps]) for name in maps[0]}
        return {"image": np.stack([image for image, _, _ in drawn]), **out}


def detector_targets(boxes: np.ndarray, ignore: np.ndarray, size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Training maps of boxes (A, 4) xyxy px at stride 8.

    Returns
    -------
    dict
        ``center`` (h, w) 0..1, ``weight`` (h, w) 0 where an ignored animal is, ``extent`` (4, h, w) and
        ``owned`` (h, w) 1 where the extent counts.
    """
    stride = mini_detector.STRIDE
    h, w = size[0] // stride, size[1] // stride
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    center, weight = np.zeros((h, w), np.float32), np.ones((h, w), np.float32)
    extent, owned = np.zeros((4, h, w), np.float32), np.zeros((h, w), np.float32)
    for box, skip in zip(boxes, ignore, strict=True):
        if np.isnan(box).any():
            continue
        (cx, cy), (bw, bh) = (
            (box[:2] + box[2:] + 1) / 2 / stride - 0.5,
            np.maximum(box[2:] - box[:2], 1.0) / stride,
        )
        sigma = max(0.7, 0.13 * float(np.sqrt(bw * bh)))
        blob = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma**2))
        if skip:
            weight[blob > 0.1] = 0
            continue
        i, j = int(np.clip(round(cy), 0, h - 1)), int(np.clip(round(cx), 0, w - 1))
        blob[i, j] = 1.0
        center = np.maximum(center, blob)
        near = (np.abs(x - j) <= 1) & (np.abs(y - i) <= 1) & (blob >= center)
        values = (cx - x, cy - y, np.full_like(x, np.log2(bw)), np.full_like(x, np.log2(bh)))
        for channel, value in zip(extent, values, strict=True):
            channel[near] = value[near]
        owned[near] = 1
        weight[i, j] = 1
    return {"center": center, "weight": weight, "extent": extent, "owned": owned}
