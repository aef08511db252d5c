"""Poses to try the plugin's conversions with; no viewer is needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from superanimal.poses import make_poses


@pytest.fixture
def pair() -> Any:
    """Two animals, three keypoints, six times on every second frame, with gaps, boxes and odd attributes."""
    rng = np.random.default_rng(3)
    position = rng.uniform(0, 300, (6, 2, 3, 2)).astype(np.float32)
    position[2, :, 1, 0] = np.nan
    position[4, 0, 2, 1] = np.nan  # half a point: x is lost, y is kept
    confidence = rng.uniform(0, 1, (6, 3, 2)).astype(np.float32)
    confidence[2, 1, 0] = np.nan
    ds = make_poses(
        position,
        confidence,
        keypoints=["nose", "neck", "tail_base"],
        individuals=["ada", "bob"],
        fps=12.5,
        frames=np.arange(10, 22, 2),
        boxes=rng.uniform(0, 99, (6, 4, 2)),
        box_confidence=rng.uniform(0, 1, (6, 2)),
        provenance={"model": "x"},
        video_path="clip.mp4",
    )
    return ds.assign_attrs(note="kept").assign(speed=("time", np.arange(6.0)))
