from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import settings

from superanimal.poses import make_poses

settings.register_profile("formats", deadline=None, max_examples=25, derandomize=True)
settings.load_profile("formats")

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared with real files is not there")
    return SHARED


@pytest.fixture
def poses() -> xr.Dataset:
    """Two mice with three keypoints in five frames, everything a data set can know."""
    rng = np.random.default_rng(0)
    position = rng.uniform(0, 100, (5, 2, 3, 2)).astype(np.float32)
    confidence = rng.uniform(0.1, 1, (5, 3, 2)).astype(np.float32)
    position[1, :, :, 1] = confidence[1, :, 1] = np.nan
    boxes = rng.uniform(1, 50, (5, 4, 2)).astype(np.float32)
    boxes[1, :, 1] = np.nan
    box_confidence = rng.uniform(0, 1, (5, 2)).astype(np.float32)
    box_confidence[1, 1] = np.nan
    edited = np.zeros((5, 3, 2), dtype=bool)
    edited[3, 1, 0] = True
    return make_poses(
        position,
        confidence,
        keypoints=["nose", "left ear", "tail, base"],
        individuals=["Ada", "Bo é"],
        fps=29.97,
        frames=np.array([3, 4, 5, 9, 12]),
        boxes=boxes,
        box_confidence=box_confidence,
        edited=edited,
        video_path="clip.mp4",
        source_software="superanimal",
        provenance={"action": "test", "model": "mini"},
    )
