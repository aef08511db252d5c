from __future__ import annotations

import numpy as np
import pytest
from walks import poses_of

from superanimal.gait import analyze, find_limbs
from superanimal.gait.swaps import exchanged, pairs_of
from superanimal.synth.gaits import generate


@pytest.mark.parametrize("gait", ["walk", "gallop"])
@pytest.mark.parametrize("fps", [30, 120])
@pytest.mark.parametrize("camera", ["fixed", "pan"])
def test_exchanged_feet_are_found_and_no_others(gait: str, fps: float, camera: str) -> None:
    truth = generate(gait, fps=fps, noise=1.0, camera=camera)
    left, right = truth.position[:, :, 0].copy(), truth.position[:, :, 1].copy()
    assert not exchanged(truth.time, left, right).any()
    frames = len(truth.time)
    wrong = np.zeros(frames, bool)
    wrong[[5, 20, 21, 40]] = True  # single frames, two, and half a stride
    wrong[frames // 2 : frames // 2 + round(0.5 * truth.period * fps)] = True
    left[wrong], right[wrong] = right[wrong], left[wrong]
    apart = np.linalg.norm(left - right, axis=1) > 10
    assert (exchanged(truth.time, left, right) == wrong)[apart].all()


def test_missing_points_and_short_recordings_are_left_alone() -> None:
    truth = generate("trot", fps=60, noise=0.5)
    left, right = truth.position[:, :, 0].copy(), truth.position[:, :, 1]
    assert not exchanged(truth.time[:7], left[:7], right[:7]).any()
    left[::3] = np.nan
    assert not exchanged(truth.time, left, right).any()


def test_the_gait_is_that_of_the_feet_and_a_note_says_so() -> None:
    truth = generate("canter", fps=60, noise=0.5, swaps=0.1, shape="cycloid")
    result = analyze(poses_of(truth))
    kept = result.strides[result.strides["refused"] == ""]
    assert len(kept) >= 24
    assert set(kept["gait"]) == {"canter"}
    assert any("bore each other's name in" in note for note in result.notes)


def test_pairs_are_points_of_one_place() -> None:
    points = ["left_heel", "left_toe", "right_heel", "right_toe"]
    limbs = find_limbs(points, {"left": points[:2], "right": points[2:]})
    assert pairs_of(limbs) == [("left_heel", "right_heel"), ("left_toe", "right_toe")]
    assert pairs_of(find_limbs(["left_hind_paw", "right_fore_paw"])) == []
