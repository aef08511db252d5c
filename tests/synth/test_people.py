"""People stand where they are put, and a leader at the animal's head."""

from __future__ import annotations

import numpy as np

from superanimal.synth.people import draw_leader, draw_person


def changed(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.nonzero(np.abs(image - 0.5).max(-1) > 0.02)
    return rows, columns


def test_a_person_stands_on_the_row_and_is_as_high_as_told() -> None:
    for seed in range(8):
        image = np.full((200, 160, 3), 0.5, np.float32)
        hand = draw_person(np.random.default_rng(seed), image, 80.0, 180.0, 120.0)
        rows, columns = changed(image)
        assert 170 <= rows.max() <= 190 and abs(rows.max() - rows.min() - 120) < 15
        assert abs(columns.mean() - 80) < 15
        assert 30 < hand[0] < 130 and 60 < hand[1] < 160


def test_a_leader_is_at_the_head_and_holds_a_rope() -> None:
    ropes = 0
    for seed in range(12):
        image = np.full((240, 320, 3), 0.5, np.float32)
        draw_leader(np.random.default_rng(seed), image, np.array([200.0, 100.0]), 200.0, 80.0)
        rows, columns = changed(image)
        assert abs(np.median(columns) - 200) < 80 and rows.max() > 180
        ropes += bool(np.abs(image[99:102, 199:202] - 0.5).max() > 0.02)
    assert ropes > 4
