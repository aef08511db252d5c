"""The room round an apparatus: its ground, furniture, feet, sleeves, cables, dishes, hooks, fans."""

from __future__ import annotations

import cv2
import numpy as np

from superanimal.synth.photographs import grain, scenery
from superanimal.synth.shading import fractal_noise
from superanimal.synth.stage import Stage, disc, flat, rectangle

Point = tuple[float, float]


def tone(rng: np.random.Generator, low: float = 0.02, high: float = 0.95) -> np.ndarray:
    """Draw the colour of a thing (3,), mostly nearly grey."""
    colour = np.full(3, rng.uniform(low, high)) * (1 + rng.normal(0, 0.06, 3))
    if rng.random() < 0.2:
        colour = rng.uniform(low, high, 3)
    return np.clip(colour, 0.005, 1.0)


def ground(stage: Stage, rng: np.random.Generator, z: float, length: float, level: float) -> None:
    """Draw the ground of the room at height z: plain, tiled, boards, carpet, or a piece of a photograph."""
    h, w = stage.depth.shape
    reach = 6.0 * max(h, w) * max(1.0, (stage.camera.distance - z) / stage.camera.distance)
    colour = np.clip(level * (1 + rng.normal(0, 0.08, 3)), 0.01, 1)
    rough = np.clip(
        1 + np.float32(abs(rng.normal(0, 0.05))) * fractal_noise(rng, h, w, (4, 30, 90)), 0.3, 1.8
    )
    kind = rng.choice(["plain", "tiles", "boards", "carpet", "photograph"], p=[0.35, 0.25, 0.1, 0.2, 0.1])
    if kind == "carpet":
        rough *= 1 + np.float32(rng.uniform(0.2, 0.9)) * (grain(rng, h, w) - 1)
    stage.face(flat(rectangle(0, 0, (reach, reach)), z), colour, rough)
    if kind == "photograph":
        stage.image += np.float32(rng.uniform(0.4, 1.0)) * (
            scenery(rng, h, w) * np.float32(level + 0.1) - stage.image
        )
    if kind in ("tiles", "boards"):
        step = length * rng.uniform(1.2, 5.0) * (1 if kind == "tiles" else 0.5)
        line, thin = np.clip(colour * rng.uniform(0.4, 1.5), 0, 1), length * rng.uniform(0.01, 0.06)
        turn, shift = rng.uniform(0, np.pi), rng.uniform(0, step, 2)
        c, s = np.cos(turn), np.sin(turn)
        near = 2.5 * max(h, w)
        count = min(int(near / step), 24)
        for k in range(-count, count + 1):
            for side in range(2 if kind == "tiles" else 1):
                middle = np.array([k * step + shift[side], 0.0])[:: 1 if side == 0 else -1]
                half = (thin / 2, near) if side == 0 else (near, thin / 2)
                ring = rectangle(0, 0, half) + middle
                stage.face(flat(ring @ np.array([[c, s], [-s, c]]), z + 0.1), line)


def furniture(
    stage: Stage, rng: np.random.Generator, at: Point, z: float, length: float, most: float
) -> None:
    """Draw a box, table, lamp or stool, at most so high, that stands on the ground at height z."""
    turn = rng.normal(0, 0.2) if rng.random() < 0.6 else rng.uniform(0, np.pi)
    colour = tone(rng)
    top = np.clip(colour * rng.uniform(0.8, 1.3), 0, 1)
    kind = rng.random()
    if kind < 0.55:
        half = length * np.array([rng.uniform(0.4, 4), rng.uniform(0.3, 2.5)])
        high = min(most, length * rng.uniform(0.2, 7))
        stage.prism(rectangle(*at, (half[0], half[1]), turn), z, z + high, colour, top)
    elif kind < 0.75:  # table on four legs
        half = length * np.array([rng.uniform(2, 6), rng.uniform(1.5, 4)])
        high, ring = min(most, length * rng.uniform(2, 6)), rectangle(*at, (half[0], half[1]), turn)
        stage.prism(ring, z + high * 0.92, z + high, colour, top)
        for x, y in at + (ring - at) * 0.92:
            stage.tube(
                np.array([[x, y, z], [x, y, z + high * 0.9]]), length * rng.uniform(0.1, 0.3), colour * 0.8
            )
    else:  # stool, bin, bucket
        radius = length * rng.uniform(0.3, 2.2)
        ring = disc(*at, radius)
        high = min(most, length * rng.uniform(0.2, 4))
        stage.prism(ring, z, z + high, colour, top)
        if rng.random() < 0.6:
            stage.face(
                flat(at + (ring - at) * rng.uniform(0.6, 0.9), z + high + 0.1), colour * rng.uniform(0.1, 0.7)
            )


