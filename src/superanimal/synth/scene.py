"""A whole picture: animals, floor, light and camera in, image and exact truth out."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from superanimal.synth.body import TOPVIEWMOUSE, Body, MousePose, MouseShape, build_mouse
from superanimal.synth.camera import Camera, Placement, place
from superanimal.synth.degrade import degrade
from superanimal.synth.pose import sample_pose, sample_shape
from superanimal.synth.raster import Raster, rasterise
from superanimal.synth.scenery import draw_cable, paint_scenery
from superanimal.synth.shading import Coat, Light, cast_shadow, sample_coat, shade

BOX_KEYPOINTS: tuple[int, ...] = tuple(
    k for k, name in enumerate(TOPVIEWMOUSE) if name not in ("tail4", "tail5", "tail_end")
)
"""Keypoints whose extents make an animal's box: the body and the first half of the tail."""


@dataclass(frozen=True)
class Animal:
    """One mouse of a scene."""

    shape: MouseShape
    pose: MousePose
    coat: Coat
    placement: Placement


@dataclass(frozen=True)
class Scene:
    """Everything that determines a picture except the seeds of camera noise.

    ``background`` (H, W, 3) float32 RGB 0..1; ``mirrors`` are (axis, position px, strength): axis 0
    reflects in a vertical wall at x, axis 1 in a horizontal wall at y. ``front`` (H, W) float32 is how high
    things stand that hide what is lower, in pixels towards the camera (that of a
    :class:`~superanimal.synth.stage.Stage`).
    """

    background: np.ndarray
    animals: tuple[Animal, ...]
    camera: Camera
    lights: tuple[Light, ...] = ()
    ambient: float = 0.6
    shadow: float = 0.4
    shadow_blur: float = 0.02
    contact: float = 0.3
    mirrors: tuple[tuple[int, float, float], ...] = ()
    front: np.ndarray | None = None


@dataclass(frozen=True)
class Rendered:
    """A picture with its truth.

    Attributes
    ----------
    image : (H, W, 3) uint8 or float32 RGB
    keypoints : (N, 27, 2) float32, x right and y down, pixel centres at integers
    visible : (N, 27) bool, inside the picture and not hidden by another animal or object
    boxes : (N, 4) float32 xyxy, see :data:`BOX_KEYPOINTS` and :func:`animal_box`
    """

    image: np.ndarray
    keypoints: np.ndarray
    visible: np.ndarray
    boxes: np.ndarray


def animal_box(keypoints: np.ndarray) -> np.ndarray:
    """Box (..., 4) xyxy of keypoints (..., 27, 2): extents of body and proximal tail half (tail1..tail3)."""
    body = keypoints[..., BOX_KEYPOINTS, :]
    return np.concatenate([body.min(-2), body.max(-2)], -1)


def _reflect(layer: np.ndarray, axis: int, at: float) -> np.ndarray:
    h, w = layer.shape[:2]
    matrix = (
        np.array([[-1, 0, 2 * at], [0, 1, 0]], float)
        if axis == 0
        else np.array([[1, 0, 0], [0, -1, 2 * at]], float)
    )
    return cv2.warpAffine(layer, matrix, (w, h), flags=cv2.INTER_LINEAR)


def _darken(image: np.ndarray, scene: Scene, body: Body, raster: Raster, length: float) -> None:
    """Cast and contact shadows of one body, in place; none on what stands higher than the body."""
    sigma = max(0.6, scene.shadow_blur * length)
    kept = None
    if scene.front is not None:
        above = scene.front > (body.centers[:, 2].max() + 0.1 * length)
        kept = np.where(above[..., None], image, 0)
    for lamp in scene.lights:
        if scene.shadow * lamp.strength > 0.02:
            mask = cv2.GaussianBlur(cast_shadow(body, lamp, scene.camera, raster.part.shape), (0, 0), sigma)
            image *= 1 - np.float32(scene.shadow * lamp.strength) * mask[..., None]
    if scene.contact > 0:
        window = raster.window(int(0.12 * length) + 3)
        under = cv2.GaussianBlur(raster.mask[window].astype(np.float32), (0, 0), max(0.8, 0.035 * length))
        image[window] *= 1 - np.float32(scene.contact) * under[..., None]
    if kept is not None:
        np.copyto(image, kept, where=above[..., None])


