"""Picture and points move together."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from superanimal.training.data.warp import crop_matrix, move, warp


@pytest.mark.parametrize("seed", range(6))
def test_a_drawn_dot_lands_where_the_point_is_moved(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spot = rng.uniform(60, 100, 2)
    image = np.zeros((160, 160, 3), np.uint8)
    cv2.circle(image, (round(spot[0] * 16), round(spot[1] * 16)), 6 * 16, (255, 255, 255), -1, cv2.LINE_AA, 4)
    matrix = crop_matrix(np.array([80.0, 78.0]), rng.uniform(90, 200), 128, rng.uniform(0, 6), bool(seed % 2))
    moved = warp(rng, image, matrix, (128, 128))[..., 0].astype(float)
    expected = move(spot, matrix)
    inner = moved * (np.hypot(*(np.mgrid[0:128, 0:128] - expected[::-1, None, None])) < 14)
    y, x = np.mgrid[0:128, 0:128]
    assert np.allclose([(inner * x).sum() / inner.sum(), (inner * y).sum() / inner.sum()], expected, atol=0.3)
