from __future__ import annotations

import numpy as np
import pytest

from superanimal.poses.similarity import iou, oks


def test_oks_is_that_of_coco() -> None:
    distance = np.array([[5.0, 5.0, np.nan, np.nan], [0.0] * 4, [np.nan] * 4])
    expected = np.exp(-25 / (2 * 400 * (2 * 0.05) ** 2))
    sigmas = np.full(4, 0.05)
    for area in (400.0, np.full(3, 400.0)):
        assert oks(distance, area, sigmas) == pytest.approx([expected, 1, np.nan], nan_ok=True)


def test_iou() -> None:
    first = np.array([[0, 0, 10, 10], [50, 50, 4, 4]], dtype=float)
    second = np.array([[5, 0, 10, 10], [0, 0, 10, 10]], dtype=float)
    assert iou(first, second) == pytest.approx(np.array([[1 / 3, 1], [0, 0]]))
