"""Poses of animals that walk, stand and shake, with the truth for each frame."""

import numpy as np
import xarray as xr

from superanimal.poses import make_poses

KEYPOINTS = ["nose", "neck", "mouse_center", "tail_base"]
_SHAPE = np.array([30.0, 12.0, 0.0, -28.0])
CLASSES = ["shaking", "standing", "walking"]


def acting(
    seed: int, frames: int = 900, fps: float = 20, *, space: int = 2, size: float = 1.0
) -> tuple[xr.Dataset, np.ndarray]:
    """Return poses of one animal and the planted behaviour of each frame."""
    random = np.random.default_rng(seed)
    labels: list[str] = []
    while len(labels) < frames:
        labels += [CLASSES[random.integers(3)]] * int(random.integers(1.5 * fps, 4 * fps))
    planted = np.array(labels[:frames])
    walks = planted == "walking"
    heading = np.cumsum(np.where(walks, random.normal(0, 0.04, frames), 0))
    place = np.cumsum(np.where(walks, 80 / fps, 0) * np.exp(1j * heading))
    shake = np.where(planted == "shaking", 5 * np.sin(2 * np.pi * 3.3 * np.arange(frames) / fps), 0)
    own = _SHAPE + 1j * shake[:, None] * np.array([1, 0.3, 0, 0])
    points = place[:, None] + np.exp(1j * heading)[:, None] * own
    axes = (
        [points.real, -points.imag] if space == 2 else [points.real, points.imag, np.full(points.shape, 9.0)]
    )
    position = np.stack(axes, axis=1)[..., None] + random.normal(0, 0.3, (frames, space, 4, 1))
    return make_poses(
        size * position, keypoints=KEYPOINTS, fps=fps, space_unit="pixels" if space == 2 else "mm"
    ), planted


def pair(seed: int, frames: int = 900, fps: float = 20) -> tuple[xr.Dataset, np.ndarray]:
    """Return poses of two animals, and where the first one chases the second one (frames,) bool."""
    random = np.random.default_rng(seed)
    second, _ = acting(seed, frames, fps)
    path = second["position"].values[..., 0].astype(float)
    chases = np.zeros(frames, bool)
    at = 0
    while at < frames:
        long = int(random.integers(2 * fps, 4 * fps))
        chases[at : at + long] = random.random() < 0.5
        at += long
    near = np.convolve(chases, np.ones(9) / 9, "same")[:, None, None]
    away = np.array([300.0, 200.0])[None, :, None] + random.normal(0, 0.3, path.shape)
    behind = np.roll(path, 6, axis=0) - np.array([70.0, 0.0])[None, :, None]
    first = near * behind + (1 - near) * (path[:1] + away)
    position = np.stack([first, path], axis=3)
    return make_poses(position, keypoints=KEYPOINTS, individuals=["a", "b"], fps=fps), chases
