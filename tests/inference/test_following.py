"""The rule by which a frame must be seen by the detector."""

from __future__ import annotations

import numpy as np
import pytest

from superanimal.inference.following import (
    FOLLOW_WITHIN,
    ghosts,
    lost,
    may_follow,
    since_detection,
    supported,
)


def test_boxes_follow_over_short_steps_only() -> None:
    assert may_follow(np.arange(4) / 30, FOLLOW_WITHIN).tolist() == [False, True, True, True]
    assert may_follow(np.arange(4) / 10, FOLLOW_WITHIN).tolist() == [False, True, True, True]
    assert may_follow(np.arange(4) / 9, FOLLOW_WITHIN).tolist() == [False] * 4
    assert may_follow(np.arange(4.0), FOLLOW_WITHIN).tolist() == [False] * 4  # stills
    assert may_follow(np.arange(4.0), None).tolist() == [False, True, True, True]
    assert may_follow(np.zeros(0), FOLLOW_WITHIN).tolist() == []


def test_a_pause_in_the_recording_ends_the_following() -> None:
    times = np.array([0.0, 0.03, 0.06, 5.0, 5.03])
    assert may_follow(times, FOLLOW_WITHIN).tolist() == [False, True, True, False, True]


def test_turns_of_the_detector() -> None:
    follow = np.array([False] + [True] * 7)
    assert since_detection(follow, 3).tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert since_detection(follow, 1).tolist() == [0] * 8
    follow[[4, 5]] = False
    assert since_detection(follow, 3).tolist() == [0, 1, 2, 0, 0, 0, 0, 1]
    assert since_detection(follow[2:], 3).tolist() == [0, 1, 0, 0, 1, 2]  # a window starts with the detector


BOX = np.array([[10.0, 20, 60, 40]])


@pytest.mark.parametrize(("mean", "gone"), [(0.41, False), (0.39, True), (0.8, False)])
def test_a_pose_that_is_half_as_sure_has_lost_its_animal(mean: float, gone: bool) -> None:
    confidence = np.array([[0.9, 0.9], [mean - 0.1, mean + 0.1]])
    boxes = np.concatenate([BOX, BOX + 100])
    assert lost(confidence, np.array([0.9, 0.8]), boxes, boxes).tolist() == [False, gone]


@pytest.mark.parametrize(("move", "gone"), [((10, 5), False), ((25, 0), True), ((0, -21), True)])
def test_a_pose_at_the_edge_of_its_box_has_lost_its_animal(move: tuple[int, int], gone: bool) -> None:
    boxes, around = np.concatenate([BOX, BOX]), np.concatenate([BOX, BOX + [*move, 0, 0]])
    assert lost(np.full((2, 3), 0.9), np.array([0.9, 0.9]), boxes, around).tolist() == [False, gone]


def test_a_pose_that_is_nowhere_sure_is_no_animal() -> None:
    confidence = np.array([[0.05, 0.11], [0.05, 0.09], [np.nan, np.nan]])
    assert ghosts(confidence).tolist() == [False, True, True]
    assert lost(np.array([[0.05, 0.09]]), np.array([0.08]), BOX, BOX)  # nobody follows a ghost
    assert not lost(np.array([[0.05, 0.11]]), np.array([0.08]), BOX, BOX)


def test_any_box_of_the_detector_that_lies_there_supports_an_animal() -> None:
    boxes = np.concatenate([BOX, BOX + [100, 0, 0, 0]])
    assert supported(boxes, BOX + [20, 0, 0, 0]).tolist() == [True, False]
    assert supported(boxes, np.zeros((0, 4))).tolist() == [False, False]
