"""Coats of four-legged animals: plain, with light belly, dark points, patches, spots, stripes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from superanimal.synth.anatomy import COLLAR, FACE, HORN, LEG, MANE
from superanimal.synth.body import EAR, EYE, FUR, NOSE, PAW, TAIL, Body
from superanimal.synth.camera import Camera
from superanimal.synth.raster import Raster, normals
from superanimal.synth.shading import fractal_noise

PATTERNS: tuple[str, ...] = ("plain", "patches", "spots", "stripes", "merle")
_HAIRY = (FUR, FACE, LEG, TAIL, MANE, EAR)


@dataclass(frozen=True)
class Hide:
    """Colours and pattern of one animal.

    Attributes
    ----------
    colours : (12, 3) RGB 0..1 by material
    second, belly, muzzle : (3,) colour of the pattern, of the underside, of the end of the face
    pattern, share, scale : a name of :data:`PATTERNS`, how much it covers, its size in trunk lengths
    belly_amount, saddle : how much the underside takes its colour, how much darker the back is
    fur_noise, gloss, shag : grain, shine, and roughness of the outline in trunk lengths
    seed : of pattern and grain
    """

    colours: np.ndarray
    second: np.ndarray
    belly: np.ndarray
    muzzle: np.ndarray
    pattern: str = "plain"
    share: float = 0.4
    scale: float = 0.3
    belly_amount: float = 0.0
    saddle: float = 0.0
    fur_noise: float = 0.1
    gloss: float = 0.05
    shag: float = 0.0
    seed: int = 0


def _fur_colour(rng: np.random.Generator) -> np.ndarray:
    """Black, dark brown, brown and red, tan and yellow, grey, or white, with variation."""
    bases = [
        ([0.05, 0.045, 0.042], (0.5, 2.2)),
        ([0.17, 0.1, 0.065], (0.5, 1.4)),
        ([0.4, 0.22, 0.11], (0.6, 1.4)),
        ([0.62, 0.47, 0.3], (0.7, 1.25)),
        ([0.42, 0.41, 0.4], (0.4, 1.4)),
        ([0.88, 0.86, 0.81], (0.8, 1.1)),
    ]
    base, scale = bases[int(rng.choice(6, p=[0.14, 0.17, 0.23, 0.19, 0.13, 0.14]))]
    return np.clip(np.array(base) * rng.uniform(*scale) + rng.normal(0, 0.012, 3), 0.012, 1.0)


def sample_hide(rng: np.random.Generator, species: str) -> Hide:
    """Draw a coat; stripes and spots come with any body plan, dark legs and manes mostly with horses."""
    fur = _fur_colour(rng)
    dark, light = fur * rng.uniform(0.15, 0.5), np.clip(fur * 0.4 + 0.55 * rng.uniform(0.8, 1.1), 0, 1)
    skin = np.array([0.5, 0.34, 0.3]) * rng.uniform(0.3, 1.4)
    colours = np.zeros((12, 3))
    colours[[FUR, FACE, EAR, LEG, MANE, TAIL]] = fur
    colours[FACE] = fur * rng.uniform(0.75, 1.15) if rng.random() < 0.75 else (dark, light)[rng.integers(2)]
    colours[EAR] = fur * rng.uniform(0.5, 1.1) * 0.7 + skin * 0.3
    legs = rng.random()
    if legs < 0.3:
        colours[LEG] = dark
    elif legs < 0.48:
        colours[LEG] = light
    elif legs < 0.6:
        colours[LEG] = fur * rng.uniform(0.6, 1.2)
    hair = rng.random()
    colours[[MANE, TAIL]] = dark if hair < 0.45 else light if hair < 0.58 else fur * rng.uniform(0.7, 1.1)
    colours[PAW] = np.full(3, rng.uniform(0.05, 0.35)) if rng.random() < 0.6 else colours[LEG]
    colours[NOSE] = np.full(3, rng.uniform(0.02, 0.12)) if rng.random() < 0.65 else skin
    colours[EYE] = rng.uniform(0.01, 0.06, 3)
    colours[HORN] = np.array([0.62, 0.54, 0.42]) * rng.uniform(0.35, 1.4)
    colours[COLLAR] = rng.uniform(0.02, 0.95, 3)
    pattern = str(rng.choice(PATTERNS, p=[0.58, 0.2, 0.08, 0.09, 0.05]))
    share, scale = rng.uniform(0.2, 0.6), rng.uniform(0.12, 0.45)
    if pattern == "spots":
        share, scale = rng.uniform(0.12, 0.35), rng.uniform(0.035, 0.09)
    elif pattern == "stripes":
        share, scale = rng.uniform(0.3, 0.55), rng.uniform(0.06, 0.14)
    second = np.full(3, rng.uniform(0.75, 0.97)) if rng.random() < 0.6 else _fur_colour(rng)
    return Hide(
        colours=np.clip(colours, 0.01, 1),
        second=second,
        belly=light if rng.random() < 0.8 else dark,
        muzzle=(dark, light, colours[FACE], colours[FACE])[rng.integers(4)],
        pattern=pattern,
        share=share,
        scale=scale,
        belly_amount=rng.uniform(0.2, 1.0) if rng.random() < 0.4 else 0.0,
        saddle=rng.uniform(0.1, 0.7) if rng.random() < 0.3 else 0.0,
        fur_noise=rng.uniform(0.02, 0.3),
        gloss=max(0.0, rng.normal(0.06, 0.1)) if species == "horse" else max(0.0, rng.normal(0.0, 0.05)),
        shag=rng.uniform(0.0, 0.012 if species in ("sheep", "bear", "dog") else 0.004),
        seed=int(rng.integers(2**31)),
    )


def paint_hide(
    rng: np.random.Generator, body: Body, raster: Raster, hide: Hide, camera: Camera, length: float
) -> tuple[np.ndarray, np.ndarray]:
    """Colour of every body pixel without light.

    Parameters
    ----------
    rng
        Source of the pattern.
    body, raster
        The placed body, and its raster or a window of it.
    hide, camera
        The coat and the view.
    length
        Trunk length in pixels.

    Returns
    -------
    colour : (H, W, 3) float32 RGB
    is_fur : (H, W) float32, 1 where it is hairy
    """
    h, w = raster.part.shape
    table = hide.colours[body.material].astype(np.float32)
    face = (body.material == FACE) & (body.along > 1.78)
    table[face] = hide.muzzle
    index = np.maximum(raster.part, 0)
    colour = table[index]
    is_fur = (np.isin(body.material, _HAIRY)[index] & raster.mask).astype(np.float32)
    patterned = np.isin(body.material, (FUR, FACE, LEG))[index] & raster.mask
    if hide.pattern != "plain":
        amount = _pattern(rng, (h, w), hide, body, camera, length) * patterned
        colour = colour + amount[..., None] * (hide.second.astype(np.float32) - colour)
    if hide.belly_amount > 0 or hide.saddle > 0:
        facing = normals(raster, max(0.6, 0.03 * length))[..., 1]
        under = np.clip((facing - 0.1) / 0.5, 0, 1) * patterned * np.float32(hide.belly_amount)
        colour = colour + under[..., None] * (hide.belly.astype(np.float32) - colour)
        over = np.clip((-facing - 0.2) / 0.5, 0, 1) * patterned * np.float32(hide.saddle)
        colour = colour * (1 - 0.8 * over[..., None])
    return colour, is_fur


def _pattern(
    rng: np.random.Generator,
    size: tuple[int, int],
    hide: Hide,
    body: Body,
    camera: Camera,
    length: float,
) -> np.ndarray:
    h, w = size
    cell = max(3, int(hide.scale * length))
    if hide.pattern == "stripes":
        trunk = body.centers[(body.along >= 0) & (body.along <= 1) & (body.material == FUR)]
        ends = camera.project(trunk[[0, len(trunk) // 3]])[0]
        axis = (ends[1] - ends[0]) / max(float(np.linalg.norm(ends[1] - ends[0])), 1e-6)
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        phase = (x * axis[0] + y * axis[1]) / cell + 0.7 * fractal_noise(rng, h, w, (4 * cell,))
        field = np.cos(np.pi * phase).astype(np.float32)
    elif hide.pattern == "merle":
        field = fractal_noise(rng, h, w, (cell, max(2, cell // 3)))
    else:
        field = fractal_noise(rng, h, w, (cell,))
    edge = np.quantile(field[::4, ::4], 1 - hide.share)
    soft = 0.6 if hide.pattern == "merle" else 0.12
    return np.clip((field - edge) / np.float32(soft) + 0.5, 0, 1)


def ruffle(rng: np.random.Generator, layer: np.ndarray, amount: float) -> np.ndarray:
    """Displace the outline of a layer (H, W, C) by noise of ``amount`` pixels, as long hair does."""
    h, w = layer.shape[:2]
    if amount < 0.25:
        return layer
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    dx, dy = (np.float32(amount) * fractal_noise(rng, h, w, (2, 3)) for _ in range(2))
    return cv2.remap(layer, x + dx, y + dy, cv2.INTER_LINEAR)
