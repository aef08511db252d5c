"""What a model says about its features and about labels that it would need."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from mice_that_act import CLASSES, acting

from superanimal import behavior
from superanimal.behavior import BehaviorModel
from superanimal.behavior.descriptors import Preset
from superanimal.behavior.results.model_page import write_model_page
from superanimal.errors import InputError

SMALL = Preset("default", (0.3, 1.0), (3.3,))


@pytest.fixture(scope="module")
def model() -> BehaviorModel:
    recordings = [acting(seed) for seed in range(3)]
    return behavior.train(
        [p for p, _ in recordings], [y for _, y in recordings], classifier="logistic", preset=SMALL
    )


@pytest.fixture(scope="module")
def importance(model: BehaviorModel) -> pd.DataFrame:
    return behavior.importance(model)


def test_what_tells_planted_behaviours_apart_is_important(importance: pd.DataFrame) -> None:
    kinds = importance[importance["feature"] == ""].set_index("kind")["loss"]
    assert set(kinds.nlargest(4).index) & {"speed", "velocity", "motion"}
    assert kinds.max() > 0.05 > abs(kinds["seen"])
    single = importance[importance["feature"] != ""].set_index("feature")
    assert single.loc["speed.nose", "kind"] == "speed"
    assert single.loc["speed.nose", "columns"] == 6  # now, two windows twice, one rhythm


def test_more_recordings_are_better(model: BehaviorModel) -> None:
    curve = behavior.learning_curve(model)
    assert curve["recordings"].tolist() == [1, 2]
    assert curve["minutes"].tolist() == pytest.approx([0.75, 1.5], rel=0.05)
    assert curve["macro_f1"].iloc[-1] > 0.85
    assert curve[CLASSES].mean(axis=1).tolist() == pytest.approx(curve["macro_f1"].tolist(), abs=1e-6)


def test_the_curve_of_one_recording_is_by_its_minutes() -> None:
    poses, labels = acting(5, 1200)
    alone = behavior.train([poses], [labels], classifier="logistic", preset=SMALL)
    curve = behavior.learning_curve(alone)
    assert (np.diff(curve["minutes"]) > 0).all()
    assert set(curve["recordings"]) == {1}


def test_several_labels_at_once_are_judged_one_by_one() -> None:
    recordings = []
    for seed in range(2):
        poses, labels = acting(seed, 600)
        walks = np.flatnonzero(labels == "walking")[[0, -1]] / 20
        bouts = [(0.0, 5.0, "early"), (walks[0], walks[1], "walk or so"), (3.0, 9.0, "late")]
        recordings.append((poses, pd.DataFrame(bouts, columns=["start_s", "end_s", "label"])))
    both = behavior.train(
        [p for p, _ in recordings], [b for _, b in recordings], classifier="logistic", preset=SMALL
    )
    assert both.settings.multilabel
    assert list(behavior.learning_curve(both).columns[4:]) == list(both.classes)
    assert np.isfinite(behavior.importance(both)["loss"]).all()
    reasons = behavior.suggest(recordings[0][0], both, count=3)["reason"]
    assert reasons.str.contains("with a probability of").all()


def test_stretches_unlike_the_labelled_ones_come_first(model: BehaviorModel) -> None:
    poses, _ = acting(8, 1800)
    odd = _with_new_behaviour(poses, 600, 900)
    table = behavior.suggest([acting(7)[0], odd], model, count=6, length_s=3)
    assert list(table.columns) == ["recording", "start_s", "end_s", "label", "individual", "uncertainty",
                                   "reason", "novelty"]  # fmt: skip
    first = table.iloc[0]
    assert first["recording"] == "recording 1" and 29 <= first["start_s"] < 45
    assert "unlike everything labelled" in first["reason"]
    assert not table.duplicated(["recording", "start_s"]).any()
    behavior.check_bouts(table)  # fits wherever bouts go


def test_what_was_chosen_makes_its_copies_less_worth(model: BehaviorModel) -> None:
    odd = _with_new_behaviour(acting(8, 1800)[0], 600, 1500)
    table = behavior.suggest(odd, model, count=8)
    assert table["novelty"].iloc[0] > table["novelty"].iloc[-1]


def test_nonsense_is_refused(model: BehaviorModel) -> None:
    for options in ({"count": 0}, {"length_s": 0.0}, {"length_s": float("nan")}):
        with pytest.raises(InputError, match="both must be above 0"):
            behavior.suggest(acting(7)[0], model, **options)


def test_the_report_shows_them(model: BehaviorModel, importance: pd.DataFrame, tmp_path: Path) -> None:
    curve = behavior.learning_curve(model)
    text = write_model_page(model, tmp_path / "m.html", importance, curve).read_text("utf-8")
    assert "Importance of features" in text and "Learning curve" in text
    assert "Importance" not in write_model_page(model, tmp_path / "n.html").read_text("utf-8")


def _with_new_behaviour(poses: xr.Dataset, first: int, last: int) -> xr.Dataset:
    """Return poses in which the animal spins while it curls up, which nobody has labelled."""
    position = poses["position"].values.copy()
    own = position[first:last]
    middle = own.mean(axis=2, keepdims=True)
    angle = np.arange(last - first) * 0.6
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    position[first:last] = middle + 0.5 * np.einsum("abt,tbkn->takn", turn, own - middle)
    return poses.assign(position=(poses["position"].dims, position.astype(np.float32)))
