from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mice_that_act import CLASSES, acting, pair

from superanimal import behavior
from superanimal.behavior import BehaviorModel, bouts_of
from superanimal.behavior.bouts import shifted
from superanimal.behavior.classifiers.estimators import NARROWED
from superanimal.behavior.descriptors import Preset
from superanimal.behavior.measures import Regions
from superanimal.errors import InputError, ModelError, NotFoundError
from superanimal.poses import seconds

SMALL = Preset("default", (0.3, 1.0), (3.3,))
QUICK = {"classifier": "logistic", "preset": SMALL}


@pytest.fixture(scope="module")
def model() -> BehaviorModel:
    recordings = [acting(seed) for seed in range(3)]
    return behavior.train([p for p, _ in recordings], [y for _, y in recordings], **QUICK)


def macro_f1(truth: np.ndarray, found: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(truth, found, average="macro"))


def test_planted_behaviours_are_found_in_a_new_recording(model: BehaviorModel) -> None:
    poses, truth = acting(9)
    table = behavior.predict(poses, model)
    assert macro_f1(truth, table["label"].to_numpy()) > 0.95
    assert table["frame"].tolist() == list(range(len(truth)))
    assert table[CLASSES].sum(axis=1).to_numpy() == pytest.approx(1)
    assert model.macro_f1 > 0.9
    assert set(model.scores["label"]) == set(CLASSES)
    assert len(model.by_group) == 3


@pytest.mark.slow
def test_the_default_classifier_finds_them_too(tmp_path: Path) -> None:
    recordings = [acting(seed, 400) for seed in range(2)]
    preset = Preset("default", (0.2, 0.5, 1.0))
    model = behavior.train([p for p, _ in recordings], [y for _, y in recordings], preset=preset)
    poses, truth = acting(9, 400)
    table = behavior.predict(poses, model)
    assert macro_f1(truth, table["label"].to_numpy()) > 0.9
    trees, boosting = model.heads[0].estimator.members
    assert len(model.features) == trees.n_features_in_ > NARROWED
    assert boosting[-1].n_features_in_ == NARROWED
    again = behavior.load_model(model.save(tmp_path / "model"))
    pd.testing.assert_frame_equal(behavior.predict(poses, again), table)


def test_scores_of_labels_that_mean_nothing_are_those_of_chance() -> None:
    labels = np.repeat(np.random.default_rng(0).choice(["a", "b"], (3, 30)), 20, axis=1)  # bouts of a second
    poses = [acting(seed, 600)[0] for seed in range(3)]
    model = behavior.train(poses, list(labels), classifier="logistic", preset=Preset("default", (0.3,)))
    assert model.macro_f1 < 0.6


def test_probabilities_are_calibrated(model: BehaviorModel) -> None:
    poses, truth = acting(11, 2000)
    table = behavior.predict(poses, model)
    for name in CLASSES:
        assert table[name].mean() == pytest.approx((truth == name).mean(), abs=0.06)


def test_another_size_and_frame_rate(model: BehaviorModel) -> None:
    poses, truth = acting(12, 1800, fps=40, size=2.5)
    assert macro_f1(truth, behavior.predict(poses, model)["label"].to_numpy()) > 0.9


