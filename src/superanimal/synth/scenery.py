"""Floors, walls, bedding, objects, glare and cables of behavioural arenas."""

from __future__ import annotations

import cv2
import numpy as np

from superanimal.synth.photographs import grain, scenery
from superanimal.synth.shading import fractal_noise


def _tint(rng: np.random.Generator, level: float, spread: float = 0.05) -> np.ndarray:
    return np.clip(level * (1 + rng.normal(0, spread, 3)), 0.0, 1.0).astype(np.float32)


def _gradient(rng: np.random.Generator, h: int, w: int) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    ramp = (x / w - 0.5) * np.cos(angle) + (y / h - 0.5) * np.sin(angle)
    spot = np.hypot(x / w - rng.uniform(0.2, 0.8), y / h - rng.uniform(0.2, 0.8))
    return 1 + np.float32(rng.normal(0, 0.3)) * ramp - np.float32(abs(rng.normal(0, 0.35))) * spot**2


def _speckles(rng: np.random.Generator, image: np.ndarray, scale: float) -> None:
    h, w = image.shape[:2]
    dark = rng.random() < 0.7
    for _ in range(int(rng.integers(10, 350))):
        centre = (int(rng.integers(w)), int(rng.integers(h)))
        radius = max(1, int(abs(rng.normal(0, 0.012)) * scale))
        level = (
            image[centre[1], centre[0]] * rng.uniform(0.4, 0.9)
            if dark
            else image[centre[1], centre[0]] * rng.uniform(1.1, 1.6)
        )
        cv2.circle(image, centre, radius, [float(v) for v in np.clip(level, 0, 1)], -1, cv2.LINE_AA)


