"""Coats, light and shadow: from a raster to a coloured layer, and from a body to its shadow."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from superanimal.synth.body import EAR, EYE, FUR, IMPLANT, NOSE, PAW, TAIL, Body
from superanimal.synth.camera import Camera
from superanimal.synth.raster import Raster, normals


@dataclass(frozen=True)
class Light:
    """A distant light: azimuth (radians, screen, y up), elevation over the floor, strength 0..1."""

    azimuth: float
    elevation: float
    strength: float

    @property
    def direction(self) -> np.ndarray:
        """Unit vector towards the light, floor axes (x right, y up the screen, z up)."""
        ce = np.cos(self.elevation)
        return np.array([ce * np.cos(self.azimuth), ce * np.sin(self.azimuth), np.sin(self.elevation)])


@dataclass(frozen=True)
class Coat:
    """Colours of one animal: ``colours`` (7, 3) RGB 0..1 by material, ``second`` fur colour of patches.

    ``hood`` is the position along the trunk behind which the second colour begins (patched and
    hooded coats; > 1.5: none), ``patches`` the share of fur covered by random second-colour patches.
    """

    colours: np.ndarray
    second: np.ndarray
    hood: float = 2.0
    patches: float = 0.0
    fur_noise: float = 0.15
    gloss: float = 0.1
    seed: int = 0


def sample_coat(rng: np.random.Generator) -> Coat:
    """Draw a coat: black (the most common in laboratories), agouti, grey, white, or patched."""
    colours = np.zeros((7, 3))
    skin = np.array([0.72, 0.52, 0.47]) * rng.uniform(0.6, 1.3) + rng.normal(0, 0.03, 3)
    kind = rng.choice(5, p=[0.46, 0.17, 0.09, 0.18, 0.10])
    if kind == 0:
        fur = np.full(3, rng.uniform(0.015, 0.13)) * np.array([1.06, 1.0, 0.93])
    elif kind == 1:
        fur = np.array([0.42, 0.31, 0.21]) * rng.uniform(0.5, 1.35)
    elif kind == 2:
        fur = np.full(3, rng.uniform(0.18, 0.5))
    elif kind == 3:
        fur = np.array([0.92, 0.89, 0.84]) * rng.uniform(0.75, 1.1)
    else:
        fur = np.full(3, rng.uniform(0.02, 0.3)) * np.array([1.1, 1.0, 0.9])
    fur = fur + rng.normal(0, 0.012, 3)
    mix = rng.uniform(0.05, 0.85) if kind < 3 else rng.uniform(0.4, 1.0)
    colours[FUR] = fur
    colours[EAR] = skin * mix * rng.uniform(0.6, 1.1) + fur * (1 - mix)
    paw_mix = rng.uniform(0.3, 1.0)
    colours[PAW] = skin * paw_mix + fur * (1 - paw_mix)
    tail_mix = rng.uniform(0.1, 1.0)
    colours[TAIL] = skin * tail_mix * rng.uniform(0.5, 1.15) + fur * (1 - tail_mix) * rng.uniform(0.8, 1.6)
    nose_mix = rng.uniform(0, 0.7)
    colours[NOSE] = skin * nose_mix + fur * (1 - nose_mix)
    colours[EYE] = (0.02, 0.02, 0.02) if kind != 3 or rng.random() < 0.3 else (0.55, 0.12, 0.14)
    colours[IMPLANT] = rng.uniform(0.1, 0.95, 3) if rng.random() < 0.4 else np.full(3, rng.uniform(0.1, 0.95))
    second = np.full(3, rng.uniform(0.75, 0.95)) * np.array([1.0, 0.97, 0.93])
    return Coat(
        colours=np.clip(colours, 0.01, 1),
        second=second,
        hood=rng.uniform(0.3, 0.8) if kind == 4 and rng.random() < 0.4 else 2.0,
        patches=rng.uniform(0.15, 0.6) if kind == 4 else 0.0,
        fur_noise=rng.uniform(0.02, 0.22),
        gloss=max(0.0, rng.normal(0.04, 0.08)),
        seed=int(rng.integers(2**31)),
    )


def fractal_noise(rng: np.random.Generator, h: int, w: int, cells: tuple[int, ...]) -> np.ndarray:
    """Smooth noise (h, w), mean 0 and about unit variance, summed over lattice sizes ``cells`` (pixels)."""
    out = np.zeros((h, w), np.float32)
    for cell in cells:
        grid = rng.standard_normal((max(2, h // cell + 2), max(2, w // cell + 2)), dtype=np.float32)
        out += cv2.resize(grid, (w, h), interpolation=cv2.INTER_CUBIC if cell > 1 else cv2.INTER_LINEAR)
    return out / np.float32(np.sqrt(len(cells)) * 0.8)


def shade(
    body: Body,
    raster: Raster,
    coat: Coat,
    lights: tuple[Light, ...],
    camera: Camera,
    ambient: float,
    length: float,
) -> np.ndarray:
    """Colour of every body pixel, (H, W, 3) float32 linear-ish RGB; zero elsewhere.

    Parameters
    ----------
    body, raster
        The placed body and its raster.
    coat, lights, ambient
        Appearance and light (ambient 0..1 is the light from everywhere).
    camera
        The view (lights are turned into it).
    length
        Body length in pixels: sets the scale of fur and smoothing.
    """
    h, w = raster.part.shape
    rng = np.random.default_rng(coat.seed)
    table = coat.colours[body.material].astype(np.float32)
    fur = body.material == FUR
    table[fur & (body.along < coat.hood) & (coat.hood < 1.5)] = coat.second
    belly = 1 - 0.25 * np.clip((0.03 * length - body.centers[:, 2]) / (0.03 * length), 0, 1)
    table *= belly[:, None].astype(np.float32)
    index = np.maximum(raster.part, 0)
    colour = table[index]
    is_fur = (fur[index] & raster.mask).astype(np.float32)
    if coat.patches > 0:
        cell = max(4, int(length * 0.22))
        patch = fractal_noise(rng, h, w, (cell,))
        amount = cv2.GaussianBlur(
            (patch > np.quantile(patch, 1 - coat.patches)).astype(np.float32), (0, 0), 0.8
        )
        amount = (amount * is_fur)[..., None]
        colour = colour * (1 - amount) + coat.second.astype(np.float32) * amount
    return illuminate(
        rng, colour, is_fur, raster, coat.fur_noise, coat.gloss, lights, camera, ambient, length
    )


def illuminate(
    rng: np.random.Generator,
    colour: np.ndarray,
    is_fur: np.ndarray,
    raster: Raster,
    fur_noise: float,
    gloss: float,
    lights: tuple[Light, ...],
    camera: Camera,
    ambient: float,
    length: float,
) -> np.ndarray:
    """Light a painted body: ambient and lamps, shine, and the grain of fur.

    Parameters
    ----------
    rng
        Source of the grain.
    colour, is_fur
        (H, W, 3) float32 RGB of the surface, and (H, W) float32 1 where it is hairy.
    raster, lights, camera, ambient, length
        As for :func:`shade`.
    fur_noise, gloss
        Strength of grain and shine.
    """
    h, w = raster.part.shape
    normal = normals(raster, max(0.6, length * 0.012))
    light = (
        np.full((h, w), np.float32(ambient) * 0.75, np.float32) + np.float32(ambient * 0.25) * normal[..., 2]
    )
    axes = np.diag([1.0, -1.0, 1.0]) @ camera.rotation
    shine = np.zeros((h, w), np.float32)
    for lamp in lights:
        d = (axes @ lamp.direction).astype(np.float32)
        lambert = np.maximum(normal @ d, 0)
        light += np.float32(lamp.strength) * lambert
        if gloss > 0:
            half = d + np.array([0, 0, 1], np.float32)
            half /= np.linalg.norm(half)
            shine += np.float32(lamp.strength * gloss) * np.maximum(normal @ half, 0) ** 12
    fine = fractal_noise(
        rng, h, w, (max(1, int(length * 0.012)), max(2, int(length * 0.025)), max(4, int(length * 0.07)))
    )
    light *= 1 + np.float32(fur_noise) * 0.5 * fine * (0.25 + 0.75 * is_fur)
    out = colour * light[..., None] + shine[..., None]
    return cv2.GaussianBlur(np.where(raster.mask[..., None], out, 0), (0, 0), 0.5)


def cast_shadow(body: Body, light: Light, camera: Camera, size: tuple[int, int]) -> np.ndarray:
    """Hard shadow of a body on the floor, (H, W) float32 0..1."""
    h, w = size
    shift = -light.direction[:2] / max(light.direction[2], 0.15)
    feet = np.concatenate(
        [body.centers[:, :2] + body.centers[:, 2:] * shift, np.zeros((len(body.centers), 1))], 1
    )
    image, _, scale = camera.project(feet)
    flip = np.array([[1.0, 0], [0, -1.0]])
    shear = flip @ camera.rotation[:2, :2] @ np.concatenate([np.eye(2), shift[:, None]], 1)
    cov = shear @ body.covariance @ shear.T * (scale**2)[:, None, None]
    values, vectors = np.linalg.eigh(cov)
    radii = np.sqrt(np.maximum(values, 0.25))
    angles = np.degrees(np.arctan2(vectors[:, 1, 1], vectors[:, 0, 1]))
    canvas = np.zeros((h, w), np.uint8)
    keep = (np.abs(image - np.array([w / 2, h / 2])) < np.array([w, h])).all(1)
    for (x, y), (minor, major), angle in zip(image[keep], radii[keep], angles[keep], strict=True):
        cv2.ellipse(
            canvas,
            (round(x * 16), round(y * 16)),
            (round(major * 16), round(minor * 16)),
            angle,
            0,
            360,
            255,
            -1,
            cv2.LINE_8,
            4,
        )
    return canvas.astype(np.float32) / 255