def feet(stage: Stage, rng: np.random.Generator, at: Point, z: float, length: float) -> None:
    """Draw the shoes and lower legs of somebody who stands there."""
    heading = rng.uniform(0, 2 * np.pi)
    shoe, trousers = tone(rng), tone(rng)
    forward = np.array([np.cos(heading), np.sin(heading)])
    across = np.array([-forward[1], forward[0]])
    size = length * rng.uniform(0.85, 1.2)
    for side in (-1, 1):
        heel = (
            np.asarray(at)
            + across * side * size * rng.uniform(0.7, 1.3)
            + forward * rng.normal(0, 0.8) * size
        )
        turn = heading + side * rng.normal(0.1, 0.15)
        ring = disc(heel[0], heel[1], 1.6 * size, 18, rng.uniform(0.3, 0.38), turn)
        stage.prism(ring, z, z + 0.12 * size, tone(rng), shoe)
        back = heel - forward * 0.1 * size
        upper = disc(back[0], back[1], 1.45 * size, 18, 0.3, turn)
        stage.prism(upper, z + 0.12 * size, z + 0.7 * size, shoe * 0.8, shoe)
        ankle = heel - 0.7 * size * np.array([np.cos(turn), np.sin(turn)])
        if rng.random() < 0.85:
            knee = ankle + rng.normal(0, 0.7, 2) * size - forward * 0.4 * size
            path = np.array(
                [[*ankle, z + 0.6 * size], [*(ankle + knee) / 2, z + 2.6 * size], [*knee, z + 5 * size]]
            )
            stage.tube(path, [0.6 * size, 0.75 * size, 0.9 * size], trousers)


def sleeve(stage: Stage, rng: np.random.Generator, to: Point, z: float, length: float) -> None:
    """Draw an arm with hand or glove that reaches from outside of the picture to a place, at height z."""
    h, w = stage.depth.shape
    angle = rng.uniform(0, 2 * np.pi)
    away = np.array([np.cos(angle), np.sin(angle)]) * (0.75 * max(h, w) + np.hypot(*to))
    hand = np.asarray(to) + rng.normal(0, 0.3, 2) * length
    wrist = hand + (away - hand) / np.linalg.norm(away - hand) * 1.1 * length
    skin = np.array([0.7, 0.5, 0.4]) * rng.uniform(0.25, 1.3)
    glove = (np.array([0.2, 0.3, 0.65]), np.full(3, 0.9), np.full(3, 0.06), skin, skin)[rng.integers(5)]
    cloth = tone(rng)
    bend = (wrist + away) / 2 + rng.normal(0, 0.5, 2) * length
    path = np.array([[*wrist, z], [*bend, z + length], [*away, z + 3 * length]])
    wide = length * rng.uniform(0.3, 0.5)
    stage.tube(path, [wide, 1.4 * wide, 1.8 * wide], cloth)
    stage.tube(np.array([[*wrist, z], [*hand, z - 0.1 * length]]), [0.8 * wide, wide], glove)
    for k in range(4):
        turn = np.arctan2(*(hand - wrist)[::-1]) + (k - 1.5) * rng.uniform(0.1, 0.35)
        tip = hand + length * rng.uniform(0.5, 0.9) * np.array([np.cos(turn), np.sin(turn)])
        stage.tube(np.array([[*hand, z - 0.1 * length], [*tip, z - 0.3 * length]]), 0.22 * wide, glove)


