"""What mice are filmed in: boxes, cages, mazes on legs, pools; as drawings on a stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from superanimal.synth.photographs import grain
from superanimal.synth.shading import fractal_noise
from superanimal.synth.stage import Stage, disc, flat, rectangle

Spot = tuple[float, float, float]
"""x, y of the floor frame in pixels, and heading in radians."""


@dataclass(frozen=True)
class Look:
    """Colours of an apparatus (RGB 0..1, (3,)): the floor, its walls, rims and prints on it."""

    floor: np.ndarray
    wall: np.ndarray
    rim: np.ndarray


@dataclass(frozen=True)
class Apparatus:
    """Something to film mice in.

    Attributes
    ----------
    radius
        Half of its extent in pixels.
    lift
        Height of its floor above the ground of the room, pixels.
    spot
        ``spot(rng)``: a place where a mouse may stand.
    draw
        ``draw(stage, rng)``: puts it onto a stage, floor at height 0.
    """

    radius: float
    lift: float
    spot: Callable[[np.random.Generator], Spot]
    draw: Callable[[Stage, np.random.Generator], None]


def floor_grain(rng: np.random.Generator, h: int, w: int, length: float, rough: float) -> np.ndarray:
    """Unevenness of a floor, (h, w) float32 with mean about 1: light, stains, ``rough`` bedding."""
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    spot = np.hypot(x / w - rng.uniform(0.1, 0.9), y / h - rng.uniform(0.1, 0.9))
    field = (
        1 + np.float32(rng.normal(0, 0.25)) * (x / w - 0.5) - np.float32(abs(rng.normal(0, 0.35))) * spot**2
    )
    field += np.float32(abs(rng.normal(0, 0.025))) * fractal_noise(rng, h, w, (3, 24, 80))
    if rough > 0:
        cell = max(1, int(length * rng.uniform(0.012, 0.06)))
        chips = fractal_noise(rng, h, w, (cell, 2 * cell, 5 * cell))
        field *= np.clip(1 + np.float32(rough) * chips, 0.25, 2.0)
        if rng.random() < 0.5:
            field *= 1 + np.float32(rng.uniform(0.2, 0.8)) * (grain(rng, h, w) - 1)
    return np.clip(field, 0.15, 2.2).astype(np.float32)


def open_box(rng: np.random.Generator, length: float, look: Look, round_: bool, rough: float) -> Apparatus:
    """An open field: square, rectangular or round, with walls."""
    half = length * np.array([rng.uniform(1.3, 4.5)] * 2) * ([1, rng.uniform(0.6, 1.0)] if not round_ else 1)
    high, thick = length * rng.uniform(0.8, 4.0), length * rng.uniform(0.03, 0.3)
    turn = rng.normal(0, 0.12)
    ring = disc(0, 0, half[0], 40) if round_ else rectangle(0, 0, (half[0], half[1]), turn)

    def spot(rng: np.random.Generator) -> Spot:
        heading = rng.uniform(0, 2 * np.pi)
        free = np.maximum(half - 0.3 * length, 0.1 * length)
        if round_:
            far, angle = free[0] * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
            return far * np.cos(angle), far * np.sin(angle), heading
        at = rng.uniform(-1, 1, 2) * free
        if rng.random() < 0.4:  # along a wall or in a corner
            side = int(rng.integers(2))
            at[side] = free[side] * rng.choice([-1, 1]) * rng.uniform(0.9, 1.1)
            heading = turn + (np.pi / 2 if side == 0 else 0) + rng.choice([0, np.pi]) + rng.normal(0, 0.25)
        c, s = np.cos(turn), np.sin(turn)
        return c * at[0] - s * at[1], s * at[0] + c * at[1], heading

    def draw(stage: Stage, rng: np.random.Generator) -> None:
        h, w = stage.depth.shape
        stage.face(flat(ring, 0), look.floor, floor_grain(rng, h, w, length, rough))
        if rng.random() < 0.15:  # lines printed on the floor
            for t in np.linspace(-1, 1, int(rng.integers(3, 7))):
                for a, b in (((t, -1), (t, 1)), ((-1, t), (1, t))):
                    ends = np.array([a, b]) * half
                    x, y = ends.mean(0).tolist()
                    wide, high_ = np.maximum(abs(ends[1] - ends[0]) / 2, 0.015 * length).tolist()
                    strip = rectangle(x, y, (wide, high_))
                    stage.face(flat(strip, 0.1), look.rim)
        glass = rng.uniform(0.15, 0.5) if rng.random() < 0.15 else 1.0
        for k in range(len(ring)):
            j = (k + 1) % len(ring)
            tone = look.wall * (1 if round_ else rng.uniform(0.85, 1.15))
            stage.fence(ring[[k, j]], 0, high, thick, tone, look.rim, closed=False, alpha=glass)

    return Apparatus(float(max(half)) + thick, length * rng.choice([0.05, rng.uniform(0.5, 8)]), spot, draw)


def arm_maze(rng: np.random.Generator, length: float, look: Look) -> Apparatus:
    """A maze of arms: elevated plus, T, Y, radial; some or all arms with walls."""
    kind = rng.choice(["plus", "t", "y", "radial"], p=[0.5, 0.18, 0.17, 0.15])
    turn = rng.choice([0.0, np.pi / 4, rng.uniform(0, 2 * np.pi)], p=[0.6, 0.15, 0.25]) + rng.normal(0, 0.05)
    count = {"plus": 4, "t": 3, "y": 3, "radial": int(rng.integers(6, 9))}[kind]
    angles = turn + np.arange(count) * (np.pi / 2 if kind in ("plus", "t") else 2 * np.pi / count)
    long, wide = length * rng.uniform(2.8, 5.0), length * rng.uniform(0.5, 1.0)
    high = length * rng.uniform(0.6, 2.4)
    walled = {"plus": [True, False] * 2, "t": [True] * 3, "y": [True] * 3, "radial": [False] * count}[kind]
    if kind != "plus" and rng.random() < 0.4:
        walled = [not walled[0]] * count
    core = wide / 2 if kind in ("plus", "t") else wide / (2 * np.sin(np.pi / count))

    def axis(k: int) -> tuple[np.ndarray, np.ndarray]:
        along = np.array([np.cos(angles[k]), np.sin(angles[k])])
        return along, np.array([-along[1], along[0]])

    def spot(rng: np.random.Generator) -> Spot:
        if rng.random() < 0.2:
            return rng.normal(0, 0.1 * length), rng.normal(0, 0.1 * length), rng.uniform(0, 2 * np.pi)
        k = int(rng.integers(count))
        along, across = axis(k)
        x, y = along * (core + rng.uniform(0.0, long - 0.4 * length)) + across * rng.normal(0, 0.1) * wide
        return x, y, angles[k] + rng.choice([0, np.pi]) + rng.normal(0, 0.25)

    def draw(stage: Stage, rng: np.random.Generator) -> None:
        h, w = stage.depth.shape
        rough = floor_grain(rng, h, w, length, 0.0)
        thick, rim = length * rng.uniform(0.03, 0.2), length * rng.uniform(0.02, 0.06)
        middle = (
            rectangle(0, 0, (core, core), turn)
            if kind in ("plus", "t")
            else disc(0, 0, core * 1.05, count * 3)
        )
        stage.prism(middle, -thick, 0, look.floor * 0.7, look.floor, rough, hides=False)
        for k in range(count):
            along, across = axis(k)
            middle_ = along * (core + long / 2)
            ring = rectangle(middle_[0], middle_[1], (long / 2, wide / 2), angles[k])
            stage.prism(ring, -thick, 0, look.floor * 0.7, look.floor, rough, hides=False)
            path = np.array(
                [
                    along * core - across * wide / 2,
                    *(along * (core + long) + across * (s * wide / 2) for s in (-1, 1)),
                    along * core + across * wide / 2,
                ]
            )
            if walled[k]:
                stage.fence(path, 0, high, rim, look.wall, look.rim, closed=False)
            elif rng.random() < 0.3:
                stage.fence(path, 0, rim, rim, look.rim, closed=False)
            if rng.random() < 0.3:
                foot = along * (core + 0.8 * long)
                stage.tube(np.array([[*foot, -thick], [*foot, -6 * length]]), 0.12 * length, look.rim * 0.6)

    return Apparatus(core + long, length * rng.uniform(1.5, 9), spot, draw)


def hole_board(rng: np.random.Generator, length: float, look: Look) -> Apparatus:
    """A Barnes maze or a hole board: a disc or square with dark holes."""
    radius = length * rng.uniform(3.5, 7.5)
    count, hole = int(rng.choice([8, 12, 16, 20, 40])), length * rng.uniform(0.2, 0.38)
    square = rng.random() < 0.25

    def spot(rng: np.random.Generator) -> Spot:
        far, angle = radius * np.sqrt(rng.random()) * 0.93, rng.uniform(0, 2 * np.pi)
        return far * np.cos(angle), far * np.sin(angle), rng.uniform(0, 2 * np.pi)

    def draw(stage: Stage, rng: np.random.Generator) -> None:
        h, w = stage.depth.shape
        ring = rectangle(0, 0, (radius, radius)) if square else disc(0, 0, radius, 48)
        rough = floor_grain(rng, h, w, length, 0.0)
        stage.prism(ring, -0.2 * length, 0, look.floor * 0.7, look.floor, rough, hides=False)
        dark = look.floor * rng.uniform(0.03, 0.4)
        if square:
            n = int(rng.integers(3, 5))
            places = [(x, y) for x in np.linspace(-0.7, 0.7, n) for y in np.linspace(-0.7, 0.7, n)]
        else:
            t = np.linspace(0, 2 * np.pi, count, endpoint=False) + rng.uniform(0, 6)
            places = list(zip(0.9 * np.cos(t), 0.9 * np.sin(t), strict=True))
        for x, y in places:
            stage.face(flat(disc(x * radius, y * radius, hole, 16), 0.1), dark)
        if rng.random() < 0.3:
            stage.fence(ring, 0, length * rng.uniform(0.5, 3), 0.08 * length, look.wall, look.rim)

    return Apparatus(radius, length * rng.uniform(2, 9), spot, draw)


def pool(rng: np.random.Generator, length: float, look: Look) -> Apparatus:
    """A water maze: a round pool; the mouse swims, so that only its upper parts are seen."""
    radius, deep = length * rng.uniform(4, 8.5), length * rng.uniform(0.04, 0.13)

    def spot(rng: np.random.Generator) -> Spot:
        far, angle = radius * np.sqrt(rng.random()) * 0.95, rng.uniform(0, 2 * np.pi)
        return far * np.cos(angle), far * np.sin(angle), rng.uniform(0, 2 * np.pi)

    def draw(stage: Stage, rng: np.random.Generator) -> None:
        h, w = stage.depth.shape
        ring = disc(0, 0, radius, 48)
        waves = floor_grain(rng, h, w, length, 0.0)
        waves += np.float32(rng.uniform(0, 0.12)) * np.abs(
            fractal_noise(rng, h, w, (max(2, int(0.15 * length)),))
        )
        stage.face(flat(ring, deep), look.floor, waves, hides=True)
        stage.fence(ring, 0, length * rng.uniform(1, 3.5), 0.15 * length, look.wall, look.rim)
        if rng.random() < 0.4:
            x, y, _ = spot(rng)
            stage.face(flat(disc(x, y, 0.6 * length, 24), deep + 0.1), look.floor * rng.uniform(0.7, 1.25))

    return Apparatus(radius + 0.2 * length, length * rng.uniform(0.1, 6), spot, draw)


def cage(rng: np.random.Generator, length: float, look: Look) -> Apparatus:
    """A home cage: bedding, hut, nest, food and bottle; bars over a part of it."""
    half = length * np.array([rng.uniform(1.4, 2.6), rng.uniform(0.9, 1.7)])
    high, thick = length * rng.uniform(1.0, 1.9), length * rng.uniform(0.03, 0.1)

    def spot(rng: np.random.Generator) -> Spot:
        at = rng.uniform(-1, 1, 2) * np.maximum(half - 0.25 * length, 0.1 * length)
        return float(at[0]), float(at[1]), rng.uniform(0, 2 * np.pi)

    def draw(stage: Stage, rng: np.random.Generator) -> None:
        h, w = stage.depth.shape
        ring = rectangle(0, 0, (half[0], half[1]))
        bedding = floor_grain(rng, h, w, length, rng.uniform(0.04, 0.28))
        stage.face(flat(ring, 0), look.floor, bedding)
        if rng.random() < 0.5:  # a nest of paper
            x, y, _ = spot(rng)
            pale = np.full(3, rng.uniform(0.6, 1.0))
            heap = 1 + 0.2 * fractal_noise(
                rng, h, w, (max(2, int(0.05 * length)), max(2, int(0.15 * length)))
            )
            stage.face(
                flat(disc(x, y, length * rng.uniform(0.3, 0.7), 14, rng.uniform(0.6, 1)), 0.1), pale, heap
            )
        if rng.random() < 0.45:  # a hut, a tube, a wheel
            x, y, turn = spot(rng)
            size = length * rng.uniform(0.3, 0.65)
            box = (
                rectangle(x, y, (size, size * rng.uniform(0.6, 1)), turn)
                if rng.random() < 0.6
                else disc(x, y, size)
            )
            paint = rng.uniform(0.05, 0.9, 3) if rng.random() < 0.5 else np.full(3, rng.uniform(0.05, 0.9))
            stage.prism(box, 0, size * rng.uniform(0.5, 1.1), paint, paint * rng.uniform(0.7, 1.2))
        glass = rng.uniform(0.1, 0.6) if rng.random() < 0.5 else 1.0
        stage.fence(ring, 0, high, thick, look.wall, look.rim, alpha=glass)
        if rng.random() < 0.4:  # the lid's bars over one end
            from_ = half[0] * rng.uniform(-0.2, 0.8)
            steel = np.full(3, rng.uniform(0.3, 0.85))
            for y in np.arange(-half[1], half[1], length * rng.uniform(0.08, 0.14)):
                stage.tube(np.array([[from_, y, high], [half[0], y, high]]), 0.018 * length, steel)
        if rng.random() < 0.3:  # a bottle
            y = rng.uniform(-0.7, 0.7) * half[1]
            reach = np.array([[half[0], y, high], [half[0] * 0.75, y, 0.35 * length]])
            stage.tube(reach, [0.25 * length, 0.06 * length], np.full(3, rng.uniform(0.4, 0.9)))

    return Apparatus(float(max(half)) + thick, length * rng.choice([0.1, rng.uniform(0.1, 6)]), spot, draw)


def grid_chamber(rng: np.random.Generator, length: float, look: Look) -> Apparatus:
    """A chamber with a floor of rods, lamps and levers on its walls."""
    box = open_box(rng, length * rng.uniform(0.55, 0.9), look, False, 0.0)

    def draw(stage: Stage, rng: np.random.Generator) -> None:
        box.draw(stage, rng)
        steel = np.full(3, rng.uniform(0.25, 0.9))
        reach = box.radius * 0.98
        for x in np.arange(-reach, reach, length * rng.uniform(0.1, 0.2)):
            stage.tube(np.array([[x, -reach, 0.2], [x, reach, 0.2]]), 0.03 * length, steel, hides=False)

    return Apparatus(box.radius, box.lift, box.spot, draw)
