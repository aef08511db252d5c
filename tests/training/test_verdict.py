from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from superanimal.bootstrap import Interval
from superanimal.keypoints import ImageRef, LabelledSet
from superanimal.keypoints.splits import Leak
from superanimal.training.evaluate import evaluate
from superanimal.training.replay import Memory
from superanimal.training.verdict import compare, figures_of, forgetting, judge, keypoint_rows

NAMES = ("nose", "ear", "tail")


def labels(count: int = 6) -> LabelledSet:
    rng = np.random.default_rng(0)
    xy = rng.uniform(20, 80, (count, 3, 2)).astype(np.float32)
    images = [ImageRef(f"{i}.png", width=100, height=100) for i in range(count)]
    return LabelledSet("s", NAMES, images, np.arange(count), xy, np.full((count, 3), 2, np.int8))


def predictions(labelled: LabelledSet, shift: float):
    moved = labelled.with_columns(xy=labelled.xy + np.float32([shift, 0]))
    return moved.to_poses().drop_vars(["visibility", "edited"])


def change(value: float, low: float, high: float) -> Interval:
    return Interval(np.array(value), np.array(low), np.array(high))


def test_the_change_is_that_of_the_same_points() -> None:
    labelled = labels()
    before, after = (evaluate(predictions(labelled, px), labelled, samples=0) for px in (5.0, 3.0))
    found = compare(before, after)
    np.testing.assert_allclose([found.value, found.low, found.high], -2, atol=1e-4)
    assert figures_of(before, after)["before"]["mean_euclidean_px"] == pytest.approx(5, abs=1e-4)
    assert [round(row["after_px"], 3) for row in keypoint_rows(before, after)] == [3, 3, 3]
    assert all(np.isnan(row["before_px"]) for row in keypoint_rows(None, after))


def test_the_interval_knows_that_few_images_differ() -> None:
    labelled = labels()
    xy = labelled.xy.copy()
    xy[0] += 12  # one image became much worse
    worse = labelled.with_columns(xy=xy).to_poses().drop_vars(["visibility", "edited"])
    before = evaluate(predictions(labelled, 1.0), labelled, samples=0)
    found = compare(before, evaluate(worse, labelled, samples=0))
    assert found.low < 0 < found.value < found.high


@dataclass
class Case:
    change: Interval | None
    recommended: bool
    says: str
    options: dict


CASES = {
    "better": Case(change(-3, -4, -2), True, "fell by 3 px", {}),
    "worse": Case(change(1, 0.2, 2), False, "grew by 1 px", {}),
    "perhaps chance": Case(change(-1, -3, 0.5), False, "may be chance", {}),
    "unchanged": Case(change(0, 0, 0), False, "weights are those", {}),
    "nothing held out": Case(None, False, "Not measured", {"held_out": 0}),
    "nothing to compare with": Case(None, False, "Not measured", {}),
    "points no longer found": Case(change(-3, -4, -2), False, "10%", {"missed": (0.0, 0.1)}),
    "leak": Case(
        change(-3, -4, -2), False, "leaks", {"leaks": [Leak("image", "a.png", {"train": 1, "test": 1})]}
    ),
}


@pytest.mark.parametrize("name", list(CASES))
def test_verdicts(name: str) -> None:
    case = CASES[name]
    verdict = judge(case.change, **{"training": 50, "held_out": 20, **case.options})
    assert verdict.recommended is case.recommended and case.says in verdict.sentence


def test_warnings() -> None:
    clip = Leak("video", "clip", {"train": 4, "test": 1})
    verdict = judge(change(-3, -4, -2), training=4, held_out=1, leaks=[clip])
    few, rough, same = verdict.warnings
    assert "only 4" in few and "only 1" in rough and "same video" in same
    assert not judge(change(-3, -4, -2), training=50, held_out=20).warnings


def test_forgetting_counts_dropped_and_moved_keypoints() -> None:
    labelled = labels(4)
    visibility = labelled.visibility.copy()
    visibility[:, 1:] = -1  # only the nose is labelled
    xy = np.where((visibility > 0)[..., None], labelled.xy, np.nan)
    labelled = labelled.with_columns(xy=xy, visibility=visibility)
    points = np.zeros((4, 3, 2), np.float32)
    points[:, 0], points[:, 2] = (30, 0), (0, 40)  # 50 px from corner to corner
    sure = np.full((4, 3), 0.9, np.float32)
    before = Memory(NAMES, points, sure, {})
    later, less = points.copy(), sure.copy()
    later[:, 1] += (3, 4)
    later[:, 0] += 100  # labelled: no matter
    less[:2, 2] = 0.1
    found = forgetting(labelled, before, Memory(NAMES, later, less, {}))
    assert found is not None
    assert (found["keypoints"], found["animals"]) == (2, 4)
    assert (found["dropped_before"], found["dropped_after"]) == (0, 0.5)
    assert found["lost"] == pytest.approx(2 / 8)
    assert found["each"][0]["moved_px"] == pytest.approx(5)
    assert found["moved_px"] == pytest.approx(5) and found["moved_animal"] == pytest.approx(0.1)
    assert found["each"][1] == {
        "keypoint": "tail",
        "confident_before": 1.0,
        "confident_after": 0.5,
        "moved_px": 0.0,
    }


def test_nothing_is_forgotten_where_everything_is_labelled() -> None:
    memory = Memory(NAMES, np.zeros((6, 3, 2), np.float32), np.ones((6, 3), np.float32), {})
    assert forgetting(labels(), memory, memory) is None