def render(scene: Scene) -> Rendered:
    """Render a scene without camera noise (``image`` is float32 RGB 0..1, see :func:`degrade`).

    Parameters
    ----------
    scene
        What to draw.
    """
    image = scene.background.astype(np.float32).copy()
    size = image.shape[:2]
    bodies = [place(build_mouse(a.shape, a.pose), a.placement, scene.camera) for a in scene.animals]
    rasters = [rasterise(body, scene.camera, size) for body in bodies]
    behind = [np.zeros(size, bool) for _ in bodies]
    if scene.front is not None:
        behind = [raster.mask & (raster.depth < scene.front) for raster in rasters]
        rasters = [raster.without(hidden) for raster, hidden in zip(rasters, behind, strict=True)]

    for animal, body, raster in zip(scene.animals, bodies, rasters, strict=True):
        _darken(image, scene, body, raster, animal.placement.length)
    layers = []
    for animal, body, raster in zip(scene.animals, bodies, rasters, strict=True):
        length = animal.placement.length
        window = raster.window(int(0.1 * length) + 4)
        part = raster.crop(window)
        colour = shade(body, part, animal.coat, scene.lights, scene.camera, scene.ambient, length)
        layers.append((window, colour, cv2.GaussianBlur(part.mask.astype(np.float32), (0, 0), 0.5)))
        for axis, at, strength in scene.mirrors:
            ghost = np.zeros((*size, 4), np.float32)
            ghost[window] = np.dstack(layers[-1][1:])
            ghost = _reflect(ghost, axis, at) * np.float32(strength)
            ghost = cv2.GaussianBlur(ghost, (0, 0), max(0.6, 0.012 * length))
            image = image * (1 - ghost[..., 3:]) + ghost[..., :3]

    owner = np.full(size, -1, np.int8)
    top = np.full(size, -np.inf, np.float32)
    for n, raster in enumerate(rasters):  # where two overlap the nearer one wins pixel by pixel
        owner[(raster.depth > top) & raster.mask] = n
        np.maximum(top, raster.depth, out=top)
    for n, (window, colour, alpha) in enumerate(layers):
        if len(layers) > 1:
            alpha = alpha * ((owner[window] == n) | (owner[window] == -1))
        image[window] = image[window] * (1 - alpha[..., None]) + colour * (alpha > 0)[..., None]

    points = (
        np.stack([scene.camera.project(body.keypoints)[0] for body in bodies]).astype(np.float32)
        if bodies
        else np.zeros((0, 27, 2), np.float32)
    )
    cell = np.clip(np.round(points), 0, [size[1] - 1, size[0] - 1]).astype(int)
    inside = ((points > -0.5) & (points < np.array([size[1] - 0.5, size[0] - 0.5]))).all(-1)
    on = owner[cell[..., 1], cell[..., 0]]
    mine = (on == np.arange(len(bodies))[:, None]) | (on == -1)
    for n, hidden in enumerate(behind):
        mine[n] &= ~hidden[cell[n, :, 1], cell[n, :, 0]]
    return Rendered(
        image, points, inside & mine, animal_box(points) if bodies else np.zeros((0, 4), np.float32)
    )


