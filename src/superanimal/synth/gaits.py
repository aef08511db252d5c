"""Gaits as points over time, without pictures: feet and trunk with exact contacts and lifts.

Phases (share of the stride at which each foot touches down) and duty factors (share it stands) are published
ones: walk, trot and pace after Hildebrand (Science 150:701, 1965; BioScience 39:766, 1989); canter and gallop
after Hildebrand (J. Mammal. 58:131, 1977) and Clayton (Equine Vet. J. 25, 1993); tölt after Nicodemus and
Clayton (Appl. Anim. Behav. Sci. 82:133, 2003); bound after Gambaryan (1974); human walking, with the foot's
three rockers, after Perry and Burnfield (Gait Analysis, 2010).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

FEET = ("left_hind", "right_hind", "left_fore", "right_fore")
SHAPES = ("sine", "cycloid", "retract", "even")
FOOT, ROLLS_TO = 0.05, 60.0
"""A point on the foot lies so far from the toe's tip, in withers heights (a hoof of 8 cm under 1.6 m), and
the foot has turned about the tip by so many degrees when that leaves the ground."""


@dataclass(frozen=True)
class Footfall:
    """Phases of :data:`FEET`, duty factor, period in seconds and stride in withers heights."""

    phases: tuple[float, float, float, float]
    duty: float
    period: float
    stride: float


FOOTFALLS: dict[str, Footfall] = {
    "walk": Footfall((0.0, 0.5, 0.23, 0.73), 0.63, 1.10, 1.1),
    "trot": Footfall((0.0, 0.5, 0.5, 0.0), 0.42, 0.70, 1.6),
    "pace": Footfall((0.0, 0.5, 0.04, 0.54), 0.45, 0.65, 1.6),
    "tolt": Footfall((0.0, 0.5, 0.25, 0.75), 0.42, 0.60, 1.4),
    "canter": Footfall((0.0, 0.28, 0.30, 0.58), 0.37, 0.58, 2.0),
    "gallop": Footfall((0.0, 0.14, 0.42, 0.60), 0.24, 0.45, 3.0),
    "bound": Footfall((0.0, 0.04, 0.45, 0.50), 0.28, 0.40, 2.5),
}


@dataclass(frozen=True)
class GaitTruth:
    """A generated walk.

    Attributes
    ----------
    time
        (T,) seconds.
    position
        (T, 2, K) pixels, x right, y down, NaN where dropped.
    keypoints
        K names: one or two for each foot, then points of the trunk.
    contacts, lifts
        Seconds, by limb; all inside the recording.
    stride, period, duty
        Pixels over ground, seconds, share.
    phases
        Touchdown of each limb as a share of the stride.
    """

    time: np.ndarray
    position: np.ndarray
    keypoints: tuple[str, ...]
    contacts: dict[str, np.ndarray]
    lifts: dict[str, np.ndarray]
    stride: float
    period: float
    duty: float
    phases: dict[str, float] = field(default_factory=dict)


def swing(shape: str, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how far (0..1) and how high (0..1) a foot is at a share 0..1 of its swing.

    ``"sine"`` leaves and lands with zero speed and finite acceleration; ``"cycloid"`` more softly;
    ``"retract"`` swings beyond the landing place and comes back before it lands, as horses do; ``"even"``
    goes at one speed but for its first and last tenth, as small animals that step from place to place.
    """
    if shape == "even":
        speed = np.interp(np.linspace(0, 1, 1001), [0, 0.1, 0.9, 1], [0, 1, 1, 0])
        way = np.cumsum(speed) / speed.sum()
        return np.interp(s, np.linspace(0, 1, 1001), way), np.interp(s, [0, 0.25, 0.75, 1], [0, 1, 1, 0])
    if shape == "sine":
        return (1 - np.cos(np.pi * s)) / 2, np.sin(np.pi * s)
    if shape == "cycloid":
        return s - np.sin(2 * np.pi * s) / (2 * np.pi), np.sin(np.pi * s) ** 1.5
    ahead = s**3 * (10 - 15 * s + 6 * s**2)
    return ahead + 0.9 * s**4 * (1 - s), np.sin(np.pi * s**0.85)


def _turned(share: np.ndarray, duty: float, roll: float) -> np.ndarray:
    """Return how far a foot is turned about its tip at a share 0..1 of the stride, radians.

    It begins to turn when ``roll`` of the stance is left, ever faster, and is level again half-way through
    the swing.
    """
    last, back = roll * duty, 0.5 * (1 - duty)
    s, u = (share - duty) / last + 1, (share - duty) / back
    turning = np.where(s > 0, s**2, 0.0)
    level = (2 * u**3 - 3 * u**2 + 1) + (u**3 - 2 * u**2 + u) * 2 * back / last
    return np.radians(ROLLS_TO) * np.where(u <= 0, turning, np.where(u < 1, level, 0.0))


