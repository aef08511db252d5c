"""Grain and scenery of real photographs: shapes, brightness, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from superanimal.synth.photographs import PHOTOGRAPHS, TEXTURES, _picture, grain, scenery


@pytest.mark.parametrize("name", [*TEXTURES, *PHOTOGRAPHS])
def test_every_picture_is_installed(name: str) -> None:
    picture = _picture(name)
    assert picture.dtype == np.float32 and picture.shape[-1] == 3 and picture.shape[0] <= 512
    assert 0 <= picture.min() < 0.3 and 0.5 < picture.max() <= 1


def test_grain_keeps_the_brightness_of_the_ground() -> None:
    fields = [grain(np.random.default_rng(seed), 60, 90) for seed in range(20)]
    assert {(f.shape, f.dtype) for f in fields} == {((60, 90), np.dtype("float32"))}
    assert np.allclose([f.mean() for f in fields], 1, atol=0.02)
    assert min(f.std() for f in fields) > 0.02
    assert np.array_equal(fields[3], grain(np.random.default_rng(3), 60, 90))


def test_scenery_is_a_piece_of_a_photograph() -> None:
    pieces = [scenery(np.random.default_rng(seed), 50, 80) for seed in range(20)]
    assert {(p.shape, p.dtype) for p in pieces} == {((50, 80, 3), np.dtype("float32"))}
    assert all(np.isfinite(p).all() and p.min() >= 0 for p in pieces)
    assert np.mean([p.std() > 0.05 for p in pieces]) > 0.7
    assert np.array_equal(pieces[5], scenery(np.random.default_rng(5), 50, 80))
