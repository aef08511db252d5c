"""People in a picture of animals, so that one beside an animal is not taken for a part of it."""

from __future__ import annotations

import cv2
import numpy as np

_CLOTHES = ([0.08, 0.08, 0.1], [0.2, 0.25, 0.4], [0.6, 0.5, 0.36], [0.85, 0.85, 0.83], [0.35, 0.3, 0.25])


def draw_person(rng: np.random.Generator, image: np.ndarray, x: float, row: float, high: float) -> np.ndarray:
    """Draw a person who stands or walks, in place; returns where one hand is, (2,) pixels x, y.

    Parameters
    ----------
    rng
        Source of clothes and stride.
    image
        (H, W, 3) float32 RGB.
    x, row
        Column of the person and row of the feet, pixels.
    high
        Height of the person in pixels.
    """
    skin = np.array([0.65, 0.47, 0.37]) * rng.uniform(0.2, 1.35)
    trousers, shirt = (_cloth(rng) for _ in range(2))
    hip = np.array([x, row - 0.49 * high])
    neck = np.array([x + rng.normal(0, 0.03) * high, row - 0.83 * high])
    heading = (-1, 1)[int(rng.integers(2))]
    step = rng.uniform(0.0, 0.19) * high
    for side in (-1, 1):
        ankle = np.array([x + side * step, row - 0.03 * high - (side > 0) * rng.uniform(0, 0.04) * high])
        knee = (hip + ankle) / 2 + [heading * rng.uniform(0.0, 0.05) * high, 0]
        shade = trousers * (1 - 0.1 * side)
        _limb(image, (hip, knee), 0.095 * high, shade)
        _limb(image, (knee, ankle), 0.07 * high, shade)
        _limb(image, (ankle, ankle + [heading * 0.09 * high, 0.01 * high]), 0.045 * high, trousers * 0.3)
    middle, axes = (hip + neck) / 2, (max(1, int(0.09 * high)), max(1, int(0.2 * high)))
    cv2.ellipse(image, tuple(map(int, middle)), axes, 0, 0, 360, _colour(shirt), -1, cv2.LINE_AA)
    hand = neck
    for _ in range(2):
        shoulder = neck + [0, 0.04 * high]
        elbow = neck + [rng.normal(0, 0.08) * high, 0.19 * high]
        hand = elbow + rng.normal(0, 0.11, 2) * high + [0, 0.08 * high]
        _limb(image, (shoulder, elbow, hand), 0.055 * high, shirt * 0.9)
        cv2.circle(image, _cell(hand), max(1, int(0.03 * high)), _colour(skin), -1, cv2.LINE_AA)
    head = neck - [0, 0.09 * high]
    cv2.circle(image, _cell(head), max(1, int(0.065 * high)), _colour(skin), -1, cv2.LINE_AA)
    return hand


def draw_leader(
    rng: np.random.Generator, image: np.ndarray, muzzle: np.ndarray, row: float, withers: float
) -> None:
    """Draw a person who leads an animal by the head, with a rope, in place.

    Parameters
    ----------
    rng
        Source of the person.
    image
        (H, W, 3) float32 RGB.
    muzzle
        (2,) where the rope ends, pixels x, y.
    row, withers
        Row of the ground under the animal, and height of its withers, pixels.
    """
    high = withers * rng.uniform(0.85, 1.5)
    x = muzzle[0] + rng.uniform(-0.6, 0.6) * withers
    hand = draw_person(rng, image, x, row + rng.normal(0, 0.06) * withers, high)
    if rng.random() < 0.6:
        rope = (_cell(hand), _cell(muzzle))
        cv2.line(image, *rope, _colour(_cloth(rng)), max(1, int(0.015 * withers)), cv2.LINE_AA)


def _cloth(rng: np.random.Generator) -> np.ndarray:
    """Draw a colour: every second one of those that clothes mostly have."""
    if rng.random() < 0.5:
        return rng.uniform(0.02, 1.0, 3) * rng.uniform(0.3, 1.0)
    return np.array(_CLOTHES[int(rng.integers(len(_CLOTHES)))]) * rng.uniform(0.6, 1.3)


def _limb(image: np.ndarray, joints: tuple[np.ndarray, ...], thick: float, colour: np.ndarray) -> None:
    path = np.round(np.array(joints)).astype(np.int32)
    cv2.polylines(image, [path], False, _colour(colour), max(1, round(thick)), cv2.LINE_AA)


def _cell(point: np.ndarray) -> tuple[int, int]:
    return int(point[0]), int(point[1])


def _colour(colour: np.ndarray) -> list[float]:
    return [float(v) for v in np.clip(colour, 0, 1.2)]
