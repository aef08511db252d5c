"""Labels and predictions of mice with a known truth, made without rendering a pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from superanimal.labels import ImageRef, LabelledSet
from superanimal.poses import make_poses
from superanimal.synth import TOPVIEWMOUSE, build_mouse
from superanimal.synth.pose import sample_pose, sample_shape

NAMES = tuple(TOPVIEWMOUSE)
MODEL = {"model": "made-up", "weights": "ab" * 32}


def mouse_points(count: int, seed: int = 0) -> np.ndarray:
    """Return keypoints (count, 27, 2) in pixels of random mice seen from above, anywhere, any way round."""
    rng = np.random.default_rng(seed)
    points = np.empty((count, len(NAMES), 2))
    for own in points:
        body = build_mouse(sample_shape(rng), sample_pose(rng)).keypoints[:, :2] * [1, -1]  # y down
        angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(60, 200)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        own[:] = body @ turn.T * length + rng.uniform(200, 800, 2)
    return points


def body_lengths(points: np.ndarray) -> np.ndarray:
    """Return the distance from nose to tail base (F,) of mice (F, 27, 2)."""
    return np.linalg.norm(points[:, NAMES.index("nose")] - points[:, NAMES.index("tail_base")], axis=-1)


def jitter(points: np.ndarray, share: float, seed: int = 1) -> np.ndarray:
    """Return points moved at random by ``share`` of the body length (standard deviation per axis)."""
    noise = np.random.default_rng(seed).normal(size=points.shape)
    return points + share * body_lengths(points)[:, None, None] * noise


def shifted(points: np.ndarray, keypoints: Sequence[str], forward: float, left: float) -> np.ndarray:
    """Return points with some keypoints moved along the head (neck to nose), in body lengths."""
    heading = points[:, NAMES.index("nose")] - points[:, NAMES.index("neck")]
    heading = heading / np.linalg.norm(heading, axis=-1, keepdims=True) * body_lengths(points)[:, None]
    moved = points.copy()
    for name in keypoints:
        moved[:, NAMES.index(name)] += forward * heading + left * heading[:, ::-1] * [1, -1]
    return moved


def labels_of(
    points: np.ndarray, keypoints: Sequence[str] = NAMES, image: np.ndarray | None = None
) -> LabelledSet:
    """Return labels of animals (M, K, 2); NaN is unlabelled; one animal per image unless told."""
    image = np.arange(len(points)) if image is None else image
    present = np.isfinite(points).all(-1)
    return LabelledSet(
        name="lab",
        keypoints=tuple(keypoints),
        images=[ImageRef(f"lab/img{i:03d}.png") for i in range(int(image.max()) + 1)],
        image_index=image,
        xy=points.astype(np.float32),
        visibility=np.where(present, 2, 0),
    )


def predictions_of(
    points: np.ndarray, keypoints: Sequence[str] = NAMES, confidence: np.ndarray | None = None
) -> xr.Dataset:
    """Return predictions of points (I, K, 2) or (I, N, K, 2), confidence (I, N, K)."""
    points = points[:, None] if points.ndim == 3 else points
    if confidence is None:
        confidence = np.full(points.shape[:3], 0.9)
    return make_poses(
        points.transpose(0, 3, 2, 1),
        np.where(np.isfinite(points).all(-1), confidence, np.nan).transpose(0, 2, 1),
        keypoints=keypoints,
        images=[f"lab/img{i:03d}.png" for i in range(len(points))],
        provenance=MODEL,
    )