def sample_scene(rng: np.random.Generator, size: tuple[int, int], length: float, animals: int = 1) -> Scene:
    """Draw a random scene.

    Parameters
    ----------
    rng
        Source of all randomness.
    size
        (height, width) of the picture.
    length
        Body length of the first animal in pixels; the others differ a little.
    animals
        How many mice.
    """
    h, w = size
    camera = Camera(
        center=(w / 2 + rng.normal(0, 0.5) * w, h / 2 + rng.normal(0, 0.5) * h),
        tilt=abs(rng.normal(0, 0.16)) if rng.random() < 0.7 else 0.0,
        azimuth=rng.uniform(0, 2 * np.pi),
        distance=length * rng.uniform(6, 25) + 0.6 * max(h, w),
    )
    herd: list[Animal] = []
    margin = min(0.55 * length, 0.4 * w, 0.4 * h)
    same = rng.random() < 0.6
    coat = sample_coat(rng)
    for n in range(animals):
        x, y = rng.uniform([margin, margin], [w - margin, h - margin])
        if n and rng.random() < 0.5:  # in contact with an earlier one
            other = herd[int(rng.integers(n))].placement
            angle, far = rng.uniform(0, 2 * np.pi), length * rng.uniform(0.35, 1.1)
            x, y = other.x + far * np.cos(angle), other.y + far * np.sin(angle)
            x, y = np.clip([x, y], margin * 0.6, [w - margin * 0.6, h - margin * 0.6])
        placement = Placement(
            x, y, rng.uniform(0, 2 * np.pi), length * (1 if n == 0 else rng.uniform(0.8, 1.15))
        )
        own = coat if (n == 0 or same) else sample_coat(rng)
        herd.append(Animal(sample_shape(rng), sample_pose(rng), own, placement))
    lights = tuple(
        Light(rng.uniform(0, 2 * np.pi), rng.uniform(0.45, 1.5), rng.uniform(0.1, 0.6))
        for _ in range(int(rng.integers(0, 4)))
    )
    spots = (
        np.array([[a.placement.x, a.placement.y] for a in herd])
        if herd
        else rng.uniform([0, 0], [w, h], (1, 2))
    )
    reach = length * rng.uniform(0.35, 0.7)
    inside = np.concatenate([spots.min(0) - reach, spots.max(0) + reach])
    background = paint_scenery(rng, size, inside, length)
    mirrors: list[tuple[int, float, float]] = []
    if herd and rng.random() < 0.18:
        axis = int(rng.integers(2))
        spot = (herd[0].placement.x, herd[0].placement.y)[axis]
        mirrors.append(
            (axis, spot + rng.choice([-1, 1]) * length * rng.uniform(0.35, 0.9), rng.uniform(0.08, 0.5))
        )
    return Scene(
        background=background,
        animals=tuple(herd),
        camera=camera,
        lights=lights,
        ambient=rng.uniform(0.35, 0.95),
        shadow=rng.uniform(0, 0.9),
        shadow_blur=abs(rng.normal(0, 0.04)),
        contact=rng.uniform(0, 0.5),
        mirrors=tuple(mirrors),
    )


def photograph(rng: np.random.Generator, scene: Scene) -> Rendered:
    """Render a scene as a camera would record it: tethers in front, then noise; ``image`` is uint8."""
    clean = render(scene)
    image, visible = clean.image, clean.visible
    if scene.animals and rng.random() < 0.08:
        mask = draw_cable(
            rng,
            image,
            clean.keypoints[0, TOPVIEWMOUSE.index("head_midpoint")],
            scene.animals[0].placement.length,
        )
        cell = np.clip(np.round(clean.keypoints), 0, [image.shape[1] - 1, image.shape[0] - 1]).astype(int)
        visible = visible & ~mask[cell[..., 1], cell[..., 0]]
    return Rendered(degrade(rng, image), clean.keypoints, visible, clean.boxes)


def random_picture(
    seed: int | np.random.SeedSequence,
    size: tuple[int, int] = (384, 384),
    length: float | None = None,
    animals: int | None = None,
) -> Rendered:
    """A random picture of mice with exact truth: the one-call entry to this module.

    Parameters
    ----------
    seed
        Same seed, same picture.
    size
        (height, width).
    length
        Body length in pixels; default random, 18 to 60 % of the shorter side.
    animals
        Number of mice; default mostly one.
    """
    rng = np.random.default_rng(seed)
    if length is None:
        length = min(size) * float(np.exp(rng.uniform(np.log(0.18), np.log(0.6))))
    if animals is None:
        animals = int(rng.choice([1, 2, 3], p=[0.78, 0.17, 0.05]))
    return photograph(rng, sample_scene(rng, size, length, animals))
