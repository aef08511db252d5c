"""A whole picture of four-legged animals: body plans, coats, place, light, camera; image and exact truth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from superanimal.synth.anatomy import QUADRUPED, QuadrupedPose, QuadrupedShape
from superanimal.synth.body import FUR, Body
from superanimal.synth.camera import Camera
from superanimal.synth.degrade import degrade
from superanimal.synth.hides import Hide, paint_hide, ruffle, sample_hide
from superanimal.synth.landscape import draw_foreground, paint_landscape
from superanimal.synth.people import draw_leader
from superanimal.synth.quadruped import build_quadruped
from superanimal.synth.raster import rasterise
from superanimal.synth.scene import Rendered
from superanimal.synth.shading import Light, cast_shadow, fractal_noise, illuminate
from superanimal.synth.species import RESTING, sample_posture, sample_quadruped, sample_species

QUADRUPED_BOX: tuple[int, ...] = tuple(
    k for k, name in enumerate(QUADRUPED) if name != "tail_end" and "antler" not in name
)
"""Keypoints whose extents make an animal's box: all but antlers and the end of the tail."""

_DEPTH = np.array(
    [
        0.035
        if any(part in name for part in ("eye", "ear", "mouth", "antler"))
        else 0.17
        if any(
            part in name
            for part in ("back_base", "back_middle", "back_end", "tail_base", "neck", "throat", "belly")
        )
        else 0.075
        for name in QUADRUPED
    ]
)
"""How much of the animal may lie before a keypoint that still counts as visible, in trunk lengths: little in
the face, the thickness of a limb, half a trunk for points of the middle line."""

_LED = frozenset({"horse", "cow", "sheep", "dog"})


@dataclass(frozen=True)
class Beast:
    """One animal of a pasture.

    ``x`` and ``depth`` are its place on the ground in pixels, right and away from the camera; ``heading``
    is 0 when it walks to the right of the picture, counter-clockwise from above; ``length`` its trunk
    length in pixels.
    """

    shape: QuadrupedShape
    pose: QuadrupedPose
    hide: Hide
    x: float
    depth: float
    heading: float
    length: float


@dataclass(frozen=True)
class Pasture:
    """Everything that determines a picture except what stands in front and the noise of the camera.

    ``background`` (H, W, 3) float32 RGB; ``camera`` looks along the ground (tilt about a right angle);
    ``led``: somebody in front of the first animal leads it.
    """

    background: np.ndarray
    animals: tuple[Beast, ...]
    camera: Camera
    lights: tuple[Light, ...] = ()
    ambient: float = 0.6
    shadow: float = 0.4
    contact: float = 0.3
    led: bool = False


def stand(beast: Beast) -> Body:
    """The animal's body at its place in the pasture, in pixels."""
    body = build_quadruped(beast.shape, beast.pose)
    c, s = np.cos(beast.heading), np.sin(beast.heading)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]) * beast.length
    shift = np.array([beast.x, beast.depth, 0.0])
    return body.moved(turn, shift)


def quadruped_box(keypoints: np.ndarray) -> np.ndarray:
    """Box (..., 4) xyxy of keypoints (..., 39, 2), see :data:`QUADRUPED_BOX`."""
    body = keypoints[..., QUADRUPED_BOX, :]
    return np.concatenate([body.min(-2), body.max(-2)], -1)


def render_pasture(pasture: Pasture) -> Rendered:
    """Render without camera noise: ``image`` is float32 RGB, ``visible`` knows every body but no foreground.

    A keypoint is visible when it is inside the picture and no part of any animal lies before it
    by more than :data:`_DEPTH`; what an animal lacks (antlers) is NaN and not visible.
    """
    image = pasture.background.astype(np.float32).copy()
    size, camera = image.shape[:2], pasture.camera
    bodies = [stand(beast) for beast in pasture.animals]
    rasters = [rasterise(body, camera, size) for body in bodies]
    lights = pasture.lights
    for beast, body in zip(pasture.animals, bodies, strict=True):
        _shade_ground(image, pasture, body, beast.length)
    nearest = np.full(size, -np.inf, np.float32)
    for raster in rasters:
        np.maximum(nearest, raster.depth, out=nearest)
    for beast, body, raster in zip(pasture.animals, bodies, rasters, strict=True):
        window = raster.window(int(0.06 * beast.length) + 4)
        part = raster.crop(window)
        rng = np.random.default_rng(beast.hide.seed)
        colour, is_fur = paint_hide(rng, body, part, beast.hide, camera, beast.length)
        lit = illuminate(
            rng,
            colour,
            is_fur,
            part,
            beast.hide.fur_noise,
            beast.hide.gloss,
            lights,
            camera,
            pasture.ambient,
            beast.length,
        )
        mine = part.mask & (part.depth >= nearest[window])
        alpha = cv2.GaussianBlur(mine.astype(np.float32), (0, 0), 0.5)
        layer = np.dstack([lit * mine[..., None], alpha])
        layer = ruffle(rng, layer, beast.hide.shag * beast.length)
        image[window] = image[window] * (1 - layer[..., 3:]) + layer[..., :3]
    count = len(bodies)
    points = np.full((count, len(QUADRUPED), 2), np.nan, np.float32)
    visible = np.zeros((count, len(QUADRUPED)), bool)
    for n, (beast, body) in enumerate(zip(pasture.animals, bodies, strict=True)):
        points[n], height, _ = camera.project(body.keypoints)
        visible[n] = _seen(points[n], height, nearest, beast.length)
    boxes = quadruped_box(points) if count else np.zeros((0, 4), np.float32)
    return Rendered(image, points, visible, boxes)