def _bedding(rng: np.random.Generator, image: np.ndarray, scale: float) -> None:
    h, w = image.shape[:2]
    cell = max(2, int(scale * rng.uniform(0.015, 0.05)))
    rough = fractal_noise(rng, h, w, (cell, max(2, cell // 2)))
    amount = np.float32(rng.uniform(0.08, 0.35))
    image *= np.clip(1 + amount * rough, 0.25, 1.8)[..., None]
    for _ in range(int(rng.integers(0, 500))):
        p = rng.uniform([0, 0], [w, h])
        d = rng.normal(0, scale * 0.03, 2)
        tone = image[int(p[1]), int(p[0])] * rng.uniform(0.6, 1.4)
        cv2.line(
            image,
            tuple(int(v) for v in p),
            tuple(int(v) for v in p + d),
            [float(v) for v in np.clip(tone, 0, 1)],
            max(1, int(scale * 0.008)),
            cv2.LINE_AA,
        )


def _grating(rng: np.random.Generator, image: np.ndarray, scale: float) -> None:
    h, w = image.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    period = scale * rng.uniform(0.06, 0.5)
    wave = np.cos((x * np.cos(angle) + y * np.sin(angle)) * (2 * np.pi / period))
    if rng.random() < 0.5:
        wave = np.maximum(wave, np.cos((y * np.cos(angle) - x * np.sin(angle)) * (2 * np.pi / period)))
    sharp = rng.uniform(1, 8)
    image *= (1 + np.float32(rng.uniform(-0.3, 0.3)) * np.tanh(sharp * (wave - rng.uniform(-0.5, 0.9))))[
        ..., None
    ]


def _floor(rng: np.random.Generator, h: int, w: int, scale: float) -> np.ndarray:
    level = rng.choice(
        [rng.uniform(0.55, 0.98), rng.uniform(0.2, 0.6), rng.uniform(0.03, 0.2)], p=[0.6, 0.28, 0.12]
    )
    image = np.broadcast_to(_tint(rng, level, rng.choice([0.03, 0.15])), (h, w, 3)).copy()
    image *= _gradient(rng, h, w)[..., None]
    if rng.random() < 0.8:
        image *= 1 + np.float32(abs(rng.normal(0, 0.06))) * fractal_noise(rng, h, w, (8, 32, 96))[..., None]
    kind = rng.random()
    if kind < 0.22:
        _bedding(rng, image, scale)
    elif kind < 0.32:
        _grating(rng, image, scale)
    elif kind < 0.5:
        _speckles(rng, image, scale)
    return image


def _scratches(rng: np.random.Generator, image: np.ndarray, scale: float) -> None:
    h, w = image.shape[:2]
    for _ in range(int(rng.integers(1, 6))):
        n = int(rng.integers(2, 5))
        path = np.cumsum(
            np.concatenate([rng.uniform([0, 0], [w, h])[None], rng.normal(0, scale * 0.5, (n, 2))]), 0
        )
        tone = np.clip(image.mean((0, 1)) * rng.uniform(0.5, 1.3), 0, 1)
        cv2.polylines(image, [path.astype(np.int32)], False, [float(v) for v in tone], 1, cv2.LINE_AA)


def _blend_polygon(
    image: np.ndarray, polygon: np.ndarray, colour: np.ndarray, alpha: float, soft: float
) -> None:
    h, w = image.shape[:2]
    pad = int(3 * soft) + 2
    x0, y0 = np.clip(np.floor(polygon.min(0)).astype(int) - pad, 0, [w, h])
    x1, y1 = np.clip(np.ceil(polygon.max(0)).astype(int) + pad, 0, [w, h])
    if x1 <= x0 or y1 <= y0:
        return
    mask = np.zeros((y1 - y0, x1 - x0), np.float32)
    cv2.fillPoly(mask, [np.round(polygon - [x0, y0]).astype(np.int32)], float(alpha), cv2.LINE_AA)
    if soft > 0.3:
        mask = cv2.GaussianBlur(mask, (0, 0), soft)
    window = image[y0:y1, x0:x1]
    window += mask[..., None] * (np.asarray(colour, np.float32) - window)


def _glare(rng: np.random.Generator, image: np.ndarray, scale: float) -> None:
    h, w = image.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        centre = rng.uniform([0, 0], [w, h])
        half = np.abs(rng.normal(0, [scale * 0.25, scale * 0.7])) + 3
        if rng.random() < 0.5:
            half = half[::-1]
        box = centre + half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        _blend_polygon(
            image, box, np.ones(3, np.float32), rng.uniform(0.1, 0.8), scale * abs(rng.normal(0, 0.08))
        )


def _walls(rng: np.random.Generator, image: np.ndarray, inside: np.ndarray, scale: float) -> None:
    """Paint an arena whose floor holds the ``inside`` box (xyxy)."""
    h, w = image.shape[:2]
    gap = np.abs(rng.normal(0, [0.5, 0.5, 0.5, 0.5])) * scale
    x0, y0, x1, y1 = inside + np.array([-1, -1, 1, 1]) * (gap + rng.uniform(-0.1, 0.05) * scale)
    floor_level = image.mean((0, 1))
    wall = floor_level * rng.uniform(0.15, 1.3) if rng.random() < 0.7 else _tint(rng, rng.uniform(0.03, 0.9))
    if rng.random() < 0.25:  # round arena
        centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
        radius = np.hypot(x1 - x0, y1 - y0) / 2
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        far = np.hypot(x - centre[0], y - centre[1]) - radius
        mask = np.clip(far / max(1.0, scale * abs(rng.normal(0, 0.02))), 0, 1)[..., None]
        image += mask * (
            np.clip(wall, 0, 1).astype(np.float32) * (1 + 0.1 * fractal_noise(rng, h, w, (40,))[..., None])
            - image
        )
        if rng.random() < 0.6:
            cv2.circle(
                image,
                tuple(int(v) for v in centre),
                int(radius),
                [float(v) for v in _tint(rng, rng.uniform(0, 1))],
                max(1, int(scale * rng.uniform(0.005, 0.05))),
                cv2.LINE_AA,
            )
        return
    angle = rng.normal(0, 0.08)
    c, s = np.cos(angle), np.sin(angle)
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    corners = middle + (corners - middle) @ np.array([[c, s], [-s, c]]) + rng.normal(0, scale * 0.02, (4, 2))
    outer = middle + (corners - middle) * rng.uniform(1.15, 1.9) + rng.normal(0, scale * 0.15, 2)
    soft = scale * abs(rng.normal(0, 0.012))
    for k in range(4):
        quad = np.stack([corners[k], corners[(k + 1) % 4], outer[(k + 1) % 4], outer[k]])
        far = middle + (quad[[2, 3]] - middle) * 6
        side = np.clip(wall * rng.uniform(0.6, 1.25), 0, 1).astype(np.float32)
        _blend_polygon(image, np.concatenate([quad[:2], far]), side, 1.0, soft)
        if rng.random() < 0.7:
            beyond = np.clip(side * rng.uniform(0.3, 1.5), 0, 1).astype(np.float32)
            _blend_polygon(image, np.concatenate([quad[[3, 2]], far]), beyond, 1.0, soft)
    if rng.random() < 0.7:
        tone = [float(v) for v in _tint(rng, rng.uniform(0, 1))]
        cv2.polylines(
            image,
            [np.round(corners).astype(np.int32)],
            True,
            tone,
            max(1, int(scale * abs(rng.normal(0, 0.02)))),
            cv2.LINE_AA,
        )
    if rng.random() < 0.4:
        cv2.polylines(
            image,
            [np.round(outer).astype(np.int32)],
            True,
            [float(v) for v in _tint(rng, rng.uniform(0, 1))],
            max(1, int(scale * abs(rng.normal(0, 0.04)))),
            cv2.LINE_AA,
        )


def _objects(rng: np.random.Generator, image: np.ndarray, keep_out: np.ndarray, scale: float) -> None:
    h, w = image.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        centre = rng.uniform([0, 0], [w, h])
        size = scale * rng.uniform(0.08, 0.55)
        nearest = np.clip(centre, keep_out[:2], keep_out[2:])
        if np.hypot(*(centre - nearest)) < size * 0.9:
            continue
        colour = _tint(rng, rng.uniform(0.02, 0.95), 0.2)
        kind = rng.random()
        if kind < 0.35:  # cup or cylinder seen from above: two discs
            lift = rng.normal(0, size * 0.25, 2)
            for at, tone, radius in (
                (centre, 0.7, size),
                (centre + lift, 1.0, size * 1.05),
                (centre + lift, 0.6, size * 0.85),
            ):
                cv2.circle(
                    image,
                    tuple(int(v) for v in at),
                    int(radius),
                    [float(v) for v in np.clip(colour * tone, 0, 1)],
                    -1,
                    cv2.LINE_AA,
                )
        elif kind < 0.75:
            angle = rng.uniform(0, np.pi)
            axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            half = size * np.array([1.0, rng.uniform(0.15, 1)])
            box = centre + (np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half) @ axes
            _blend_polygon(image, box, colour, 1.0, rng.uniform(0, 1))
            _blend_polygon(
                image,
                centre + (box - centre) * 0.8,
                np.clip(colour * rng.uniform(0.7, 1.3), 0, 1).astype(np.float32),
                1.0,
                0.5,
            )
        else:  # soft blob: droppings, nest, shade
            mask: np.ndarray = np.zeros((h, w), np.float32)
            cv2.ellipse(
                mask,
                tuple(int(v) for v in centre),
                (int(size), int(size * rng.uniform(0.2, 1))),
                rng.uniform(0, 180),
                0,
                360,
                1.0,
                -1,
            )
            mask = cv2.GaussianBlur(mask, (0, 0), max(0.6, size * rng.uniform(0.02, 0.4)))
            image += (mask * np.float32(rng.uniform(0.3, 1)))[..., None] * (colour - image)


def paint_scenery(
    rng: np.random.Generator, size: tuple[int, int], inside: np.ndarray, scale: float
) -> np.ndarray:
    """Paint an empty arena.

    Parameters
    ----------
    rng
        Source of all randomness.
    size
        (height, width) in pixels.
    inside
        Box (x0, y0, x1, y1) that should lie on the floor, where the animals are.
    scale
        Body length of the animals in pixels.

    Returns
    -------
    ndarray
        (H, W, 3) float32, RGB 0..1.
    """
    h, w = size
    image = _floor(rng, h, w, scale)
    if rng.random() < 0.4:
        image *= (1 + np.float32(rng.uniform(0.2, 0.9)) * (grain(rng, h, w) - 1))[..., None]
    if rng.random() < 0.12:
        image += np.float32(rng.uniform(0.3, 1.0)) * (scenery(rng, h, w) - image)
    if rng.random() < 0.3:
        _scratches(rng, image, scale)
    if rng.random() < 0.75:
        _walls(rng, image, inside, scale)
    if rng.random() < 0.45:
        _objects(rng, image, inside, scale)
    if rng.random() < 0.25:
        _glare(rng, image, scale)
    return np.clip(image, 0, 1.2)


def draw_cable(rng: np.random.Generator, image: np.ndarray, start: np.ndarray, scale: float) -> np.ndarray:
    """Draw a tether from ``start`` (x, y) out of the picture; returns the (H, W) bool mask of it."""
    h, w = image.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    t = np.linspace(0, 1, 24)[:, None]
    reach = np.array([np.cos(angle), np.sin(angle)]) * max(h, w)
    sway = rng.normal(0, scale * 0.6, 2)
    path = (
        start + t * reach + np.sin(np.pi * t) * sway + np.sin(2 * np.pi * t) * rng.normal(0, scale * 0.2, 2)
    )
    mask = np.zeros((h, w), np.uint8)
    cv2.polylines(
        mask,
        [np.round(path).astype(np.int32)],
        False,
        255,
        max(1, int(scale * rng.uniform(0.01, 0.04))),
        cv2.LINE_AA,
    )
    alpha = (mask.astype(np.float32) / 255)[..., None]
    image += alpha * (_tint(rng, rng.uniform(0.02, 0.95)) - image)
    return mask > 127
