"""Colours of points and skeletons: by keypoint, by individual or by confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from superanimal.poses import KeypointSpace, space_for

if TYPE_CHECKING:
    from napari_superanimal.pose_layer.table import PoseTable

POINT_COLORINGS = ("keypoint", "individual", "confidence")

# Wong's palette without black: distinguishable with the common colour-vision deficiencies.
_INDIVIDUALS = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2", "#ffffff")
# Control colours of the confidence scale, low to high; linear in between (dark violet to yellow).
_CONFIDENCE = ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")


def point_colors(table: PoseTable, color_by: str, times: slice = slice(None)) -> np.ndarray:
    """Return RGBA colours of the points at the given times, shape (n, 4), float32."""
    confidence = table.confidence[times]
    n_time, n_individuals, n_keypoints = confidence.shape
    if color_by == "confidence":
        return confidence_colors(confidence.ravel())
    if color_by == "individual":
        frame = np.repeat(individual_colors(n_individuals), n_keypoints, axis=0)
    else:
        frame = np.tile(keypoint_colors(table.keypoints), (n_individuals, 1))
    return np.tile(frame, (n_time, 1))


def keypoint_colors(keypoints: list[str]) -> np.ndarray:
    """Return one RGBA colour per keypoint, shape (K, 4): those of its space, else evenly spaced hues."""
    space = space_for(keypoints)
    if space is not None:
        return np.array([rgba_of(space.colors[space.index(name)]) for name in keypoints], dtype=np.float32)
    import colorsys

    n = max(1, len(keypoints))
    return np.array([(*colorsys.hsv_to_rgb(k / n, 0.75, 1.0), 1.0) for k in range(n)], dtype=np.float32)


def individual_colors(n: int) -> np.ndarray:
    """Return one RGBA colour per individual, shape (n, 4); they repeat after eight."""
    return np.array([rgba_of(_INDIVIDUALS[i % len(_INDIVIDUALS)]) for i in range(n)], dtype=np.float32)


def confidence_colors(confidence: np.ndarray) -> np.ndarray:
    """Return RGBA colours of confidences 0..1, shape (n, 4); grey where unknown."""
    stops = np.array([rgba_of(color) for color in _CONFIDENCE])
    at = np.linspace(0, 1, len(stops))
    fine = np.linspace(0, 1, 256)
    scale = np.stack([np.interp(fine, at, stops[:, c]) for c in range(4)], axis=1).astype(np.float32)
    scale = np.concatenate([scale, [[0.6, 0.6, 0.6, 1.0]]]).astype(np.float32)
    known = np.isfinite(confidence)
    index = np.where(known, np.clip(np.nan_to_num(confidence) * 255, 0, 255), 256).astype(np.int16)
    return scale[index]


def skeleton_edges(keypoints: list[str]) -> tuple[np.ndarray, KeypointSpace | None]:
    """Return the skeleton as keypoint indices, shape (E, 2), and its keypoint space."""
    space = space_for(keypoints)
    if space is None:
        return np.empty((0, 2), dtype=np.int64), None
    index = {name: k for k, name in enumerate(keypoints)}
    edges = [(index[a], index[b]) for a, b in space.edges if a in index and b in index]
    return np.array(edges, dtype=np.int64).reshape(-1, 2), space


def rgba_of(color: str) -> tuple[float, float, float, float]:
    """Return red, green, blue and alpha 1 of ``#rrggbb``, each 0..1."""
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue, 1.0
