from __future__ import annotations

import pytest
from walks import poses_of

from superanimal.gait import analyze, exclude
from superanimal.gait.hildebrand import own_side
from superanimal.synth.gaits import generate


def test_points_are_kept_strides_of_hind_limbs_with_the_phase_of_their_side() -> None:
    truth = generate("trot", fps=60, noise=0.5, strides=6)
    poses = poses_of(truth)
    result = analyze(poses)
    points = own_side(result)
    assert set(points["limb"]) == {"left_hind", "right_hind"}
    assert points["phase"].median() == pytest.approx(0.5, abs=0.03)
    assert len(own_side(exclude(result, [0]))) == len(points) - 1
