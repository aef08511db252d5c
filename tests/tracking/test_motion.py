from __future__ import annotations

import numpy as np
import pytest

from superanimal.poses import make_poses
from superanimal.tracking.detections import detections_of
from superanimal.tracking.motion import learn_motion


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_the_scale_of_a_random_walk(scale: float) -> None:
    rng = np.random.default_rng(0)
    body = np.array([[-40, 0], [0, 15], [40, 0]])
    places = 300 + np.cumsum(scale * rng.normal(size=(600, 2)), axis=0)
    points = places[:, None] + body
    motion = learn_motion(
        detections_of(make_poses(points.transpose(0, 2, 1)[..., None], keypoints=list("abc")))
    )
    assert motion.scales[0] == pytest.approx(scale, rel=0.15)
    assert motion.scales[2] == pytest.approx(2 * scale, rel=0.2)  # four steps
    near, far = motion.density(np.array([scale, 10 * scale]), np.ones(2))
    assert near > far + 4


def test_a_straight_walk_is_expected_to_go_on() -> None:
    rng = np.random.default_rng(0)
    body = np.array([[-40, 0], [0, 15], [40, 0]])
    places = np.arange(400)[:, None] * [5.0, 0.0] + rng.normal(size=(400, 2)) * 0.2
    points = places[:, None] + body
    motion = learn_motion(
        detections_of(make_poses(points.transpose(0, 2, 1)[..., None], keypoints=list("abc")))
    )
    assert motion.coasting > 1
    assert motion.scales[0] < 2


def test_too_little_to_learn_from() -> None:
    motion = learn_motion(detections_of(make_poses(np.zeros((1, 2, 3, 1)), keypoints=list("abc"))))
    assert np.isfinite(motion.density(np.array([0.0, 1e6]), np.array([1.0, 1e6]))).all()
