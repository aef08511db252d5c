"""Tracks that go over to another animal."""

from __future__ import annotations

import numpy as np
import pytest

from superanimal.gait import analyze
from superanimal.gait.passage import passage
from superanimal.poses import make_poses
from superanimal.synth.gaits import GaitTruth, generate


def own_frames(truth: GaitTruth, position: np.ndarray) -> np.ndarray:
    points = position.transpose(0, 2, 1)
    return passage(points, np.ones(points.shape[:2], bool), truth.time)


@pytest.mark.parametrize("fps", [15, 60, 240])
@pytest.mark.parametrize("gait", ["walk", "trot", "gallop"])
def test_an_animal_that_moves_does_not_jump(gait: str, fps: int) -> None:
    truth = generate(gait, fps=fps, strides=6, noise=2.0)
    assert own_frames(truth, truth.position).all()


def test_another_animal_at_the_end_is_left_out_and_said() -> None:
    truth = generate("walk", fps=60, strides=8)
    position = truth.position.copy()
    late = len(position) * 3 // 4
    position[late:, 0] -= position[late, 0].mean() - 50
    own = own_frames(truth, position)
    assert own[:late].all()
    assert not own[late:].any()

    def kept(position: np.ndarray) -> np.ndarray:
        result = analyze(make_poses(position[..., None], keypoints=truth.keypoints, times=truth.time))
        strides = result.strides[result.strides["refused"] == ""]
        assert any("jumps" in note for note in result.notes) is (position is not truth.position)
        return strides[["start_s", "duration_s", "length_px"]].to_numpy()

    before, after = kept(truth.position), kept(position)
    whole = before[before[:, 0] + before[:, 1] < truth.time[late] - 0.2 * truth.period]
    for stride in whole:
        nearest = after[np.abs(after[:, 0] - stride[0]).argmin()]
        np.testing.assert_allclose(nearest, stride, rtol=0.02, atol=0.02)


def test_an_animal_that_is_found_again_goes_on() -> None:
    truth = generate("trot", fps=60, strides=8)
    position = truth.position.copy()
    middle = len(position) // 2
    position[middle : middle + 5] += 900.0
    own = own_frames(truth, position)
    assert np.flatnonzero(~own).tolist() == list(range(middle, middle + 5))


def test_one_point_has_no_size_to_jump_by() -> None:
    position = np.zeros((20, 1, 2))
    position[10:] = 500.0
    assert passage(position, np.ones((20, 1), bool), np.arange(20.0)).all()


def test_feet_that_are_not_seen_for_a_while_are_no_jump() -> None:
    truth = generate("walk", fps=60, strides=8, noise=0.5)
    position = truth.position.copy()
    late = len(position) // 3
    position[late:, :, :4] = np.nan  # the trunk alone lies higher than the middle of all points
    assert own_frames(truth, position).all()
    result = analyze(make_poses(position[..., None], keypoints=truth.keypoints, times=truth.time))
    assert set(result.refused["reason"]) == {"limb out of frame"}
