"""Pictures of laboratory rooms: mice in mazes, cages and boxes, with what lies about; and without mice."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from superanimal.synth import room
from superanimal.synth.apparatus import (
    Apparatus,
    Look,
    Spot,
    arm_maze,
    cage,
    grid_chamber,
    hole_board,
    open_box,
    pool,
)
from superanimal.synth.body import EAR, FUR, PAW, TAIL, TOPVIEWMOUSE
from superanimal.synth.camera import Camera, Placement
from superanimal.synth.degrade import degrade
from superanimal.synth.pose import sample_pose, sample_shape
from superanimal.synth.scene import Animal, Rendered, Scene, random_picture, render
from superanimal.synth.shading import Coat, Light, sample_coat
from superanimal.synth.stage import Stage

SETUPS: dict[str, float] = {
    "box": 0.3,
    "maze": 0.2,
    "cage": 0.16,
    "holes": 0.09,
    "pool": 0.07,
    "grid": 0.05,
    "room": 0.13,
}
"""Kinds of places with how often each is drawn; a room has no apparatus."""
MOODS: dict[str, float] = {"day": 0.62, "infrared": 0.24, "dark": 0.14}
"""Light: as people see, an infrared lamp, a dark arena under dim light."""
CONTRAST = 0.07
"""Least difference of brightness between a coat and the floor under it; less cannot be found."""
FAINT = 7.0
"""Grey levels of 255: a mouse that differs less from its surroundings is neither there nor absent."""
BACK = [
    TOPVIEWMOUSE.index(name) for name in ("neck", "mid_back", "mouse_center", "mid_backend2", "tail_base")
]


@dataclass(frozen=True)
class Choice:
    """What a picture shall show; None leaves it to chance.

    Attributes
    ----------
    setup, mood
        Names of :data:`SETUPS` and :data:`MOODS`.
    huddle
        Whether several mice touch.
    tether
        Whether the first mouse carries a cable.
    coat
        ``"light"`` or ``"dark"``.
    """

    setup: str | None = None
    mood: str | None = None
    huddle: bool | None = None
    tether: bool | None = None
    coat: str | None = None


def _drawn(rng: np.random.Generator, table: dict[str, float]) -> str:
    return str(rng.choice(list(table), p=list(table.values())))


def _look(rng: np.random.Generator, setup: str, mood: str, coat: str | None) -> Look:
    """Draw the colours of an apparatus."""
    bands = [(0.55, 0.98), (0.2, 0.55), (0.015, 0.2)]
    shares = [0.12, 0.23, 0.65] if mood == "dark" or coat == "light" else [0.45, 0.3, 0.25]
    low, high = bands[int(rng.choice(3, p=shares))]
    level = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    tint = rng.normal(0, 0.03 if rng.random() < 0.8 else 0.15, 3)
    if setup == "cage":
        level, tint = rng.uniform(0.25, 0.85), np.array([0.12, 0.0, -0.15]) * rng.uniform(0, 1.6)
    floor = np.clip(level * (1 + tint), 0.008, 1.0)
    wall = floor * rng.uniform(0.5, 1.2) if rng.random() < 0.65 else room.tone(rng)
    rim = wall * rng.uniform(0.6, 1.4) if rng.random() < 0.6 else room.tone(rng)
    return Look(floor, np.clip(wall, 0.005, 1), np.clip(rim, 0.005, 1))


def _apparatus(rng: np.random.Generator, setup: str, length: float, look: Look) -> Apparatus:
    if setup == "maze":
        return arm_maze(rng, length, look)
    if setup == "holes":
        return hole_board(rng, length, look)
    if setup == "pool":
        return pool(rng, length, look)
    if setup == "cage":
        return cage(rng, length, look)
    if setup == "grid":
        return grid_chamber(rng, length, look)
    rough = rng.uniform(0.03, 0.25) if rng.random() < 0.35 else 0.0
    return open_box(rng, length, look, rng.random() < 0.35, rough)


def _coat(rng: np.random.Generator, floor: float, mood: str, kind: str | None) -> Coat:
    """Draw a coat that can be told from the floor."""
    for _ in range(30):
        coat = sample_coat(rng)
        if mood == "infrared":  # fur, ears and tails all reflect it, whatever their colour
            colours = np.repeat(coat.colours.mean(1, keepdims=True), 3, 1)
            colours[FUR] = np.exp(rng.uniform(np.log(0.05), np.log(0.85)))
            bright = rng.uniform(0.8, 2.2, 3)
            for part, factor in zip((EAR, PAW, TAIL), bright, strict=True):
                colours[part] = np.clip(colours[FUR] * factor, 0.02, 1)
            coat = replace(coat, colours=colours, second=np.repeat(coat.second.mean(), 3))
        fur = float(coat.colours[FUR].mean())
        if (kind == "light" and fur < 0.4) or (kind == "dark" and fur > 0.25):
            continue
        if abs(fur - floor) > CONTRAST * rng.uniform(0.7, 2.5):
            break
    return coat


def _herd(
    rng: np.random.Generator, place: Apparatus, length: float, animals: int, huddle: bool
) -> list[tuple[Spot, float]]:
    """Draw where mice stand, floor frame, and how long each is."""
    herd: list[tuple[Spot, float]] = []
    for n in range(animals):
        x, y, heading = place.spot(rng)
        if n and (huddle or rng.random() < 0.3):
            (x0, y0, turn), _ = herd[int(rng.integers(n))]
            for _ in range(5):  # within the apparatus, if it can be
                angle, far = rng.uniform(0, 2 * np.pi), length * rng.uniform(0.22, 0.75 if huddle else 1.1)
                x, y = x0 + far * np.cos(angle), y0 + far * np.sin(angle)
                if np.hypot(x, y) < 0.9 * place.radius:
                    break
            if rng.random() < 0.4:  # side by side
                heading = turn + rng.normal(0, 0.3) + rng.choice([0, np.pi], p=[0.7, 0.3])
        herd.append(((x, y, heading), length * (1 if n == 0 else rng.uniform(0.82, 1.12))))
    return herd


def _camera(
    rng: np.random.Generator, size: tuple[int, int], length: float, place: Apparatus, first: Spot
) -> Camera:
    """Draw a camera above: all of the apparatus in the picture where it fits, else the first animal."""
    h, w = size
    tilt = abs(rng.normal(0, 0.12)) if rng.random() < 0.75 else rng.uniform(0.15, 0.75)
    distance = length * rng.uniform(6, 25) + 0.9 * max(h, w) + (2 * place.radius * np.sin(tilt))
    azimuth = np.pi / 2 if rng.random() < 0.6 else rng.uniform(0, 2 * np.pi)
    camera = Camera((0.0, 0.0), tilt, azimuth, distance)
    slack = np.array([w, h]) / 2 - place.radius
    if (slack > 0).all() and rng.random() < 0.85:
        center = np.array([w, h]) / 2 + rng.uniform(-1, 1, 2) * slack
    else:
        spot = camera.project(np.array([first[0], first[1], 0.2 * length]))[0]
        margin = np.minimum(0.5 * length, 0.35 * np.array([w, h]))
        center = rng.uniform(margin, np.array([w, h]) - margin) - spot
    return replace(camera, center=(float(center[0]), float(center[1])))


def _clutter(stage: Stage, rng: np.random.Generator, place: Apparatus, length: float, busy: float) -> None:
    """Put things round and into the apparatus."""
    h, w = stage.depth.shape
    reach = 0.75 * max(h, w) * (stage.camera.distance + place.lift) / stage.camera.distance
    ground = -place.lift

    def outside(clear: float) -> tuple[float, float]:
        angle, low = rng.uniform(0, 2 * np.pi), place.radius + clear
        far = low + rng.exponential(0.3) * max(reach - low, length)
        return far * np.cos(angle), far * np.sin(angle)

    for _ in range(rng.poisson(1.6 * busy)):
        low = rng.random() < 0.75  # mostly nothing stands between the camera and the animals
        most = place.lift + 0.5 * length if low else 7 * length
        room.furniture(stage, rng, outside(2.5 * length), ground, length, most)
    for _ in range(rng.poisson(0.35 * busy)):
        room.feet(stage, rng, outside(1.5 * length), ground, length)
    for _ in range(rng.poisson(2.2 * busy)):
        room.small_thing(stage, rng, outside(0.5 * length), ground, length)
    for _ in range(rng.poisson(0.8 * busy)):
        a, b = (np.array([*outside(0.0), ground + 0.1 * length]) for _ in range(2))
        room.cable(stage, rng, a, b, length)


def _inside(stage: Stage, rng: np.random.Generator, place: Apparatus, length: float, busy: float) -> None:
    """Put small things onto the floor of the apparatus, and arms and cables over it."""
    for _ in range(rng.poisson(0.7 * busy)):
        x, y, _ = place.spot(rng)
        room.small_thing(stage, rng, (x, y), 0.0, 0.8 * length)
    if rng.random() < 0.1 * busy:
        x, y, _ = place.spot(rng)
        room.sleeve(stage, rng, (1.3 * x, 1.3 * y), length * rng.uniform(0.5, 4), length)
    if rng.random() < 0.12 * busy:
        x, y, _ = place.spot(rng)
        angle = rng.uniform(0, 2 * np.pi)
        away = 1.2 * max(stage.depth.shape) * np.array([np.cos(angle), np.sin(angle)])
        a, b = np.array([x, y, 2 * length]), np.array([*away, 3 * length])
        room.cable(stage, rng, a, b, length, thick=rng.uniform(0.02, 0.08))


def _tether(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, head: np.ndarray, length: float
) -> np.ndarray:
    """Draw a cable from a head upwards and out of the picture, in place; returns its mask (H, W)."""
    h, w = image.shape[:2]
    stage = Stage((h, w), scene.camera, scene.lights, scene.ambient, np.zeros(3))
    stage.image = image
    angle = rng.uniform(0, 2 * np.pi)
    up = min(0.7 * scene.camera.distance, length * rng.uniform(2, 8))
    over = np.array([w / 2 - scene.camera.center[0], scene.camera.center[1] - h / 2])
    if rng.random() < 0.5:
        over = head[:2] + (h + w) * np.array([np.cos(angle), np.sin(angle)])
    t = np.linspace(0, 1, 18)[:, None]
    end = np.array([*over, head[2] + up])
    sway = rng.normal(0, 0.12, 3) * np.linalg.norm(end - head)
    path = head + t * (end - head) + np.sin(np.pi * t) * sway
    if rng.random() < 0.25:  # coiled
        turns = 2 * np.pi * rng.uniform(4, 12) * t
        path = path + 0.08 * length * np.concatenate([np.cos(turns), np.sin(turns), 0 * t], 1)
    return stage.tube(path, max(0.5, length * rng.uniform(0.008, 0.045)), room.tone(rng))


def laboratory_picture(
    seed: int | np.random.SeedSequence,
    size: tuple[int, int] = (384, 384),
    length: float = 60.0,
    animals: int = 1,
    choice: Choice = Choice(),
) -> Rendered:
    """A random picture of mice in a laboratory with exact truth; also of places without mice.

    Parameters
    ----------
    seed
        Same seed, same picture.
    size
        (height, width).
    length
        Body length in pixels; without mice it sets the scale of things.
    animals
        Number of mice.
    choice
        What is not left to chance.
    """
    rng = np.random.default_rng(seed)
    h, w = size
    mood = choice.mood or _drawn(rng, MOODS)
    setup = choice.setup or _drawn(rng, SETUPS)
    look = _look(rng, setup, mood, choice.coat)
    place = _apparatus(rng, setup, length, look)
    huddle = choice.huddle if choice.huddle is not None else rng.random() < 0.35
    herd = _herd(rng, place, length, animals, huddle)
    camera = _camera(rng, size, length, place, herd[0][0] if herd else place.spot(rng))
    lights = tuple(
        Light(rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.5), rng.uniform(0.1, 0.6))
        for _ in range(int(rng.integers(0, 4)))
    )
    ambient = rng.uniform(0.3, 0.95)
    level = float(np.clip(look.floor.mean() * np.exp(rng.normal(-0.4, 0.7)), 0.01, 0.9))
    stage = Stage(size, camera, lights, ambient, np.full(3, level))
    busy = float(np.clip(rng.gamma(1.5, 0.7), 0, 3.5))
    room.ground(stage, rng, -place.lift, length, level)
    _clutter(stage, rng, place, length, busy)
    if setup != "room":
        place.draw(stage, rng)
    _inside(stage, rng, place, length, busy)
    if rng.random() < 0.06:
        room.curtain(stage, rng)
    same, first = rng.random() < 0.65, _coat(rng, float(look.floor.mean()), mood, choice.coat)
    tether = choice.tether if choice.tether is not None else rng.random() < 0.12
    beasts = []
    for n, ((x, y, heading), own) in enumerate(herd):
        at = camera.project(np.array([x, y, 0.0]))[0]
        shape = sample_shape(rng)
        if tether and n == 0:
            shape = replace(shape, implant=rng.uniform(0.02, 0.16))
        coat = first if n == 0 or same else _coat(rng, float(look.floor.mean()), mood, choice.coat)
        beasts.append(Animal(shape, sample_pose(rng), coat, Placement(at[0], at[1], heading, own)))
    scene = Scene(
        background=np.clip(stage.image, 0, 1.3),
        animals=tuple(beasts),
        camera=camera,
        lights=lights,
        ambient=ambient,
        shadow=rng.uniform(0, 0.8),
        shadow_blur=abs(rng.normal(0, 0.05)),
        contact=rng.uniform(0, 0.5),
        front=stage.front,
    )
    clean = render(scene)
    image, visible = clean.image, clean.visible
    if tether and beasts:
        x, y, _ = herd[0][0]
        turn = herd[0][0][2]
        head = np.array([x + 0.34 * length * np.cos(turn), y + 0.34 * length * np.sin(turn), 0.25 * length])
        mask = _tether(rng, image, scene, head, length)
        cell = np.clip(np.round(clean.keypoints), 0, [w - 1, h - 1]).astype(int)
        visible = visible & ~mask[cell[..., 1], cell[..., 0]]
    if mood != "day":
        _lamp(rng, image, mood)
    if rng.random() < 0.15:
        room.printed(rng, image)
    least = 0.35 if mood == "day" else rng.uniform(0.08, 0.35)
    grey = {"day": 0.4, "infrared": 1.0, "dark": 0.6}[mood]
    picture = degrade(rng, image, grey=grey, tint=0.1, least=least)
    for n, points in enumerate(clean.keypoints):
        visible[n] &= stands_out(picture, points) > FAINT
    return Rendered(picture, clean.keypoints, visible, clean.boxes)


def stands_out(picture: np.ndarray, points: np.ndarray) -> float:
    """How much the back of a mouse differs from what lies beside it, in grey levels of 255.

    Parameters
    ----------
    picture
        Shape (H, W, 3), uint8.
    points
        Shape (27, 2), its keypoints in pixels.
    """
    h, w = picture.shape[:2]
    back = points[BACK]
    along = back[0] - back[-1]
    length = float(np.linalg.norm(along)) / 0.7
    beside = np.array([-along[1], along[0]]) / 0.7 * 0.33
    soft = cv2.GaussianBlur(picture, (0, 0), max(0.6, 0.05 * length)).astype(np.float32)
    cells = (
        np.clip(np.round(at), 0, [w - 1, h - 1]).astype(int) for at in (back, back + beside, back - beside)
    )
    middle, left, right = (soft[cell[:, 1], cell[:, 0]] for cell in cells)
    return float(np.abs(middle - np.stack([left, right])).max(-1).mean())


def _lamp(rng: np.random.Generator, image: np.ndarray, mood: str) -> None:
    """Light a picture unevenly, in place: bright where the lamp points, dark away from it."""
    h, w = image.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    far = np.hypot(x / w - rng.uniform(0.2, 0.8), y / h - rng.uniform(0.2, 0.8))
    spread = np.float32(rng.uniform(0.3, 1.2))
    floor = np.float32(rng.uniform(0.1, 0.6))
    image *= (floor + (1 - floor) * np.exp(-((far / spread) ** 2)))[..., None]
    if mood == "dark":
        image *= np.float32(rng.uniform(0.15, 0.8))


def mouse_picture(seed: int, size: tuple[int, int], length: float, animals: int) -> Rendered:
    """A picture to train on: seven in ten of a laboratory, the others closer and wilder.

    The parameters are those of :func:`laboratory_picture`.
    """
    if np.random.default_rng([seed, 3]).random() < 0.7:
        return laboratory_picture(seed, size, length, animals)
    return random_picture(seed, size, length, animals)
