from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from blobs import walk, write_video

FRAMES = 300


@pytest.fixture(scope="session")
def truth() -> np.ndarray:
    """Positions (300, 1, 3, 2) of the dots of one animal."""
    return walk(FRAMES, seed=1)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory, truth: np.ndarray) -> Path:
    """A video of one animal."""
    return write_video(tmp_path_factory.mktemp("clips") / "one.mp4", truth)


@pytest.fixture(scope="session")
def pair_truth() -> np.ndarray:
    """Positions (300, 2, 3, 2) of the dots of two animals."""
    return walk(FRAMES, seed=5, animals=2)


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory, pair_truth: np.ndarray) -> Path:
    """A video of two animals."""
    return write_video(tmp_path_factory.mktemp("clips") / "two.mp4", pair_truth)


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of one animal that takes three chunks."""
    return write_video(tmp_path_factory.mktemp("clips") / "long.mp4", walk(640, seed=2))
