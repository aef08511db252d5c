"""Pictures: deterministic, with boxes and flags that hold."""

from __future__ import annotations

import numpy as np
import pytest

from superanimal.synth import TOPVIEWMOUSE, animal_box, random_picture
from superanimal.synth.motion import DUTY, STRIDE, paw_cycle, simulate_walk


def test_same_seed_same_picture() -> None:
    a, b, c = (random_picture(seed, (160, 200), 60.0) for seed in (3, 3, 4))
    assert np.array_equal(a.image, b.image)
    assert np.array_equal(a.keypoints, b.keypoints)
    assert not np.array_equal(a.image, c.image)


@pytest.mark.parametrize("animals", [0, 1, 3])
def test_shapes_boxes_and_flags(animals: int) -> None:
    picture = random_picture(11 + animals, (192, 256), 60.0, animals)
    assert picture.image.shape == (192, 256, 3)
    assert picture.image.dtype == np.uint8
    assert picture.keypoints.shape == (animals, 27, 2)
    assert picture.visible.shape == (animals, 27)
    body = [k for k, name in enumerate(TOPVIEWMOUSE) if name not in ("tail4", "tail5", "tail_end")]
    for points, box, visible in zip(picture.keypoints, picture.boxes, picture.visible, strict=True):
        inside = (points[body] >= box[:2]) & (points[body] <= box[2:])
        assert inside.all()
        x, y = points[visible].T
        assert ((x > -0.5) & (x < 255.5) & (y > -0.5) & (y < 191.5)).all()


def test_box_follows_a_shift() -> None:
    points = random_picture(5, (128, 128), 50.0, 1).keypoints[0]
    moved = animal_box(points + np.float32([7, -3]))
    assert np.allclose(moved, animal_box(points) + [7, -3, 7, -3], atol=1e-4)


def test_pictures_are_not_flat() -> None:
    spread = [random_picture(seed, (128, 128), 50.0, 1).image.std() for seed in range(12)]
    assert np.median(spread) > 10


def test_walk_stays_inside_and_paws_stand_still() -> None:
    fps, length = 100.0, 80.0
    walk = simulate_walk(np.random.default_rng(1), 800, fps, (60, 60, 400, 300), length)
    assert walk.x.min() >= 60 and walk.x.max() <= 400 and walk.y.min() >= 60 and walk.y.max() <= 300
    assert np.hypot(np.ptp(walk.x), np.ptp(walk.y)) > 150
    # In stance a paw moves back as fast as the body moves forward.
    phase = np.linspace(0.05, DUTY - 0.05, 20)
    offset = np.array([paw_cycle(p)[0] for p in phase])
    assert np.allclose(offset + STRIDE * phase, offset[0] + STRIDE * phase[0])
    assert all(paw_cycle(p)[1] == 0 for p in phase)
    assert paw_cycle((1 + DUTY) / 2)[1] > 0.02
