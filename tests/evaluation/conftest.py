from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from superanimal.labels.images import ImageRef
from superanimal.labels.labelled_set import LabelledSet
from superanimal.poses import make_poses


def label_set(
    points: np.ndarray,
    keypoints: list[str],
    *,
    images: list[ImageRef] | None = None,
    video: list[str] | None = None,
    source: list[str] | None = None,
    name: str = "labels",
) -> LabelledSet:
    """Labels of points (images, animals, K, 2); animals without a point are left out."""
    present = np.isfinite(points).all(-1)
    image, animal = np.nonzero(present.any(-1))
    return LabelledSet(
        name=name,
        keypoints=tuple(keypoints),
        images=images or [ImageRef(f"clips/one/img{i:03d}.png") for i in range(len(points))],
        image_index=image,
        xy=points[image, animal].astype(np.float32),
        visibility=np.where(present, 2, 0)[image, animal],
        video=video,  # type: ignore[arg-type]
        source=source,  # type: ignore[arg-type]
    )


def pose_set(
    points: np.ndarray, keypoints: list[str], confidence: np.ndarray | None = None, **more: object
) -> xr.Dataset:
    """Predictions of points (images, animals, K, 2) and confidence (images, animals, K)."""
    more.setdefault("images", [f"clips/one/img{i:03d}.png" for i in range(len(points))])
    likelihood = None if confidence is None else confidence.transpose(0, 2, 1)
    return make_poses(points.transpose(0, 3, 2, 1), likelihood, keypoints=keypoints, **more)  # type: ignore[arg-type]


@pytest.fixture
def labels_of() -> Callable[..., LabelledSet]:
    return label_set


@pytest.fixture
def poses_of() -> Callable[..., xr.Dataset]:
    return pose_set


@pytest.fixture
def crowd() -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Labels (I, 3, 5, 2), predictions (I, 4, 5, 2) with misses, strays and ties, confidence, names."""
    rng = np.random.default_rng(7)
    centre = rng.uniform(100, 900, (24, 3, 1, 2))
    truth = np.rint(centre + rng.uniform(-40, 40, (24, 3, 5, 2)))
    truth[rng.random((24, 3, 5)) < 0.15] = np.nan
    truth[rng.random((24, 3)) < 0.3] = np.nan
    truth[0, 0] = np.rint(centre[0, 0] + rng.uniform(-40, 40, (5, 2)))
    spread = rng.choice([0.0, 3.0, 9.0, 30.0], (24, 4, 1, 1))
    predicted = rng.uniform(0, 1000, (24, 4, 5, 2))
    order = np.stack([rng.permutation(4)[:3] for _ in range(24)])
    for i in range(24):
        predicted[i, order[i]] = np.nan_to_num(truth[i], nan=50.0)
    predicted += spread * rng.normal(size=predicted.shape)
    predicted[rng.random((24, 4, 5)) < 0.1] = np.nan
    predicted[rng.random((24, 4)) < 0.2] = np.nan
    confidence = np.round(rng.random((24, 4, 1)) + np.zeros((1, 1, 5)), 1)  # ties
    confidence = np.where(np.isfinite(predicted).all(-1), confidence, np.nan)
    return truth, predicted.astype(np.float32), confidence, ["a", "b", "c", "d", "e"]
