"""Motion of the ground in the image: none, steady (a treadmill belt), or with the camera.

A foot in stance moves with the ground; a swinging foot has many different velocities. The most frequent
velocity of the feet is therefore that of the ground.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.ndimage import gaussian_filter1d

WIDTH = 0.08
"""Velocities this close, as a share of the swing's, count as equal (a choice; checked on generated gaits)."""
BETTER = 1.15
"""A ground that moves must explain this many times more of the velocities than one that stands still or moves
steadily (a choice; generated gaits with fixed, following and panning cameras are told apart)."""

STILL = 0.35
"""A velocity of zero this often, compared with the most frequent one, is that of the ground: feet that swing
at an even speed for most of the stride would else be taken for it. Of generated gaits (benchmarks/gait.py, 30
to 120 frames per second) 0.37 and more with a fixed camera, up to 0.33 with one that pans, 0.22 with one that
follows."""

MOST = 6000
"""Maximum number of velocities used; more do not change the mode."""
SETTLED = 0.1
"""Averaging window for the velocities of feet in stance, in strides."""

Kind = Literal["still", "steady", "moving"]


@dataclass(frozen=True)
class Ground:
    """Motion of the ground: ``kind``, ``velocity`` (G, 2) in px/s and ``path`` (G, 2) in px."""

    kind: Kind
    velocity: np.ndarray
    path: np.ndarray


def find_ground(
    velocities: list[np.ndarray], wholes: list[np.ndarray], step: float, period: float | None
) -> Ground:
    """Estimate the motion of the ground from all feet.

    Parameters
    ----------
    velocities, wholes
        For each point (G, 2) pixels per second and (G,) bool.
    step, period
        Grid interval and stride duration in seconds.
    """
    n = len(wholes[0])
    where = np.concatenate([np.flatnonzero(whole) for whole in wholes])
    v = np.concatenate([velocity[whole] for velocity, whole in zip(velocities, wholes, strict=True)])
    where, v = where[:: (fewer := max(1, len(v) // MOST))], v[::fewer]
    if len(v) < 8:
        return _ground("still", np.zeros((n, 2)), step)
    spread = float(np.percentile(np.linalg.norm(v - np.median(v, axis=0), axis=1), 90))
    width = max(WIDTH * spread, 1e-6)
    some = v[:: max(1, len(v) // 1000)]
    density = _kernel(some[:, None] - some[None], width).sum(axis=1)
    best = _shift(some[int(np.argmax(density))], v, np.ones(len(v)), width)
    steady, still = _kernel(v - best, width).mean(), _kernel(v, width).mean()
    kind: Kind = "steady"
    if still >= STILL * steady:
        kind, best = "still", np.zeros(2)
    constant = np.tile(best, (n, 1))
    best_score, result = BETTER * steady, _ground(kind, constant, step)
    for reach in (0.75, 0.3) if len(wholes) > 2 else (0.75,):
        path = _follow(v, where * step, best, width, reach * (period or 1.0), n * step)
        moving = np.stack([np.interp(np.arange(n) * step, path[0], each) for each in path[1].T], axis=1)
        score = float(_kernel(v - moving[where], width).mean())
        if score > best_score:
            best_score, result = BETTER * score, _ground("moving", moving, step)
    return result


def speed_over(ground: Ground, velocity: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return the ground speed of a point, (G,) in pixels per second; NaN in gaps."""
    return np.where(whole, np.linalg.norm(velocity - ground.velocity, axis=1), np.nan)


def settle(
    ground: Ground,
    velocities: list[np.ndarray],
    stands: list[np.ndarray],
    step: float,
    period: float | None,
) -> Ground:
    """Refine the velocity of a moving ground as the mean over the feet known to be in stance.

    Parameters
    ----------
    velocities, stands
        For each point (G, 2) pixels per second and (G,) bool.
    """
    if ground.kind != "moving":
        return ground
    total, weight = np.zeros_like(ground.velocity), np.zeros(len(ground.velocity))
    for velocity, stand in zip(velocities, stands, strict=True):
        total[stand] += velocity[stand]
        weight += stand
    width = max(1.0, SETTLED * (period or 10 * step) / step)
    near = gaussian_filter1d(weight, width)
    mean = gaussian_filter1d(total, width, axis=0) / np.maximum(near, 1e-9)[:, None]
    return _ground("moving", np.where(near[:, None] > 0.05, mean, ground.velocity), step)


def _follow(
    v: np.ndarray, times: np.ndarray, start: np.ndarray, width: float, reach: float, end: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return knots (N,) in seconds and the mode of the velocities near each (N, 2), middle first."""
    knots = np.arange(0, end + reach / 2, reach / 2)
    moving = np.empty((len(knots), 2))
    middle = len(knots) // 2
    for order in (range(middle, len(knots)), range(middle, -1, -1)):
        last = start
        for k in order:
            near = np.abs(times - knots[k]) < 2.5 * reach
            weight = np.exp(-0.5 * ((times[near] - knots[k]) / reach) ** 2)
            last = _shift(_shift(last, v[near], weight, 3 * width), v[near], weight, width)
            moving[k] = last
    return knots, moving


def _ground(kind: Kind, velocity: np.ndarray, step: float) -> Ground:
    middle = (velocity[1:] + velocity[:-1]) / 2
    path = np.concatenate([np.zeros((1, 2)), np.cumsum(middle, axis=0) * step])
    return Ground(kind, velocity, path)


def _kernel(difference: np.ndarray, width: float) -> np.ndarray:
    return np.exp(-0.5 * (difference**2).sum(axis=-1) / width**2)


def _shift(start: np.ndarray, v: np.ndarray, weight: np.ndarray, width: float) -> np.ndarray:
    """Climb to the nearest mode of weighted velocities (mean shift)."""
    here = start
    for _ in range(15):
        pull = weight * _kernel(v - here, width)
        if pull.sum() < 1e-9:
            return here
        there = (pull[:, None] * v).sum(axis=0) / pull.sum()
        if np.abs(there - here).max() < 1e-3 * width:
            return there
        here = there
    return here