def test_a_saved_model_predicts_the_same(model: BehaviorModel, tmp_path: Path) -> None:
    poses, _ = acting(9, 300)
    folder = model.save(tmp_path / "model")
    assert not list(folder.glob("*.pkl"))
    again = behavior.load_model(folder)
    pd.testing.assert_frame_equal(behavior.predict(poses, again), behavior.predict(poses, model))
    with pytest.raises(InputError, match="already there"):
        model.save(folder)
    (folder / "model.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        behavior.load_model(folder)
    with pytest.raises(NotFoundError, match="no behaviour model"):
        behavior.load_model(tmp_path / "nothing")


def test_a_model_that_holds_other_code_is_refused(model: BehaviorModel, tmp_path: Path) -> None:
    import skops.io

    folder = model.save(tmp_path / "model")
    skops.io.dump([[Path("x")]], folder / "classifier.skops")
    with pytest.raises(ModelError, match="only classifiers of scikit-learn"):
        behavior.load_model(folder)


def test_fewer_keypoints_and_other_names_for_them(model: BehaviorModel) -> None:
    poses, truth = acting(9)
    fewer = poses.isel(keypoint=[0, 2, 3]).assign_coords(keypoint=["snout", "bodycenter", "tailbase"])
    with pytest.warns(UserWarning, match="lack neck; the model is fitted again with the 3 keypoints"):
        table = behavior.predict(fewer, model)
    assert macro_f1(truth, table["label"].to_numpy()) > 0.9
    with pytest.raises(InputError, match="at least 2 must be shared"):
        behavior.predict(poses.isel(keypoint=[0]), model)


def test_classes_leave_the_other_frames_out() -> None:
    recordings = [acting(seed) for seed in range(3)]
    chosen = behavior.train(
        [p for p, _ in recordings], [y for _, y in recordings], classes=["walking", "standing"], **QUICK
    )
    assert chosen.classes == ("walking", "standing")
    total = sum(int(np.isin(y, ["walking", "standing"]).sum()) for _, y in recordings)
    assert chosen.scores["frames"].sum() == total
    assert set(behavior.predict(acting(9)[0], chosen)["label"]) <= {"walking", "standing"}
    with pytest.raises(NotFoundError, match="unknown class 'waking'; did you mean walking"):
        behavior.train([recordings[0][0]], [recordings[0][1]], classes=["waking", "standing"], **QUICK)


def bouts(poses: object, holds: np.ndarray, label: str, **who: str) -> pd.DataFrame:
    return bouts_of(holds[:, None], seconds(poses, None, "a test"), [label], **who)  # type: ignore[arg-type]


def test_frames_in_no_bout_are_other_and_rates_are_the_models() -> None:
    recordings = [acting(seed) for seed in range(3)]
    tables = [bouts(p, y == "walking", "walking") for p, y in recordings]
    trained = behavior.train([p for p, _ in recordings], tables, **QUICK)
    assert trained.classes == ("other", "walking")
    poses, truth = acting(9)
    del poses.attrs["fps"]
    table = behavior.predict(
        poses.assign_coords(time=poses["frame"].values).assign_attrs(time_unit="frames"), trained
    )
    assert macro_f1(truth == "walking", table["label"].to_numpy() == "walking") > 0.95
    assert table["time_s"].iloc[20] == pytest.approx(1.0)


def test_actors_give_a_row_for_each_individual() -> None:
    recordings = [pair(seed) for seed in range(3)]
    tables = [bouts(p, y, "chasing", individual="a", target="b") for p, y in recordings]
    trained = behavior.train([p for p, _ in recordings], tables, **QUICK)
    poses, chases = pair(9)
    table = behavior.predict(poses, trained)
    assert table["individual"].tolist()[:4] == ["a", "b", "a", "b"]
    found = table[table["individual"] == "a"]["label"].to_numpy() == "chasing"
    assert macro_f1(chases, found) > 0.9
    assert (table[table["individual"] == "b"]["label"] == "chasing").mean() < 0.1
    with pytest.raises(InputError, match="name c"):
        behavior.train([poses], [tables[0].assign(individual="c")], **QUICK)


def test_labels_that_overlap_make_a_classifier_each() -> None:
    recordings = [acting(seed) for seed in range(3)]
    tables = [
        pd.concat([bouts(p, y == "walking", "walking"), bouts(p, y != "shaking", "calm")])
        for p, y in recordings
    ]
    trained = behavior.train([p for p, _ in recordings], tables, **QUICK)
    poses, truth = acting(9)
    table = behavior.predict(poses, trained)
    assert trained.settings.multilabel
    walking = table["label"].str.contains("walking").to_numpy()
    calm = table["label"].str.contains("calm").to_numpy()
    assert macro_f1(truth == "walking", walking) > 0.9
    assert macro_f1(truth != "shaking", calm) > 0.9
    assert (walking & calm).any()


def test_left_out_times_are_not_scored() -> None:
    poses, labels = acting(0)
    out = pd.DataFrame({"start_s": [0.0], "end_s": [10.0]})
    trained = behavior.train([poses], [labels], leave_out=[out], **QUICK)
    assert trained.scores["frames"].sum() == len(labels) - 200
    assert any("one recording" in note for note in trained.notes)


def test_labels_of_another_length_are_said() -> None:
    poses, labels = acting(0)
    with pytest.warns(UserWarning, match="905 labels for 900 frames"):
        behavior.train([poses], [np.append(labels, ["walking"] * 5)], **QUICK)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": []}, "1 poses and 0 labels"),
        ({"labels": [["walking"] * 900]}, "only class"),
        ({"labels": [[""] * 900]}, "no frame has a label"),
        ({"classifier": "forrest"}, "did you mean forest"),
        ({"preset": "papers"}, "did you mean paper"),
        ({"groups": ["a", "b"]}, "2 groups for 1"),
    ],
)
def test_bad_input_is_named(change: dict[str, object], message: str) -> None:
    poses, labels = acting(0)
    given = {"poses": [poses], "labels": [labels], **QUICK, **change}
    with pytest.raises(InputError, match=message):
        behavior.train(**given)  # type: ignore[arg-type]


