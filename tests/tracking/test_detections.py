from __future__ import annotations

import numpy as np

from superanimal.poses import make_poses
from superanimal.tracking.detections import detections_of, pose_distance, steps_of, without_duplicates


def test_times_become_steps() -> None:
    np.testing.assert_allclose(steps_of(np.array([0.0, 0.1, 0.2, 0.5])), [0, 1, 2, 5])
    np.testing.assert_allclose(steps_of(np.array([7, 7, 7])), [0, 1, 2])  # no times at all
    np.testing.assert_allclose(steps_of(np.array([3.0])), [0])


def test_a_few_wrong_keypoints_do_not_matter() -> None:
    pose = np.random.default_rng(0).uniform(0, 50, (7, 2))
    wrong = pose + [3, 4]
    wrong[:2] += 500
    wrong[2] = np.nan
    assert np.isclose(pose_distance(pose, wrong), 5)


def test_poses_without_a_shared_keypoint_are_compared_by_their_centres() -> None:
    first, second = np.full((2, 4, 2), np.nan)
    first[:2], second[2:] = [0, 0], [6, 8]
    assert np.isclose(pose_distance(first, second), 10)


def test_the_better_of_two_on_the_same_pixels_is_kept() -> None:
    pose = np.array([[0, 0], [30, 0], [60, 10], [90, 0]], float)
    poses = np.stack([pose + 1, pose, pose + [0, 40]])
    confidence = np.array([[0.5] * 4, [0.9] * 4, [0.4] * 4])
    found = detections_of(
        make_poses(
            poses[None].transpose(0, 3, 2, 1), confidence[None].transpose(0, 2, 1), keypoints=list("abcd")
        )
    )
    assert without_duplicates(found).tolist() == [False, True, True]


def test_what_a_person_set_is_no_duplicate() -> None:
    pose = np.array([[0, 0], [30, 0], [60, 10], [90, 0]], float)
    edited = np.zeros((1, 4, 2), bool)
    edited[0, 0, 1] = True
    poses = make_poses(
        np.stack([pose, pose])[None].transpose(0, 3, 2, 1),
        np.array([[[0.9, 0.1]] * 4]),
        keypoints=list("abcd"),
        edited=edited,
    )
    assert without_duplicates(detections_of(poses)).tolist() == [False, True]
    loose = poses.assign_attrs(untracked=["animal1"])  # a number of a file without tracks is no name
    assert detections_of(loose).anchor.tolist() == [-1, -1]