def _shade_ground(image: np.ndarray, pasture: Pasture, body: Body, length: float) -> None:
    """Cast shadows and the darkness between feet and ground, in place."""
    size = image.shape[:2]
    overhead = Light(0.0, np.pi / 2, 1.0)
    for lamp, strength, soft in (
        *((lamp, pasture.shadow * lamp.strength, 0.02) for lamp in pasture.lights),
        (overhead, pasture.contact, 0.06),
    ):
        if strength > 0.02:
            mask = cv2.GaussianBlur(
                cast_shadow(body, lamp, pasture.camera, size), (0, 0), max(0.6, soft * length)
            )
            image *= 1 - np.float32(min(strength, 0.9)) * mask[..., None]


def _seen(points: np.ndarray, height: np.ndarray, nearest: np.ndarray, length: float) -> np.ndarray:
    h, w = nearest.shape
    known = np.isfinite(points).all(-1)
    cell = np.where(known[:, None], np.round(points), 0)
    inside = known & ((cell >= 0) & (cell < [w, h])).all(-1)
    column, row = np.clip(cell, 0, [w - 1, h - 1]).astype(int).T
    margin = _DEPTH * length
    return inside & (nearest[row, column] - np.where(known, height, 0) < margin)


@dataclass(frozen=True)
class Outlook:
    """How animals are looked at.

    Attributes
    ----------
    around
        Share of the animals that are turned any way instead of showing a side.
    above, steepest
        Share of the cameras that stand higher, and how high at most, radians above the horizon.
    pets
        Share of the pictures that are of dogs and cats.
    resting
        Share of those that sit or lie.
    """

    around: float = 0.12
    above: float = 0.35
    steepest: float = 0.6
    pets: float = 0.0
    resting: float = 0.0


FROM_THE_SIDE = Outlook()
ALL_AROUND = Outlook(around=0.65, above=0.6, steepest=0.9, pets=0.4, resting=0.45)


def sample_pasture(
    rng: np.random.Generator,
    size: tuple[int, int],
    length: float,
    animals: int = 1,
    outlook: Outlook = FROM_THE_SIDE,
) -> Pasture:
    """Draw a random scene.

    Parameters
    ----------
    rng
        Source of all randomness.
    size
        (height, width) of the picture.
    length
        Trunk length of the first animal in pixels; the others differ a little.
    animals
        How many.
    outlook
        How they are looked at.
    """
    elevation = float(
        np.clip(rng.normal(0.08, 0.1), -0.18, 0.3)
        if rng.random() < 1 - outlook.above
        else rng.uniform(-0.1, outlook.steepest)
    )
    species = sample_species(rng)
    if outlook.pets and rng.random() < outlook.pets:
        species = ("dog", "cat")[int(rng.random() < 0.3)]
    one_kind = rng.random() < 0.75
    hide = sample_hide(rng, species)
    herd: list[Beast] = []
    for n in range(animals):
        kind = species if n == 0 or one_kind else sample_species(rng)
        shape = sample_quadruped(rng, kind)
        heading = (0.0, np.pi)[int(rng.integers(2))] + float(np.clip(rng.normal(0, 0.35), -0.9, 0.9))
        if rng.random() < outlook.around:
            heading = rng.uniform(0, 2 * np.pi)
        coat = hide if n == 0 or (one_kind and rng.random() < 0.5) else sample_hide(rng, kind)
        x, depth = (0.0, 0.0) if n == 0 else (rng.normal(0, 1.3) * length, rng.uniform(-0.7, 2.5) * length)
        own = length * (1.0 if n == 0 else rng.uniform(0.7, 1.2))
        resting = kind in ("dog", "cat") and rng.random() < outlook.resting if outlook.resting else False
        posture = sample_posture(rng, kind, shape, RESTING if resting else None)
        herd.append(Beast(shape, posture, coat, x, depth, heading, own))
    distance = length * float(np.exp(rng.uniform(np.log(5), np.log(40))))
    camera = Camera((0.0, 0.0), tilt=np.pi / 2 - elevation, distance=distance)
    center = _frame(rng, camera, herd, size)
    camera = Camera(center, tilt=camera.tilt, distance=distance)
    feet = camera.project(np.zeros(3))[0][1] if herd else rng.uniform(0.5, 1.0) * size[0]
    lights = tuple(
        Light(rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 1.4), rng.uniform(0.15, 0.8))
        for _ in range(int(rng.choice(3, p=[0.25, 0.6, 0.15])))
    )
    ambient = rng.uniform(0.35, 1.05) if rng.random() < 0.85 else rng.uniform(0.05, 0.35)
    background = paint_landscape(rng, size, float(feet), length, elevation)
    led = rng.random() if herd and species in _LED else 1.0
    if led < 0.2:
        muzzle, withers = _halter(herd[0], camera)
        draw_leader(rng, background, muzzle, float(feet), withers)
    if herd and rng.random() < 0.55:
        _set_off(rng, background, float(hide.colours[FUR].mean()) * (ambient + 0.25 * len(lights)))
    return Pasture(
        background=background,
        animals=tuple(herd),
        camera=camera,
        lights=lights,
        ambient=ambient,
        shadow=rng.uniform(0.0, 0.95),
        contact=rng.uniform(0.05, 0.55),
        led=0.2 <= led < 0.35,
    )


