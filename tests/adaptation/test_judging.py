from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from superanimal.adaptation.judging import verdict
from superanimal.adaptation.measuring import Steadiness, Unsteadiness
from superanimal.bootstrap import Interval

BEFORE = Steadiness(jitter_px=2.0, jitter=0.02, dropped=1.0, size_change=0.01, confidence=0.8, missing=0.0)


def figure(value: float, low: float, high: float) -> Interval:
    return Interval(np.array(value), np.array(low), np.array(high))


NEARER, UNCLEAR = figure(-0.2, -0.3, -0.1), figure(-0.1, -0.3, 0.1)
STEADIER = Unsteadiness(0.02, 0.016, NEARER, 0.015)
UNKNOWN = Unsteadiness(0.02, 0.018, UNCLEAR, 0.015)


def test_kept_only_where_it_is_surely_steadier() -> None:
    assert verdict(BEFORE, BEFORE, STEADIER, None, 0)[0]
    kept, why = verdict(BEFORE, BEFORE, UNKNOWN, None, 0)
    assert not kept
    assert "10 % (95 % interval −10 to 30), which may be chance" in why


@pytest.mark.parametrize(
    ("worse", "words"),
    [
        ({"jitter": 0.03}, "jitter rises from 0.02 to 0.03"),
        ({"dropped": 2.0}, "dropped keypoints rises from 1 to 2"),
        ({"missing": 0.5}, "frames without an animal rises"),
        ({"jitter": float("nan")}, "jitter"),
    ],
)
def test_a_guard_outweighs_any_gain(worse: dict[str, float], words: str) -> None:
    for corrections in (0, 5):
        kept, why = verdict(BEFORE, replace(BEFORE, **worse), STEADIER, None, corrections)
        assert not kept
        assert words in why


def test_held_out_corrections_decide_before_all_else() -> None:
    assert verdict(BEFORE, BEFORE, UNKNOWN, NEARER, 12)[0]
    assert not verdict(BEFORE, BEFORE, STEADIER, UNCLEAR, 12)[0]


def test_few_corrections_are_trusted_and_it_is_said() -> None:
    kept, why = verdict(BEFORE, BEFORE, UNKNOWN, None, 5)
    assert kept
    assert "5 corrected frames" in why


def test_corrected_legs_may_move_more_than_missed_ones() -> None:
    livelier = replace(BEFORE, jitter=0.024)
    assert verdict(BEFORE, livelier, UNKNOWN, None, 5)[0]
    assert not verdict(BEFORE, livelier, STEADIER, None, 0)[0]


def test_points_that_moved_far_are_not_trusted() -> None:
    kept, why = verdict(BEFORE, BEFORE, replace(STEADIER, moved=0.03), None, 0)
    assert not kept
    assert "move by 3.0 % of the animal's size" in why