def test_wrong_poses_are_named(model: BehaviorModel) -> None:
    with pytest.raises(InputError, match="3 coordinates"):
        behavior.predict(acting(0, 100, space=3)[0], model)
    with pytest.raises(InputError, match=r"shows? 2 animals"):
        behavior.predict(pair(0, 100)[0], model)


def test_a_model_that_measures_from_the_arena_needs_it(tmp_path: Path) -> None:
    (one, own), (other, labels) = acting(0), acting(1)
    arena = Regions({"food": np.array([[0, 0], [9, 0], [9, 9.0]])}, np.array([[0, 0], [99, 0], [99, 99.0]]))
    trained = behavior.train([one, other], [own, labels], regions=arena, **QUICK)
    assert trained.regions == ("arena", "food") and "edge.nose" in trained.features
    trained.save(tmp_path / "model")
    loaded = behavior.load_model(tmp_path / "model")
    arena.save(tmp_path / "arena.json")
    found = [behavior.predict(one, m, regions=tmp_path / "arena.json") for m in (trained, loaded)]
    pd.testing.assert_frame_equal(*found)
    with pytest.raises(InputError, match="the poses have no arena, food"):
        behavior.predict(one, loaded)
    with pytest.raises(InputError, match="has no arena and no regions"):
        behavior.train([one, other], [own, labels], regions=[arena, None], **QUICK)


def test_labels_that_come_late_are_told_of_and_moved() -> None:
    fps, late = 20, 1.5
    poses, labels = zip(*(acting(seed, 1_800, fps) for seed in range(2)), strict=True)
    bouts = []
    for own in labels:
        codes = np.array(own, dtype=object)
        names = sorted(set(own))
        held = np.stack([codes == name for name in names], axis=1)
        bouts.append(shifted(bouts_of(held, np.arange(len(own)) / fps, names), late))
    told = behavior.train(poses, bouts, fps=fps, **QUICK)
    said = [float(note.split(" come ")[1].split()[0]) for note in told.notes if "after the motion" in note]
    assert said == pytest.approx([late, late], abs=0.1)
    moved = behavior.train(poses, bouts, fps=fps, align=True, **QUICK)
    assert sum("they were moved" in note for note in moved.notes) == 2
    assert moved.macro_f1 > told.macro_f1 + 0.1
