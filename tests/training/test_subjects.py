"""Left and right change places in a mirrored picture, and what is in the middle stays."""

from __future__ import annotations

import numpy as np

from superanimal.synth import TOPVIEWMOUSE
from superanimal.training.subjects import FOURLEGGED, MOUSE


def test_flip_swaps_sides_and_is_its_own_inverse() -> None:
    order = MOUSE.flip_order
    assert np.array_equal(order[order], np.arange(27))
    assert TOPVIEWMOUSE[order[TOPVIEWMOUSE.index("left_ear_tip")]] == "right_ear_tip"
    assert order[TOPVIEWMOUSE.index("tail3")] == TOPVIEWMOUSE.index("tail3")


def test_flip_order_of_quadrupeds() -> None:
    order, names = FOURLEGGED.flip_order, FOURLEGGED.keypoints
    assert np.array_equal(order[order], np.arange(39))
    assert names[order[names.index("front_left_thai")]] == "front_right_thai"
    assert names[order[names.index("mouth_end_right")]] == "mouth_end_left"
    assert order[names.index("back_base")] == names.index("back_base")
