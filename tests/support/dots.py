"""Pictures of four coloured dots, whose places are known exactly: learnt in seconds by a tiny network."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from superanimal.labels import ImageRef, LabelledSet
from superanimal.poses.space import KeypointSpace, parse_space
from superanimal.zoo import PoseModel
from superanimal.zoo.architectures import build_network
from superanimal.zoo.catalog import shipped_catalog
from superanimal.zoo.entry import HeadSpec, ModelEntry

NAMES = ("nose", "left_ear", "right_ear", "tail_base")
COLORS = ((250, 250, 60), (250, 40, 40), (40, 250, 40), (60, 60, 250))
SOFTMAX = HeadSpec("heatmap", stride=4, activation="softmax", pixel_shift=0.5)


def dots_space(pairs: bool = True) -> KeypointSpace:
    return parse_space(
        {
            "name": "dots",
            "keypoints": {name: {"sigma": 0.08} for name in NAMES},
            "pairs": [["left_ear", "right_ear"]] if pairs else [],
        }
    )


def draw_dots(points: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """Return (side, side, 3) uint8 with an anti-aliased dot at each sub-pixel point (K, 2)."""
    image = np.full((side, side, 3), 30, np.float32) + rng.normal(0, 4, (side, side, 3))
    y, x = np.mgrid[0:side, 0:side]
    for point, color in zip(points, COLORS, strict=True):
        cover = np.clip(3.5 - np.hypot(x - point[0], y - point[1]), 0, 1)[..., None]
        image = image * (1 - cover) + np.array(color) * cover
    return np.clip(image, 0, 255).astype(np.uint8)


def make_dots(folder: Path, count: int, side: int = 64, seed: int = 0, source: str = "dots") -> LabelledSet:
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    images, points = [], []
    for i in range(count):
        angle = rng.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        body = np.array([[16, 0], [7, -8], [7, 8], [-14, 0]]) @ turn.T
        xy = body + side / 2 + rng.uniform(-4, 4, 2)
        path = folder / f"{source}{seed}_{i:03d}.png"
        cv2.imwrite(str(path), draw_dots(xy, side, rng)[..., ::-1])
        images.append(ImageRef(str(path), width=side, height=side))
        points.append(xy)
    xy = np.array(points, np.float32).reshape(count, 4, 2)
    low, high = xy.min(1) - 4, xy.max(1) + 4
    return LabelledSet(
        name=source,
        keypoints=NAMES,
        images=images,
        image_index=np.arange(count),
        xy=xy,
        visibility=np.full((count, 4), 2, np.int8),
        boxes=np.concatenate([low, high - low], 1),
    )


def undefine(labelled: LabelledSet, keypoint: str, flag: int = -1) -> LabelledSet:
    """Return the labels without one keypoint: undefined (-1) or absent (0) everywhere."""
    k = labelled.keypoints.index(keypoint)
    xy, visibility = labelled.xy.copy(), labelled.visibility.copy()
    xy[:, k], visibility[:, k] = np.nan, flag
    return labelled.with_columns(xy=xy, visibility=visibility)


def tiny_model(seed: int = 0, head: HeadSpec = SOFTMAX, side: int = 64, **options: object) -> PoseModel:
    """Return a network of some 0.1 million random parameters for crops of ``side`` pixels."""
    entry = ModelEntry(
        name="tiny",
        kind="pose",
        title="tiny",
        architecture="pyramid_pose",
        options={"backbone": "test_efficientnet", "width": 16, **options},
        licence=shipped_catalog().licences["own"],
        num_keypoints=len(NAMES),
        keypoint_names=NAMES,
        input_size=(side, side),
        head=head,
        crop_margin=1.3,
    )
    torch.manual_seed(seed)
    return PoseModel(entry, build_network(entry.architecture, entry.outputs, **entry.options))
