"""Draw the pictures of docs/synth.md: ``python docs/make_synth_sheet.py``."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from superanimal.poses import load_space
from superanimal.synth import (
    Choice,
    Rendered,
    laboratory_picture,
    random_picture,
    random_quadruped_picture,
)

IMAGES = Path(__file__).with_name("images")
SEEDS = {"quadruped": (310, 306, 211, 220, 317, 329), "topviewmouse": (12, 15, 21)}
LABORATORIES = (
    (1001, 30.0, 1, "holes"),
    (1002, 40.0, 1, "maze"),
    (1033, 60.0, 3, "box"),
    (1014, 60.0, 1, "cage"),
    (1025, 45.0, 1, "pool"),
    (1006, 55.0, 1, "grid"),
    (1007, 40.0, 0, "room"),
    (1008, 60.0, 0, "box"),
)
"""Seed, body length, number of mice and place of the pictures of laboratories."""
SIDE = 260


def annotated(picture: Rendered, space_name: str) -> np.ndarray:
    """The picture with skeleton and keypoints: a disc is visible, a ring is hidden."""
    space = load_space(space_name)
    image = cv2.resize(picture.image, (2 * SIDE, 2 * SIDE), interpolation=cv2.INTER_CUBIC)
    factor = 2 * SIDE / picture.image.shape[0]
    for points, visible in zip(picture.keypoints, picture.visible, strict=True):
        at = (points + 0.5) * factor - 0.5
        place = {
            name: tuple(map(int, p)) for name, p in zip(space.keypoints, at, strict=True) if p[0] == p[0]
        }
        for a, b in space.edges:
            if a in place and b in place:
                cv2.line(image, place[a], place[b], (235, 235, 235), 1, cv2.LINE_AA)
        for name, colour, seen in zip(space.keypoints, space.colors, visible, strict=True):
            if name in place:
                rgb = tuple(int(colour[k : k + 2], 16) for k in (1, 3, 5))
                cv2.circle(image, place[name], 4, rgb, -1 if seen else 1, cv2.LINE_AA)
    return cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def main() -> None:
    animals = [random_quadruped_picture(seed, length=105.0, animals=1) for seed in SEEDS["quadruped"]]
    mice = [random_picture(seed, (320, 320), 120.0, 1) for seed in SEEDS["topviewmouse"]]
    plain = [cv2.resize(p.image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for p in animals[:3]]
    rows = [
        np.hstack(plain),
        np.hstack([annotated(p, "quadruped") for p in animals[:3]]),
        np.hstack([annotated(p, "quadruped") for p in animals[3:]]),
        np.hstack([annotated(p, "topviewmouse") for p in mice]),
    ]
    sheet = np.vstack(rows)[..., ::-1]
    cv2.imwrite(str(IMAGES / "synth.jpg"), sheet, [cv2.IMWRITE_JPEG_QUALITY, 82])
    places = [
        laboratory_picture(seed, (SIDE, SIDE), length, number, Choice(setup=setup)).image
        for seed, length, number, setup in LABORATORIES
    ]
    half = len(places) // 2
    sheet = np.vstack([np.hstack(places[:half]), np.hstack(places[half:])])[..., ::-1]
    cv2.imwrite(str(IMAGES / "laboratory.jpg"), sheet, [cv2.IMWRITE_JPEG_QUALITY, 80])


if __name__ == "__main__":
    main()
