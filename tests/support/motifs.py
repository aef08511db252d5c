"""An animal that does one of five things at a time, each with a posture and a motion of its own."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter1d

from superanimal.poses import make_poses

NAMES = ["nose", "left_ear", "right_ear", "mid", "left_hip", "right_hip", "tail_base"]
BODY = np.array([[40, 0], [28, -8], [28, 8], [0, 0], [-18, -9], [-18, 9], [-35, 0.0]])


def planted_motifs(
    seed: int, frames: int = 6000, fps: float = 30, noise: float = 0.4
) -> tuple[xr.Dataset, np.ndarray]:
    """Return poses and the motif of each frame: rest, walk, turn, groom or rear, for 0.5 to 2 s each."""
    rng = np.random.default_rng(seed)
    states, at, before = np.zeros(frames, dtype=int), 0, -1
    while at < frames:
        state = int(rng.integers(5))
        if state != before:
            length = int(rng.uniform(0.5, 2) * fps)
            states[at : at + length] = state
            at, before = at + length, state
    speed = np.array([0, 4.0, 2.0, 0, 0.5])[states]
    heading = np.cumsum(np.array([0, 0, 0.12, 0, 0])[states] + rng.normal(0, 0.01, frames))
    ahead = np.stack([np.cos(heading), np.sin(heading)], axis=1)
    middle = np.cumsum(speed[:, None] * ahead, axis=0)
    shape = np.repeat(BODY[None], frames, axis=0)
    groom = states == 3
    shape[groom, :3, 1] += 6 * np.sin(2 * np.pi * 5 * np.arange(frames)[groom] / fps)[:, None]
    shape[groom, :3, 0] -= 8
    shape[states == 4, :, 0] *= 0.6
    shape = gaussian_filter1d(shape, 1.5, axis=0)
    left = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
    points = shape[..., :1] * ahead[:, None] + shape[..., 1:] * left[:, None] + middle[:, None]
    points += rng.normal(0, noise, points.shape)
    return make_poses(points.transpose(0, 2, 1)[..., None], keypoints=NAMES, fps=fps), states
