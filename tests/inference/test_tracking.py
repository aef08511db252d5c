from __future__ import annotations

import json

import numpy as np

from superanimal.inference.tracking import Slot, Tracker

SIGMAS = np.full(4, 0.05)
SHAPE = np.array([[0, 0], [20, 0], [40, 0], [20, 10]], dtype=np.float64)


def pose(x: float, y: float) -> np.ndarray:
    return SHAPE + [x, y]


def boxes(points: np.ndarray) -> np.ndarray:
    low, high = points.min(1), points.max(1)
    return np.concatenate([low, high - low], axis=1)


def update(tracker: Tracker, points: list[np.ndarray], confidence: float = 0.9) -> list[int]:
    stacked = np.array(points).reshape(-1, 4, 2)
    return tracker.update(stacked, np.full(stacked.shape[:2], confidence), boxes(stacked)).tolist()


def test_a_slot_moves_on_and_knows_its_centre() -> None:
    slot = Slot(pose(10, 20), np.ones(4, bool), np.array([10.0, 20.0, 40.0, 6.0]), np.array([3.0, -1.0]))
    assert slot.centre.tolist() == [30, 23]
    slot.predict()
    assert slot.centre.tolist() == [33, 22]
    assert slot.points.tolist() == pose(13, 19).tolist()


def test_identities_survive_a_change_of_order() -> None:
    tracker = Tracker(3, SIGMAS)
    rng = np.random.default_rng(0)
    for t in range(60):
        animals = [pose(10 + 3 * t, 20), pose(200 - 3 * t, 60), pose(80, 120 + t)]
        order = rng.permutation(3)
        slots = update(tracker, [animals[i] for i in order])
        if t == 0:
            names = dict(zip(order.tolist(), slots, strict=True))
        assert [names[i] for i in order.tolist()] == slots


def test_motion_carries_identities_through_a_crossing() -> None:
    tracker = Tracker(2, SIGMAS)
    for t in range(50):
        right, left = pose(4 * t, 50), pose(200 - 4 * t, 56)
        if t % 2:
            assert update(tracker, [left, right]) == [1, 0]
        else:
            assert update(tracker, [right, left]) == [0, 1]


def test_an_animal_keeps_its_slot_over_a_gap() -> None:
    tracker = Tracker(2, SIGMAS)
    update(tracker, [pose(0, 0), pose(100, 100)])
    for _ in range(10):
        assert update(tracker, [pose(100, 100)]) == [1]
    assert update(tracker, [pose(5, 0), pose(100, 100)]) == [0, 1]


def test_a_newcomer_takes_a_free_slot_before_a_lost_one() -> None:
    tracker = Tracker(3, SIGMAS)
    update(tracker, [pose(0, 0), pose(100, 100)])
    assert update(tracker, [pose(100, 100), pose(300, 300)]) == [1, 2]
    # no free slot is left: the lost animal must be the one that reappears, however far away
    assert update(tracker, [pose(100, 100), pose(300, 300), pose(500, 0)]) == [1, 2, 0]


def test_every_detection_gets_its_own_slot() -> None:
    tracker = Tracker(4, SIGMAS)
    rng = np.random.default_rng(7)
    for _ in range(100):
        number = int(rng.integers(0, 5))
        slots = update(tracker, [pose(*rng.uniform(0, 400, 2)) for _ in range(number)])
        assert len(set(slots)) == number
        assert all(0 <= slot < 4 for slot in slots)


def test_boxes_decide_when_no_keypoint_is_certain() -> None:
    tracker = Tracker(2, SIGMAS)
    assert update(tracker, [pose(0, 0), pose(100, 0)], confidence=0.05) == [0, 1]
    assert update(tracker, [pose(102, 1), pose(1, 2)], confidence=0.05) == [1, 0]


def test_state_goes_through_json_bit_for_bit() -> None:
    rng = np.random.default_rng(1)
    one, other = Tracker(3, SIGMAS), Tracker(3, SIGMAS)
    for _ in range(20):
        animals = [pose(*rng.uniform(0, 300, 2)) for _ in range(2)]
        assert update(one, animals) == update(other, animals)
        again = Tracker(3, SIGMAS)
        again.restore(json.loads(json.dumps(other.state())))
        other = again
        assert one.state() == other.state()
