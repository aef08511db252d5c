"""Small labelled data sets with real image files, and where the real data lie."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from superanimal.labels import ImageRef, LabelledSet

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def write_images(folder: Path, count: int, *, size=(24, 20), suffix=".png", seed=0) -> list[Path]:
    """Write pictures of noise, (width, height) ``size``, all different."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    files = [folder / f"img{i:03d}{suffix}" for i in range(count)]
    for file in files:
        cv2.imwrite(str(file), rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8))
    return files


def make_set(
    folder: Path,
    *,
    name="lab",
    keypoints=("nose", "left_ear", "right_ear"),
    images=4,
    animals=1,
    seed=0,
    **columns,
) -> LabelledSet:
    """Return a data set with random points; the first keypoint of the first animal is absent."""
    rng = np.random.default_rng(seed)
    files = write_images(folder / name, images, seed=seed)
    count = images * animals
    xy = rng.uniform(0, 19, (count, len(keypoints), 2)).astype(np.float32)
    visibility = np.full(xy.shape[:2], 2, dtype=np.int8)
    visibility[0, 0] = 0
    xy[0, 0] = np.nan
    given = {"video": f"{name}-video", "individuals": [f"animal{i % animals}" for i in range(count)]}
    return LabelledSet(
        name=name,
        keypoints=tuple(keypoints),
        images=[ImageRef(str(file)) for file in files],
        image_index=np.repeat(np.arange(images), animals),
        xy=xy,
        visibility=visibility,
        **{**given, **columns},
    )
