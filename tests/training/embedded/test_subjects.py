"""Left and right change places in a mirrored picture, and what is in the middle stays."""

from __future__ import annotations

import numpy as np
import pytest

from superanimal.synth import TOPVIEWMOUSE
from superanimal.training.embedded.subjects import FOURLEGGED, MOUSE, SUBJECTS
from superanimal.zoo.catalog import get_entry


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


@pytest.mark.parametrize("model", SUBJECTS)
def test_the_catalogue_knows_which_keypoints_set_the_box(model: str) -> None:
    subject, entry = SUBJECTS[model], get_entry(model)
    points = np.random.default_rng(0).uniform(0, 100, (len(subject.keypoints), 2))
    far = points.copy()
    far[[subject.keypoints.index(name) for name in entry.beyond_box]] += 1000
    assert np.array_equal(subject.box(points), subject.box(far))
    for k, name in enumerate(subject.keypoints):
        moved = points.copy()
        moved[k] += 1000
        assert (name in entry.beyond_box) == np.array_equal(subject.box(points), subject.box(moved))
