from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from superanimal.evaluation import evaluate
from superanimal.labels import ImageRef, LabelledSet
from superanimal.labels.holding_out import FEWEST_HELD_OUT
from superanimal.labels.splits import Leak
from superanimal.training.finetuning.replay import Memory
from superanimal.training.finetuning.verdict import (
    Change,
    compare,
    figures_of,
    forgetting,
    judge,
    keypoint_rows,
)

NAMES = ("nose", "ear", "tail")


def labels(count: int = 6) -> LabelledSet:
    rng = np.random.default_rng(0)
    xy = rng.uniform(20, 80, (count, 3, 2)).astype(np.float32)
    images = [ImageRef(f"{i}.png", width=100, height=100) for i in range(count)]
    return LabelledSet("s", NAMES, images, np.arange(count), xy, np.full((count, 3), 2, np.int8))


def predictions(labelled: LabelledSet, shift: float):
    moved = labelled.with_columns(xy=labelled.xy + np.float32([shift, 0]))
    return moved.to_poses().drop_vars(["visibility", "edited"])


def change(value: float, low: float, high: float, images: int = 20) -> Change:
    return Change(value, low, high, images, images)


def seen(changes: list[float], pictures: list[int] | None = None) -> Change:
    """Compare two evaluations whose error differs by so many pixels, image by image."""
    labelled = labels(len(changes))
    after = labelled.with_columns(xy=labelled.xy + np.float32([[[20 + px, 0]] for px in changes]))
    moved = after.to_poses().drop_vars(["visibility", "edited"])
    before = evaluate(predictions(labelled, 20.0), labelled, samples=0)
    names = None if pictures is None else np.array(pictures)
    return compare(before, evaluate(moved, labelled, samples=0), names)


def test_the_change_is_that_of_the_same_points() -> None:
    labelled = labels(FEWEST_HELD_OUT)
    before, after = (evaluate(predictions(labelled, px), labelled, samples=0) for px in (5.0, 3.0))
    found = compare(before, after)
    np.testing.assert_allclose([found.value, found.low, found.high], -2, atol=1e-4)
    assert figures_of(before, after)["before"]["mean_euclidean_px"] == pytest.approx(5, abs=1e-4)
    assert [round(row["after_px"], 3) for row in keypoint_rows(before, after)] == [3, 3, 3]
    assert all(np.isnan(row["before_px"]) for row in keypoint_rows(None, after))


def test_the_interval_knows_that_few_images_differ() -> None:
    found = seen([17] + [-1] * 9)  # one image became much worse
    assert found.low < 0 < found.value < found.high and not found.decided


@pytest.mark.parametrize("count", [1, 2, 5, FEWEST_HELD_OUT - 1])
def test_few_images_prove_nothing_however_much_better_they_are(count: int) -> None:
    found = seen([-10.0] * count)
    assert found.value == pytest.approx(-10, abs=1e-3) and not found.decided
    assert found.images == found.animals == count and found.more == FEWEST_HELD_OUT - count
    verdict = judge(found, training=10, held_out=count)
    assert not verdict.recommended
    for text in ("No verdict", "fell by 10 px", "proves nothing", f"at least {FEWEST_HELD_OUT}"):
        assert text in verdict.sentence
    assert f"held-out images, {found.more} more." in verdict.sentence


def test_enough_images_that_agree_are_a_verdict() -> None:
    assert judge(seen([-1, -2, -3, -1, -2, -3, -1, -2]), training=50, held_out=8).recommended
    worse = judge(seen([1, 2, 3, 1, 2, 3, 1, 2]), training=50, held_out=8)
    assert not worse.recommended and "Not recommended" in worse.sentence and "grew" in worse.sentence


def test_copies_of_a_picture_count_once() -> None:
    found = seen([-2.0] * 20, [0] * 15 + [1] * 5)
    assert found.images == 2 and found.animals == 20 and not found.decided


def test_an_effect_that_is_not_there_is_seldom_proven() -> None:
    """Of 300 trainings without effect about one in a hundred may seem to have one, not one in ten."""

    def of(errors: np.ndarray) -> SimpleNamespace:
        pairs = SimpleNamespace(errors=errors[:, None], image=np.arange(len(errors)))
        return SimpleNamespace(pairs=pairs, cases=errors)

    random = np.random.default_rng(0)
    drawn = random.normal(10, 2, (300, 2, 10))
    decided = [compare(of(before), of(after)).decided for before, after in drawn]  # type: ignore[arg-type]
    assert sum(decided) <= 9  # 3 expected; more than 9 has a probability of 1e-3


def test_it_says_how_many_images_would_decide() -> None:
    found = seen([-3, 2, -3, 1, -3, 2, -3, 1, -3, 0])
    assert not found.decided and found.more is not None and 5 < found.more < 200
    sentence = judge(found, training=50, held_out=10).sentence
    assert f"about {found.more} more held-out images would decide" in sentence
    hardly = seen([-3, 3.001, -3, 3, -3, 3, -3, 3, -3, 3])
    assert hardly.more is None and "as good as each other" in judge(hardly, training=50, held_out=10).sentence


@dataclass
class Case:
    change: Change | None
    recommended: bool
    says: str
    options: dict


CASES = {
    "better": Case(change(-3, -4, -2), True, "fell by 3 px", {}),
    "worse": Case(change(1, 0.2, 2), False, "grew by 1 px", {}),
    "perhaps chance": Case(change(-1, -3, 0.5), False, "No verdict", {}),
    "perhaps chance, worse": Case(change(1, -0.5, 3), False, "may be due to chance", {}),
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
    assert "only 4" in few and "only 1" in rough and "7 more" in rough and "same video" in same
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