def generate(
    gait: str = "walk",
    *,
    fps: float = 60.0,
    strides: int = 8,
    height: float = 120.0,
    leftward: bool = False,
    shape: str = "sine",
    camera: str = "fixed",
    noise: float = 0.0,
    dropouts: float = 0.0,
    swaps: float = 0.0,
    period: float | None = None,
    seed: int = 0,
    jitter: float = 0.0,
    limbs: Sequence[str] = FEET,
    roll: float = 0.0,
) -> GaitTruth:
    """Generate one animal that walks past, seen from the side.

    Parameters
    ----------
    gait
        A key of :data:`FOOTFALLS`.
    height
        Withers height in pixels: the scale of everything.
    shape
        See :func:`swing`.
    camera
        ``"fixed"``; ``"follow"`` keeps the animal in place (or a treadmill); ``"pan"`` follows it unsteadily.
    noise
        Standard deviation in pixels.
    dropouts, swaps
        Share of frames in which a foot is missing, or left and right are exchanged (for 1 or 2 frames).
    jitter
        Unsteadiness of the frame rate: standard deviation of a frame's time, frames.
    roll
        Share of the stance in which the foot turns about its tip before that leaves, see :data:`FOOT`.
    """
    rng = np.random.default_rng(seed)
    fall = FOOTFALLS[gait]
    period = period or fall.period
    stride = fall.stride * height
    start = rng.uniform(0, 1) * period
    frames = int(strides * period * fps)
    time = np.arange(frames) / fps
    if jitter:
        time = np.sort(time + rng.normal(0, jitter / fps, frames).clip(-0.4 / fps, 0.4 / fps))
    trunk = stride * time / period
    names, points = [], []
    contacts, lifts, phases = {}, {}, {}
    for limb in limbs:
        phase = fall.phases[FEET.index(limb)]
        cycle = (time - start) / period - phase
        index, share = np.floor(cycle), cycle % 1
        s = np.clip((share - fall.duty) / (1 - fall.duty), 0, 1)
        ahead, up = swing(shape, s)
        place = 0.0 if limb.endswith("hind") else 0.85 * height
        touchdown = stride * ((index + phase) + start / period) + stride * fall.duty / 2 + place
        foot = np.stack([touchdown + stride * ahead, -0.13 * height * up], axis=1)
        if roll:
            angle = np.pi / 4 + _turned(share, fall.duty, roll)
            foot -= FOOT * height * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        names.append(f"{limb}_paw")
        points.append(foot)
        k = np.arange(-2, strides + 2)
        down = start + (k + phase) * period
        contacts[limb] = down[(down > 0) & (down < time[-1])]
        off = down + fall.duty * period
        lifts[limb] = off[(off > 0) & (off < time[-1])]
        phases[limb] = phase
    bounce = 0.02 * height * np.sin(4 * np.pi * time / period)
    for name, dx, dy in (("withers", 0.8, 1.0), ("back", 0.4, 0.95), ("croup", 0.0, 1.0)):
        names.append(name)
        points.append(np.stack([trunk + dx * height, -dy * height + bounce], axis=1))
    position = np.stack(points, axis=2)
    if camera == "follow":
        position[:, 0] -= trunk[:, None]
    elif camera == "pan":
        view = stride / period * (time + 0.12 * np.sin(2 * np.pi * time / (2.7 * period)) * period)
        position[:, 0] -= view[:, None]
        position[:, 1] += (0.05 * height * np.sin(2 * np.pi * time / (3.3 * period)))[:, None]
    if leftward:
        position[:, 0] *= -1
    position = position + 500.0 + rng.normal(0, noise, position.shape)
    feet = len(limbs)
    if swaps:
        for _ in range(int(swaps * frames)):
            pair = [[0, 1], [2, 3]][rng.integers(2)]
            at = int(rng.integers(1, frames - 2))
            rows = slice(at, at + int(rng.integers(1, 3)))
            position[rows, :, pair] = position[rows, :, pair[::-1]].copy()
    if dropouts:
        position[np.broadcast_to(rng.random((frames, 1, feet)) < dropouts, (frames, 2, feet)).nonzero()] = (
            np.nan
        )
    return GaitTruth(time, position, tuple(names), contacts, lifts, stride, period, fall.duty, phases)