def cable(
    stage: Stage,
    rng: np.random.Generator,
    a: np.ndarray,
    b: np.ndarray,
    length: float,
    *,
    thick: float = 0.03,
) -> None:
    """Draw a cable that hangs between two points (3,)."""
    t = np.linspace(0, 1, 14)[:, None]
    sway = rng.normal(0, 0.25, 3) * np.linalg.norm(b - a) * [1, 1, 0.3]
    curl = rng.normal(0, 0.12, 3) * np.linalg.norm(b - a) * [1, 1, 0]
    path = a + t * (b - a) + np.sin(np.pi * t) * sway + np.sin(2 * np.pi * t) * curl
    stage.tube(path, max(0.4, thick * length), tone(rng, 0.01, 0.9))


def small_thing(stage: Stage, rng: np.random.Generator, at: Point, z: float, length: float) -> None:
    """Draw a dish, fan, hook, ball, sheet of paper, hole, stain or droppings that lies at height z."""
    x, y = at
    kind = rng.choice(["dish", "fan", "hook", "ball", "paper", "stain", "droppings", "bar", "ring"])
    colour = tone(rng)
    if kind == "dish":
        radius = length * rng.uniform(0.15, 0.6)
        stage.prism(disc(x, y, radius), z, z + 0.15 * length, colour, np.clip(colour * 1.2, 0, 1))
        stage.face(flat(disc(x, y, 0.85 * radius), z + 0.15 * length + 0.1), tone(rng))
    elif kind == "fan":
        radius = length * rng.uniform(0.5, 2.0)
        stage.prism(disc(x, y, radius), z, z + 0.4 * length, colour, colour * rng.uniform(0.1, 0.5))
        top = z + 0.4 * length + 0.1
        start = rng.uniform(0, 6)
        for k in range(int(rng.integers(3, 8))):
            turn = start + k * 2 * np.pi / 5
            blade = disc(
                x + 0.5 * radius * np.cos(turn), y + 0.5 * radius * np.sin(turn), 0.45 * radius, 12, 0.4, turn
            )
            stage.face(flat(blade, top), colour * rng.uniform(0.5, 0.9))
        stage.face(flat(disc(x, y, 0.25 * radius, 14), top + 0.1), np.clip(colour * 1.3, 0, 1))
    elif kind == "hook":
        t = np.linspace(0, 1.6 * np.pi, 9)
        size, turn = length * rng.uniform(0.1, 0.5), rng.uniform(0, 6)
        bow = np.stack([x + size * np.cos(t + turn), y + size * np.sin(t + turn), np.full(9, z + 0.2)], -1)
        tail = bow[-1] + np.array([np.cos(turn), np.sin(turn), 0]) * size * rng.uniform(0.5, 4)
        stage.tube(np.concatenate([bow, tail[None]]), max(0.5, length * rng.uniform(0.02, 0.07)), colour)
    elif kind == "ball":
        radius = length * rng.uniform(0.1, 0.5)
        for k, share in enumerate((1.0, 0.75, 0.4)):
            paint = np.clip(colour * (0.7 + 0.25 * k), 0, 1)
            stage.face(flat(disc(x, y, radius * share, 20), z + radius + 0.1 * k), paint, hides=True)
    elif kind == "paper":
        turn, half = rng.uniform(0, 6), length * np.array([rng.uniform(0.3, 1.6), rng.uniform(0.3, 1.2)])
        stage.face(flat(rectangle(x, y, (half[0], half[1]), turn), z + 0.2), tone(rng, 0.5, 1.0))
        for k in np.linspace(-0.7, 0.7, int(rng.integers(0, 7))):
            c, s = np.cos(turn), np.sin(turn)
            line = rectangle(x - s * k * half[1], y + c * k * half[1], (half[0] * 0.8, 0.03 * length), turn)
            stage.face(flat(line, z + 0.4), colour * 0.5)
    elif kind == "stain":
        soft = stage.image.copy()
        stage.face(
            flat(
                disc(x, y, length * rng.uniform(0.1, 0.8), 16, rng.uniform(0.3, 1), rng.uniform(0, 3)),
                z + 0.1,
            ),
            tone(rng),
        )
        stage.image += np.float32(rng.uniform(0.3, 0.9)) * (soft - stage.image)
    elif kind == "droppings":
        for _ in range(int(rng.integers(2, 14))):
            dx, dy = rng.normal(0, 1.2, 2) * length
            drop = disc(x + dx, y + dy, length * rng.uniform(0.025, 0.05), 8, 0.45, rng.uniform(0, 3))
            stage.face(flat(drop, z + 0.2), np.full(3, rng.uniform(0.02, 0.2)))
    elif kind == "bar":
        turn, long = rng.uniform(0, 6), length * rng.uniform(0.8, 6)
        step = 0.5 * long * np.array([np.cos(turn), np.sin(turn), 0])
        middle = np.array([x, y, z + 0.1 * length])
        stage.tube(np.stack([middle - step, middle + step]), length * rng.uniform(0.02, 0.2), colour)
    else:
        t = np.linspace(0, 2 * np.pi, 22)
        radius = length * rng.uniform(0.2, 1.5)
        path = np.stack([x + radius * np.cos(t), y + radius * np.sin(t), np.full(22, z + 0.1 * length)], -1)
        stage.tube(path, max(0.5, length * rng.uniform(0.02, 0.12)), colour)


