"""Candidates of several looks: joined where they agree, judged by the poses in them."""

from __future__ import annotations

import numpy as np

from superanimal.inference.searching import MOST, best, may_search, merge, worth_of


def test_looks_that_agree_are_one_candidate() -> None:
    mouse, shoe = [10, 10, 50, 30], [200, 100, 260, 140]
    small = np.array([mouse, shoe], np.float32), np.array([0.3, 0.5], np.float32)
    large = np.array([[12, 11, 51, 31]], np.float32), np.array([0.6], np.float32)
    boxes, scores = merge([small, large])
    assert np.allclose(boxes, [[12, 11, 51, 31], shoe]) and np.allclose(scores, [0.6, 0.5])


def test_no_more_candidates_than_asked_for_and_none_of_nothing() -> None:
    boxes = np.array([[30 * k, 0, 30 * k + 20, 20] for k in range(12)], np.float32)
    found, scores = merge([(boxes, np.linspace(0.1, 0.9, 12))])
    assert len(found) == MOST and scores[0] == np.float32(0.9) and (np.diff(scores) < 0).all()
    empty, none = merge([(np.zeros((0, 4)), np.zeros(0))])
    assert empty.shape == (0, 4) and none.shape == (0,)


def test_a_sure_pose_beats_a_better_score() -> None:
    values = worth_of(np.array([0.6, 0.3]), np.array([[0.1, 0.2, 0.3], [0.9, 0.8, 1.0]]))
    assert np.allclose(values, [0.12, 0.27])
    assert best(values, np.array([[0, 0, 10, 10], [50, 50, 60, 60]], float)).tolist() == [1, 0]


def test_poses_that_came_to_lie_on_each_other_are_one_animal() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [40, 0, 50, 10]], float)
    assert best(np.array([0.4, 0.5, 0.3]), boxes).tolist() == [1, 2]


def test_a_video_is_searched_once_a_second_and_stills_always() -> None:
    follow = np.ones(100, dtype=bool)
    follow[0] = False
    allowed = may_search(np.arange(100) / 30, follow, 5)
    turns = np.arange(0, 100, 5)
    assert turns[allowed[turns]].tolist() == [0, 30, 60, 90]
    odd = may_search(np.arange(100) / 29.97, follow, 5)  # seconds begin between two turns of the detector
    assert turns[odd[turns]].tolist() == [0, 30, 60, 90]
    assert may_search(np.arange(4.0), np.zeros(4, dtype=bool), 5).all()
    assert may_search(np.arange(3) / 30, follow[:3], 5).tolist() == [True, True, True]
