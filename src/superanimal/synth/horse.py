"""A walking horse seen from its right side, with 39 quadruped keypoints and exact hoof contacts.

Metres; x forward, y to the horse's left, z up, floor at 0. The camera stands still, so a hoof on the
ground is still in the picture too. The walk is the four-beat lateral sequence (left hind, left
fore, right hind, right fore) with a duty factor of 0.62 (Hildebrand's walk).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from superanimal.synth.anatomy import QUADRUPED
from superanimal.synth.body import EAR, EYE, FUR, NOSE, PAW, TAIL, Body
from superanimal.synth.camera import Camera
from superanimal.synth.quadruped_legs import bend_joint
from superanimal.synth.raster import rasterise
from superanimal.synth.shading import Coat, Light, fractal_noise, shade

FEET: tuple[str, ...] = ("back_left", "front_left", "back_right", "front_right")
"""The four feet in the order in which they touch down."""


@dataclass(frozen=True)
class Gait:
    """A steady walk: ``speed`` m/s, ``period`` s per stride, ``duty`` share of it on the ground.

    ``start`` is the forward position of the withers at time 0, in metres.
    """

    speed: float = 1.45
    period: float = 1.1
    duty: float = 0.62
    start: float = 0.0

    def withers(self, t: float) -> float:
        """Forward position of the withers at time t."""
        return self.start + self.speed * t

    def foot(self, foot: str, t: float) -> tuple[float, float, float]:
        """Ground position x, lift z (metres) and phase 0..1 of a hoof at time t; phase 0 is its touchdown."""
        phase = (t / self.period - 0.25 * FEET.index(foot)) % 1.0
        pivot = 0.02 if foot.startswith("front") else -1.06
        touchdown = t - phase * self.period
        reach = self.speed * self.duty * self.period / 2
        here = self.withers(touchdown) + pivot + reach
        if phase < self.duty:
            return here, 0.0, phase
        s = (phase - self.duty) / (1 - self.duty)
        stride = self.speed * self.period
        return (
            here + stride * (s - np.sin(2 * np.pi * s) / (2 * np.pi)),
            0.16 * float(np.sin(np.pi * s) ** 1.5),
            phase,
        )

    def contacts(self, duration: float) -> list[tuple[str, float, float]]:
        """(foot, touchdown s, liftoff s) of every stance that overlaps 0..duration, by time."""
        found = []
        for k, foot in enumerate(FEET):
            for n in range(-2, int(duration / self.period) + 2):
                down = (n + 0.25 * k) * self.period
                up = down + self.duty * self.period
                if up > 0 and down < duration:
                    found.append((foot, down, up))
        return sorted(found, key=lambda item: item[1])


class _Parts:
    def __init__(self) -> None:
        self.rows: list[tuple[np.ndarray, np.ndarray, int]] = []

    def chain(self, points: list, radii: list, material: int, steps: int = 10, flat: float = 1.0) -> None:
        """Spheres (squeezed in y by ``flat``) along a polyline with radii at its vertices."""
        p, r = np.asarray(points, float), np.asarray(radii, float)
        u = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1))])
        t = np.linspace(0, u[-1], steps * (len(p) - 1) + 1)
        for at in t:
            c = np.array([np.interp(at, u, p[:, j]) for j in range(3)])
            rad = float(np.interp(at, u, r))
            self.rows.append((c, np.diag(np.array([rad, rad * flat, rad]) ** 2), material))

    def body(self, keypoints: np.ndarray) -> Body:
        centers, covariance, material = zip(*self.rows, strict=True)
        n = len(centers)
        return Body(np.stack(centers), np.stack(covariance), np.array(material), np.ones(n), keypoints)


def build_horse(gait: Gait, t: float) -> Body:
    """The horse at time t, standing at its place in the world (metres)."""
    x = gait.withers(t)
    beat = 2 * np.pi * t / gait.period
    bob = 0.012 * np.sin(2 * beat)
    nod = 0.05 * np.sin(2 * beat + 0.8)
    at = lambda dx, z, y=0.0: np.array([x + dx, y, z + bob])  # noqa: E731
    parts = _Parts()
    k: dict[str, np.ndarray] = {}

    parts.chain(
        [at(0.16, 1.12), at(-0.1, 1.16), at(-0.5, 1.15), at(-0.85, 1.2), at(-1.12, 1.2), at(-1.24, 1.12)],
        [0.24, 0.34, 0.345, 0.33, 0.3, 0.2],
        FUR,
        7,
        0.78,
    )
    parts.chain([at(0.02, 1.38), at(-0.2, 1.36)], [0.15, 0.12], FUR, 5, 0.6)
    neck, poll = at(0.16, 1.28), at(0.78, 1.82 + nod)
    parts.chain([neck, (neck + poll) / 2 + [0.02, 0, 0.02], poll], [0.25, 0.165, 0.12], FUR, 8, 0.55)
    crest = [at(0.08, 1.5), (neck + poll) / 2 + np.array([-0.07, 0, 0.16]), poll + np.array([0.0, 0, 0.1])]
    parts.chain(crest, [0.04, 0.055, 0.045], TAIL, 8, 0.8)
    muzzle = poll + np.array([0.38, 0.0, -0.42])
    parts.chain(
        [poll + [0.02, 0, -0.02], poll + [0.14, 0, -0.15], muzzle], [0.125, 0.125, 0.072], FUR, 8, 0.6
    )
    parts.chain([muzzle, muzzle + [0.035, 0, -0.045]], [0.072, 0.06], NOSE, 4, 0.7)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        k[f"{side}_eye"] = poll + np.array([0.135, 0.075 * sign, -0.06])
        parts.chain([k[f"{side}_eye"], k[f"{side}_eye"] + [0.004, 0, 0]], [0.02, 0.02], EYE, 1)
        k[f"{side}_earbase"] = poll + np.array([0.0, 0.06 * sign, 0.1])
        k[f"{side}_earend"] = poll + np.array([0.03, 0.075 * sign, 0.25])
        parts.chain([k[f"{side}_earbase"], k[f"{side}_earend"]], [0.04, 0.012], EAR, 5, 0.6)
        k[f"mouth_end_{side}"] = muzzle + np.array([-0.02, 0.045 * sign, -0.06])
        k[f"body_middle_{side}"] = at(-0.52, 1.15, 0.27 * sign)
    k["nose"] = muzzle + np.array([0.075, 0.0, 0.0])
    k["upper_jaw"] = muzzle + np.array([0.065, 0.0, -0.06])
    k["lower_jaw"] = muzzle + np.array([0.015, 0.0, -0.105])
    k["neck_base"], k["neck_end"] = poll + np.array([-0.07, 0.0, 0.1]), at(0.06, 1.52)
    k["throat_base"], k["throat_end"] = poll + np.array([0.03, 0.0, -0.17]), at(0.37, 1.2)
    k["back_base"], k["back_middle"], k["back_end"] = at(-0.06, 1.52), at(-0.5, 1.49), at(-1.0, 1.5)
    k["belly_bottom"] = at(-0.5, 0.81)
    k["tail_base"] = at(-1.33, 1.33)
    sway = 0.06 * np.sin(beat + 0.5)
    k["tail_end"] = at(-1.52 + sway, 0.62)
    parts.chain(
        [k["tail_base"], at(-1.46, 1.12), at(-1.5 + 0.6 * sway, 0.85), k["tail_end"]],
        [0.05, 0.07, 0.085, 0.02],
        TAIL,
        7,
        0.7,
    )

    for foot in FEET:
        sign = 1.0 if foot.endswith("left") else -1.0
        gx, lift, phase = gait.foot(foot, t)
        swing = 0.0 if phase < gait.duty else float(np.sin(np.pi * (phase - gait.duty) / (1 - gait.duty)))
        y = 0.13 * sign
        hoof = np.array([gx, y, 0.035 + lift])
        fetlock = hoof + np.array([-0.075 - 0.06 * swing, 0.0, 0.12 - 0.02 * swing])
        if foot.startswith("front"):
            shoulder = at(0.12, 1.12, y)
            elbow = at(-0.02 + 0.05 * (gx - x), 0.86, y)
            joint = bend_joint(elbow, fetlock, 0.4, 0.36, forward=True)
            parts.chain([shoulder, elbow, (elbow + joint) / 2], [0.17, 0.115, 0.085], FUR, 6, 0.6)
            parts.chain([(elbow + joint) / 2, joint], [0.085, 0.058], FUR, 6, 0.8)
            k[f"{foot}_thai"] = elbow
        else:
            hip = at(-1.02, 1.15, y)
            stifle = at(-0.86 + 0.14 * (gx - x + 1.06), 0.86 + 0.03 * swing, y)
            joint = bend_joint(stifle, fetlock, 0.43, 0.42, forward=False)
            parts.chain([hip, stifle, (stifle + joint) / 2], [0.25, 0.17, 0.1], FUR, 6, 0.55)
            parts.chain([(stifle + joint) / 2, joint], [0.1, 0.062], FUR, 6, 0.8)
            k[f"{foot}_thai"] = stifle
        parts.chain([joint, fetlock], [0.055, 0.045], TAIL, 8, 0.9)
        parts.chain([fetlock, hoof + [0.0, 0, 0.03]], [0.045, 0.045], TAIL, 5, 0.9)
        parts.chain([hoof + [-0.02, 0, 0], hoof + [0.035, 0, -0.005]], [0.05, 0.045], PAW, 3, 0.9)
        k[f"{foot}_knee"] = joint
        k[f"{foot}_paw"] = hoof
    absent = np.full(3, np.nan)
    return parts.body(np.stack([k.get(name, absent) for name in QUADRUPED]))


def side_camera(pixels_per_metre: float, ground: float) -> Camera:
    """A camera level with the horse, looking at its right side; ``ground`` is the image row of the floor."""
    return Camera(center=(0.0, ground), tilt=np.pi / 2, azimuth=0.0, distance=60 * pixels_per_metre)


def field(rng: np.random.Generator, size: tuple[int, int], ground: float) -> np.ndarray:
    """A paddock: sky, hedge, fence and sand, (H, W, 3) float32 RGB."""
    h, w = size
    image = np.empty((h, w, 3), np.float32)
    rows = np.arange(h)[:, None, None] / h
    image[:] = np.array([0.72, 0.8, 0.9]) * (1.05 - 0.25 * rows)
    leaf = fractal_noise(rng, h, w, (3, 9, 30))[..., None]
    top = (0.36 * h + 8 * fractal_noise(rng, 1, w, (40,))[0]).astype(int)
    hedge = np.clip(np.array([0.27, 0.38, 0.2]) * (1 + 0.22 * leaf), 0, 1)
    below = np.arange(h)[:, None] > top[None]
    image = np.where(below[..., None], hedge, image)
    sand = int(ground - 0.16 * h)
    grain = fractal_noise(rng, h, w, (1, 5, 40))[..., None]
    image[sand:] = (np.array([0.74, 0.66, 0.52]) * (1 + 0.05 * grain))[sand:]
    for x in range(30, w, 120):
        image[int(0.42 * h) : sand + 4, x : x + 5] = np.array([0.86, 0.85, 0.82])
    for y in (0.47, 0.56):
        image[int(y * h) : int(y * h) + 4] = np.array([0.9, 0.89, 0.86])
    return np.clip(image, 0, 1).astype(np.float32)


BAY = Coat(
    colours=np.array(
        [
            [0.42, 0.22, 0.11],
            [0.3, 0.16, 0.09],
            [0.12, 0.1, 0.09],
            [0.07, 0.055, 0.05],
            [0.2, 0.13, 0.1],
            [0.03, 0.02, 0.02],
            [0.5, 0.5, 0.5],
        ]
    ),
    second=np.ones(3),
    fur_noise=0.05,
    gloss=0.12,
)
"""A bay horse: brown with black mane, tail and lower legs."""

SUN = (Light(azimuth=-1.9, elevation=0.75, strength=0.75),)


def draw_horse(
    background: np.ndarray, gait: Gait, t: float, camera: Camera, pixels_per_metre: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the horse at time t.

    Returns
    -------
    image : (H, W, 3) float32 RGB
    keypoints : (39, 2) image pixels, NaN for the antlers
    """
    body = build_horse(gait, t)
    scale = pixels_per_metre
    body = Body(
        body.centers * scale, body.covariance * scale**2, body.material, body.along, body.keypoints * scale
    )
    image = background.copy()
    h, w = image.shape[:2]
    ground = camera.center[1]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    middle = (gait.withers(t) - 0.5) * scale
    shadow = np.exp(-(((x - middle) / (0.85 * scale)) ** 4) - ((y - ground - 3) / (0.085 * scale)) ** 2)
    image *= (1 - 0.45 * shadow)[..., None]
    raster = rasterise(body, camera, (h, w))
    colour = shade(body, raster, BAY, SUN, camera, 0.55, 0.9 * scale)
    mask = raster.mask[..., None]
    image = np.where(mask, colour, image)
    return image, camera.project(body.keypoints)[0].astype(np.float32)