def curtain(stage: Stage, rng: np.random.Generator) -> None:
    """Draw folds of cloth along one side of the picture, in front of everything."""
    h, w = stage.depth.shape
    side = int(rng.integers(4))
    across = np.arange(w if side % 2 else h, dtype=np.float32)
    share = rng.uniform(0.05, 0.3) * (1 + 0.15 * np.sin(across / across[-1] * rng.uniform(2, 9)))
    deep = (share * (h if side % 2 else w)).astype(int)
    folds = 1 + 0.3 * np.sin(np.arange(w if side % 2 == 0 else h) / max(h, w) * rng.uniform(20, 120))
    colour = tone(rng)
    canvas = stage.image if side % 2 == 0 else stage.image.transpose(1, 0, 2)
    depth, front = (a if side % 2 == 0 else a.T for a in (stage.depth, stage.front))
    for row, n in enumerate(deep):
        part = slice(0, n) if side < 2 else slice(-n, None)
        if n:
            canvas[row, part] = (colour * folds[part][:, None]).astype(np.float32)
            depth[row, part] = front[row, part] = np.float32(0.8 * stage.camera.distance)


def printed(rng: np.random.Generator, image: np.ndarray) -> None:
    """Draw what recorders print into a picture, in place: time stamps, frames, crosses, black borders."""
    h, w = image.shape[:2]
    kind = rng.random()
    paint = [float(v) for v in (np.ones(3) if rng.random() < 0.7 else rng.uniform(0, 1, 3))]
    if kind < 0.45:
        text = "".join(str(rng.choice(list("0123456789:/ -"))) for _ in range(int(rng.integers(4, 20))))
        at = int(rng.uniform(0, 0.6) * w), int(rng.choice([0.06, 0.97]) * h)
        letters: np.ndarray = np.zeros((h, w), np.uint8)
        cv2.putText(letters, text, at, int(rng.integers(0, 5)), rng.uniform(0.25, 0.7), 255, 1, cv2.LINE_AA)
        ink = (letters.astype(np.float32) / 255)[..., None]
        image += ink * (np.array(paint, np.float32) - image)
    elif kind < 0.7:
        for side in range(2):
            n = int(rng.uniform(0, 0.12) * (h, w)[side])
            band = image if side == 0 else image.transpose(1, 0, 2)
            band[:n] = 0
            band[len(band) - n :] = 0
    elif kind < 0.85:
        corners = np.sort(rng.uniform(0, 1, (2, 2)), 0) * [w, h]
        low, high = (tuple(int(v) for v in row) for row in corners)
        cv2.rectangle(image, low, high, paint, 1)
    else:  # what a fish-eye or an eyepiece leaves
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        far = np.hypot(x - w / 2, y - h / 2) / (0.5 * min(h, w) * rng.uniform(0.95, 1.35))
        image *= (np.clip((1.03 - far) / 0.05, 0, 1))[..., None]
