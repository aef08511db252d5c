"""The mouse of the renderer walks about a square arena and rears, at its walls or away from them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter1d

from superanimal.behavior import Regions
from superanimal.poses import load_space, make_poses
from superanimal.synth.body import MouseShape, build_mouse
from superanimal.synth.camera import Camera, place
from superanimal.synth.motion import STRIDE, Walk, walk_states

CLASSES = ["standing", "supported", "unsupported", "walking"]
SEVEN = ["nose", "left_ear", "right_ear", "mouse_center", "left_hip", "right_hip", "tail_base"]
SIDE, LENGTH, FPS = 600.0, 78.0, 25.0
"""Pixels along a wall (from 100 to 700 both ways) and of the body, and frames per second."""


def rearing(seed: int, goals: int = 40) -> tuple[xr.Dataset, np.ndarray, Regions]:
    """Return 27 keypoints seen from above, the class of each frame, and the arena.

    The mouse goes to one place after the other, at a wall or not, and in every other place it rears.
    """
    rng = np.random.default_rng(seed)
    at, heading = np.array([400.0, 400.0]), 0.0
    track, headings, planted = list[np.ndarray](), list[float](), list[int]()
    for number in range(goals):
        outwards = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])[rng.integers(4)]
        wall = bool(rng.integers(2))
        reach = 0.5 * (SIDE - LENGTH) if wall else rng.uniform(30, 150)
        goal = 400 + reach * outwards + rng.uniform(-120, 120) * outwards[::-1]
        way = goal - at
        steps = max(int(np.hypot(*way) / (rng.uniform(1, 2) * LENGTH / FPS)), 1)
        if np.hypot(*way) > 20:
            heading += _turn(float(np.arctan2(-way[1], way[0])) - heading)
        track += [at + way * k / steps for k in range(steps)]
        headings += [heading] * steps
        planted += [CLASSES.index("walking")] * steps
        if wall:
            heading += _turn(float(np.arctan2(-outwards[1], outwards[0])) - heading)
        stay = int(rng.uniform(0.8, 2.0) * FPS)
        kind = "standing" if number % 2 else "supported" if wall else "unsupported"
        track += [goal] * stay
        headings += [heading] * stay
        planted += [CLASSES.index(kind)] * stay
        at = goal
    kinds = np.array(planted)
    path = gaussian_filter1d(np.array(track), 3, axis=0)
    rear = gaussian_filter1d(np.isin(kinds, [1, 2]).astype(float), 3)
    speed = np.hypot(*np.gradient(path, axis=0).T) * FPS / LENGTH
    walk = Walk(
        path[:, 0], path[:, 1], gaussian_filter1d(headings, 4), speed, np.cumsum(speed) / FPS / STRIDE, rear
    )
    camera, shape = Camera(center=(400.0, 400.0), distance=1500.0), MouseShape()
    points = [
        camera.project(place(build_mouse(shape, pose), placement, camera).keypoints)[0]
        for placement, pose in walk_states(rng, walk, FPS, LENGTH)
    ]
    position = np.stack(points).transpose(0, 2, 1)[..., None]
    position = position + rng.normal(0, 0.7, position.shape)
    corners = 400 + 0.5 * SIDE * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    names = load_space("topviewmouse").keypoints
    return make_poses(position, keypoints=names, fps=FPS), np.array(CLASSES)[kinds], Regions({}, corners)


def _turn(angle: float) -> float:
    return float((angle + np.pi) % (2 * np.pi) - np.pi)