def _halter(beast: Beast, camera: Camera) -> tuple[np.ndarray, float]:
    """Muzzle (2,) and height of the withers, pixels."""
    points = camera.project(stand(beast).keypoints)[0]
    return points[QUADRUPED.index("lower_jaw")], beast.shape.height * beast.length


def _set_off(rng: np.random.Generator, background: np.ndarray, coat: float) -> None:
    """Brighten or darken a background, in place, that is about as bright as the animal."""
    level = float(background[::8, ::8].mean())
    if abs(level - coat) < 0.12:
        brighter = level < 0.55 if coat < 0.5 else level < 0.25
        background *= np.float32(rng.uniform(1.4, 2.4) if brighter else rng.uniform(0.35, 0.65))


def _frame(
    rng: np.random.Generator, camera: Camera, herd: list[Beast], size: tuple[int, int]
) -> tuple[float, float]:
    """Principal point that puts the first animal into the picture, one in six times partly outside."""
    h, w = size
    if not herd:
        return w / 2, h / 2
    low_x, low_y, high_x, high_y = quadruped_box(camera.project(stand(herd[0]).keypoints)[0])
    slack = np.array([w - (high_x - low_x), h - (high_y - low_y)])
    at = rng.uniform(0.04, 0.96, 2) * slack
    at = np.where(slack < 0, slack * rng.uniform(0, 1, 2), at)
    if rng.random() < 0.17:
        at += rng.normal(0, 0.35, 2) * [high_x - low_x, 0.6 * (high_y - low_y)]
    return float(at[0] - low_x), float(at[1] - low_y)


def photograph_pasture(rng: np.random.Generator, pasture: Pasture) -> Rendered:
    """Render a pasture as a camera would record it: things in front, then noise; ``image`` is uint8."""
    clean = render_pasture(pasture)
    image, visible = clean.image, clean.visible
    h, w = image.shape[:2]
    if pasture.animals:
        feet = pasture.camera.project(np.zeros(3))[0][1]
        first = pasture.animals[0]
        led = _halter(first, pasture.camera) if pasture.led else None
        mask = draw_foreground(rng, image, float(feet), first.length, led)
        cell = np.nan_to_num(np.clip(np.round(clean.keypoints), 0, [w - 1, h - 1])).astype(int)
        visible = visible & ~mask[cell[..., 1], cell[..., 0]]
    if rng.random() < 0.2:  # dappled light, on animal and ground alike
        field = fractal_noise(rng, h, w, (max(4, w // 30), max(4, w // 12), max(6, w // 5)))
        image *= 1 - np.float32(rng.uniform(0.1, 0.5)) * np.clip(field, 0, 1)[..., None]
    return Rendered(degrade(rng, image, grey=0.15, tint=0.1), clean.keypoints, visible, clean.boxes)


def random_quadruped_picture(
    seed: int | np.random.SeedSequence,
    size: tuple[int, int] = (320, 320),
    length: float | None = None,
    animals: int | None = None,
) -> Rendered:
    """A random picture of four-legged animals with exact truth: the one-call entry to this module.

    Parameters
    ----------
    seed
        Same seed, same picture.
    size
        (height, width).
    length
        Trunk length in pixels; default random, 15 to 45 % of the shorter side.
    animals
        Number of animals; default mostly one.
    """
    rng = np.random.default_rng(seed)
    if length is None:
        length = min(size) * float(np.exp(rng.uniform(np.log(0.15), np.log(0.45))))
    if animals is None:
        animals = int(rng.choice([1, 2, 3], p=[0.75, 0.19, 0.06]))
    return photograph_pasture(rng, sample_pasture(rng, size, length, animals))


def quadruped_picture(seed: int, size: tuple[int, int], length: float, animals: int) -> Rendered:
    """A picture to train on: every second one from the side, the others from all around, with pets at rest.

    The parameters are those of :func:`random_quadruped_picture`.
    """
    if np.random.default_rng([seed, 3]).random() < 0.5:
        return random_quadruped_picture(seed, size, length, animals)
    rng = np.random.default_rng(seed)
    return photograph_pasture(rng, sample_pasture(rng, size, length, animals, ALL_AROUND))
