from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dots import NAMES, dots_space, make_dots, tiny_model

import superanimal
from superanimal.errors import Cancelled, InputError, NotFoundError
from superanimal.formats import save_poses
from superanimal.keypoints import load_table
from superanimal.labels import ImageRef, LabelledSet, concatenate, read_labels, synthetic_labels
from superanimal.labels.combine import select
from superanimal.labels.holding_out import hold_out
from superanimal.poses import load_space
from superanimal.training.finetuning.finetune import Finetuned, find_table, finetune
from superanimal.training.loop.fit import fit
from superanimal.training.loop.recipe import Augmentation, Recipe
from superanimal.zoo import PoseModel, load_model

TABLE = {"snout": "nose", "stern": "tail_base"}
STILL = {
    "rotation": 180,
    "scale": [1, 1],
    **dict.fromkeys(("erase", "gray", "blur", "motion_blur", "noise"), 0),
}
QUICK = {
    "steps": 60,
    "batch": 8,
    "validate_every": 20,
    "patience": None,
    "lr": 1e-2,
    "backbone_factor": 1.0,
    "freeze_norm": False,
    "ema": 0.9,
    "augmentation": STILL,
    "device": "cpu",
}

EARS = ((("left_ear", "right_ear"),),)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> PoseModel:
    """A tiny network that has learnt all four dots."""
    folder = tmp_path_factory.mktemp("base")
    model, labelled = tiny_model(seed=2), make_dots(folder / "images", 32, seed=9)
    recipe = Recipe(
        steps=250,
        batch=16,
        lr=1e-2,
        ema=0.98,
        freeze_norm=False,
        augmentation=Augmentation.none(),
        device="cpu",
    )
    fit(model, labelled, None, dots_space(), recipe, folder / "run")
    return PoseModel(replace(model.entry, limbs=EARS), model.network)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> LabelledSet:
    """A user's labels: the snout lies 6 px further ahead than the model's nose, the rest is the same."""
    dots = make_dots(tmp_path_factory.mktemp("lab"), 24, seed=3, source="lab")
    ahead = dots.xy[:, 0] - dots.xy[:, 3]
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    xy = np.stack([dots.xy[:, 0] + 6 * ahead, dots.xy[:, 3]], 1)
    flags = np.full((24, 2), 2, np.int8)
    return dots.with_columns(keypoints=("snout", "stern"), xy=xy, visibility=flags)


@pytest.fixture(scope="module")
def replayed(base: PoseModel, labelled: LabelledSet, tmp_path_factory: pytest.TempPathFactory) -> Finetuned:
    folder = tmp_path_factory.mktemp("out") / "mymice"
    return finetune(
        labelled, base, "memory-replay", folder, table=TABLE, held_out=0.5, threshold=0.3, recipe=QUICK
    )


def test_the_trained_model_is_better_and_says_so(replayed: Finetuned) -> None:
    report = replayed.report
    assert report["recommended"], report["verdict"]
    assert report["after"]["mean_euclidean_px"] < 0.7 * report["before"]["mean_euclidean_px"]
    assert report["change_px"]["high"] < 0
    assert {row["keypoint"] for row in report["keypoints"]} == {"nose", "tail_base"}
    assert report["data"]["held_out_images"] == 12 and report["data"]["by"] == "image"
    assert json.loads((replayed.model.folder / "report.json").read_text())["verdict"] == report["verdict"]
    page = (replayed.model.folder / "report.html").read_text("utf-8")
    assert report["verdict"] in page and "stern" in page and page.count("<svg") == 2


def test_the_other_keypoints_are_remembered(replayed: Finetuned) -> None:
    assert "undefined keypoints filled" in replayed.report["replay"]["note"]
    forgotten = replayed.report["forgetting"]
    assert forgotten["keypoints"] == 2 and forgotten["dropped_before"] == 0
    assert forgotten["moved_px"] < 1  # the labelled snout moved by 6


def test_the_folder_is_a_model(replayed: Finetuned, labelled: LabelledSet) -> None:
    folder = replayed.model.folder
    model = load_model(folder)
    assert model.entry.name == "mymice" and model.keypoints == NAMES
    assert not model.entry.refine and not model.entry.beyond_box  # trained on boxes as first found
    assert model.sha256 == replayed.model.training["weights"] == model.entry.sha256
    assert model.entry.limbs == EARS  # what looks alike still does
    assert load_space(folder / "space.yaml").keypoints == NAMES
    assert "Verdict" in (folder / "card.md").read_text() and (folder / "curves.csv").is_file()
    assert load_table(folder / "table.csv").column("lab")["nose"].names == ("snout",)
    assert replayed.model.training["recipe"]["lr"] == QUICK["lr"]


def test_predictions_of_both_are_kept_for_the_viewer(replayed: Finetuned) -> None:
    from superanimal.formats import load_poses

    before, after = (load_poses(replayed.model.folder / f"{when}.nc") for when in ("before", "after"))
    assert before.sizes["time"] == after.sizes["time"] == 12
    assert list(before["image"].values) == list(after["image"].values)


def test_called_again_it_goes_on_and_asks_nothing_twice(
    replayed: Finetuned, base: PoseModel, labelled: LabelledSet
) -> None:
    folder = replayed.model.folder
    memory = (folder / "memory.npz").stat().st_mtime_ns
    again = finetune(
        labelled, base, "memory-replay", folder, table=TABLE, held_out=0.5, threshold=0.3, recipe=QUICK
    )
    assert (folder / "memory.npz").stat().st_mtime_ns == memory
    assert again.model.training["weights"] == replayed.model.training["weights"]
    with pytest.raises(InputError, match="drawn with"):
        finetune(labelled, base, "memory-replay", folder, table=TABLE, held_out=0.2, recipe=QUICK)


def test_starting_over_keeps_the_earlier_run_and_the_split(
    replayed: Finetuned,
    base: PoseModel,
    labelled: LabelledSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "mymice"
    shutil.copytree(replayed.model.folder, folder)
    split, curves = (folder / "split.json").read_text(), (folder / "run" / "curves.csv").read_text()

    def begin(*given: object, **options: object) -> None:
        assert given[5] == folder / "run" and not (folder / "run").exists()
        raise Cancelled("seen enough")

    monkeypatch.setattr("superanimal.training.finetuning.finetune.fit", begin)
    with pytest.raises(Cancelled, match="seen enough"):
        superanimal.finetune(
            labelled,
            base,
            "memory-replay",
            folder,
            table=TABLE,
            held_out=0.5,
            threshold=0.3,
            recipe=QUICK,
            resume=False,
        )
    (kept,) = folder.glob("kept-*-run")
    assert (kept / "curves.csv").read_text() == curves
    assert (folder / "split.json").read_text() == split


@pytest.mark.parametrize("method", ["finetune", "transfer", "scratch"])
def test_the_other_methods_give_the_users_keypoints(
    base: PoseModel, labelled: LabelledSet, tmp_path: Path, method: str
) -> None:
    done = finetune(
        labelled,
        base,
        method,
        tmp_path / "out",
        table=TABLE,
        held_out=labelled.subset(range(12, 24)),
        recipe={**QUICK, "steps": 10},
    )
    model = load_model(done.model.folder)
    assert model.keypoints == ("snout", "stern") and not model.entry.limbs
    assert done.report["before"]["mean_euclidean_px"] > 0 and done.report["forgetting"] is None
    assert (done.report["replay"] is None) and done.report["data"]["by"] == "given"


def test_without_held_out_frames_nothing_is_claimed(
    base: PoseModel, labelled: LabelledSet, tmp_path: Path
) -> None:
    part = labelled.subset(range(6))
    done = finetune(part, base, "finetune", tmp_path, table=TABLE, held_out=0, recipe={**QUICK, "steps": 5})
    assert not done.report["recommended"] and "Not measured" in done.report["verdict"]
    assert "change_px" not in done.report
    assert "only 6" in done.report["warnings"][0]


def test_names_are_enough_where_they_are_the_models(base: PoseModel, tmp_path: Path) -> None:
    dots = make_dots(tmp_path, 2)
    table, notes = find_table(None, dots, base)
    assert {k: cell.names for k, cell in table.column("dots").items()} == {k: (k,) for k in NAMES}
    assert not notes


def test_other_names_are_matched_by_position(base: PoseModel, labelled: LabelledSet) -> None:
    dots = labelled.with_columns(keypoints=("front", "back"))
    table, notes = find_table(None, dots, base)
    assert table.column("lab")["tail_base"].names == ("back",)
    assert "by position" in notes[0]


def test_the_split_keeps_videos_and_copies_together(labelled: LabelledSet, tmp_path: Path) -> None:
    videos = np.array([f"clip{i // 8}" for i in range(24)], object)
    split = hold_out(labelled.with_columns(video=videos), 0.34, tmp_path / "split.json")
    assert not (tmp_path / "split.json").exists()  # it may yet be refused
    assert split.by == "video" and not split.leaks
    assert set(split.train.video) | set(split.test.video) == set(videos)
    assert not set(split.train.video) & set(split.test.video)
    one = hold_out(labelled.with_columns(video=np.array(["clip"] * 24, object)), 0.5, tmp_path / "one.json")
    assert one.by == "image" and [leak.kind for leak in one.leaks] == ["video"]
    one.keep()
    again = hold_out(labelled, 0.5, tmp_path / "one.json")
    assert [image.path for image in again.train.images] == [image.path for image in one.train.images]


def test_a_share_that_cannot_be_held_out_is_explained(labelled: LabelledSet, tmp_path: Path) -> None:
    file = tmp_path / "split.json"
    first, second = labelled.subset([0]), labelled.subset([1])
    copies = concatenate([*[first] * 5, *[second] * 5])
    split = hold_out(copies, 0.2, file)
    assert split.test is None
    assert "0.2 of 10 images (2 different pictures)" in split.notes[0] and "hold out 30%" in split.notes[0]
    assert len(hold_out(copies, 0.3, file).test or ()) == 5  # the remedy helps
    with pytest.raises(InputError, match=r"0\.99 of 24 images") as told:
        hold_out(labelled, 0.99, file)
    assert "hold out 90% of them" in told.value.remedy
    assert len(hold_out(labelled, 0.9, file).train) > 0
    one = concatenate([first] * 4)
    assert "label other frames" in hold_out(one, 0.2, file).notes[0]


def test_held_out_labels_of_their_own_may_not_be_those_trained_on(
    labelled: LabelledSet, tmp_path: Path
) -> None:
    split = hold_out(labelled.subset(range(12)), labelled.subset(range(10, 20)), tmp_path / "split.json")
    assert [leak.kind for leak in split.leaks] == ["image", "image"]
    assert split.pictures.tolist() and len(set(split.pictures.tolist())) == 10


def test_several_animals_with_keypoints_of_their_own_scale(base: PoseModel, tmp_path: Path) -> None:
    """Two animals a picture, one keypoint undefined for the second: a multi-animal project."""
    one = make_dots(tmp_path / "a", 8, seed=1, source="lab")
    xy = np.repeat(one.xy, 2, 0)
    flags = np.full((16, 4), 2, np.int8)
    flags[1::2, 1] = -1
    two = LabelledSet(
        "lab",
        NAMES,
        one.images,
        np.repeat(np.arange(8), 2),
        np.where((flags > 0)[..., None], xy, np.nan),
        flags,
        boxes=np.repeat(one.boxes, 2, 0),
        individuals=[f"animal{i % 2}" for i in range(16)],
    )
    done = finetune(
        two, base, "memory-replay", tmp_path / "out", held_out=0.25, recipe={**QUICK, "steps": 10}
    )
    assert done.report["data"]["training_animals"] == 12


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_refused_run_leaves_the_finished_model_as_it_is(
    replayed: Finetuned, base: PoseModel, labelled: LabelledSet, tmp_path: Path
) -> None:
    folder = tmp_path / "mymice"
    shutil.copytree(replayed.model.folder, folder)
    before = content(folder)
    more = select(make_dots(tmp_path, 4, seed=8, source="lab"), ("nose", "tail_base"))
    grown = concatenate([labelled, more.with_columns(keypoints=("snout", "stern"))], name="lab")
    moved = labelled.with_columns(xy=labelled.xy + 1)
    usual = {"data": labelled, "table": TABLE, "held_out": 0.5, "threshold": 0.3, "recipe": QUICK}
    for other in (
        {"data": grown},
        {"data": moved},
        {"table": {"snout": "tail_base", "stern": "nose"}},
        {"threshold": 0.99999},
        {"method": "finetune"},
        {"recipe": {**QUICK, "lr": 1e-4}},
    ):
        with pytest.raises(InputError, match="holds another run"):
            finetune(model=base, out=folder, **{**usual, **other})  # type: ignore[arg-type]
        assert content(folder) == before


def test_a_refused_run_makes_no_folder(base: PoseModel, labelled: LabelledSet, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"leaves nothing to train on"):
        finetune(labelled, base, out=tmp_path / "out", table=TABLE, held_out=0.99, recipe=QUICK)
    assert not (tmp_path / "out").exists()


def test_predictions_are_learnt_only_when_asked_for(
    base: PoseModel, labelled: LabelledSet, tmp_path: Path
) -> None:
    sure = labelled.to_poses().drop_vars("edited", errors="ignore")
    sure["confidence"] = sure["confidence"].fillna(0.9).where(sure["position"].notnull().all("space"))
    sure = sure.assign_coords(image=("time", [Path(image.path).name for image in labelled.images]))
    (file,) = save_poses(sure, Path(labelled.images[0].path).parent / "clip.nc")
    usual = {"model": base, "out": tmp_path / "out", "table": TABLE, "held_out": 0.99, "recipe": QUICK}
    for data in (file, read_labels(file)):
        with pytest.raises(InputError, match="model predictions") as caught:
            finetune(data, **usual)  # type: ignore[arg-type]
        assert "min_confidence" in caught.value.remedy
    with pytest.raises(InputError, match="leaves nothing to train on"):  # the next step
        finetune(file, min_confidence=0.6, **usual)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="which has already been read"):
        finetune(labelled, min_confidence=0.6, **usual)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_labels_outside_the_image_are_named_and_not_learnt(
    base: PoseModel, labelled: LabelledSet, tmp_path: Path
) -> None:
    xy = labelled.xy.copy()
    xy[0, 0], xy[1, 1], xy[2, 0] = (5000, 20), (20, -200), (1e9, 30)
    wrong = labelled.with_columns(xy=xy)
    done = finetune(wrong, base, out=tmp_path / "a", table=TABLE, held_out=0.5, recipe={**QUICK, "steps": 5})
    (note,) = (note for note in done.report["notes"] if "outside" in note)
    first, second, third = (labelled.images[i].label for i in range(3))
    for text in (f"snout at (5000, 20) in {first}", f"stern at (20, -200) in {second}", f"in {third}"):
        assert text in note
    for when in ("before", "after"):
        assert done.report[when]["mean_euclidean_px"] < 15  # not hundreds


def test_missing_images_are_all_named_and_the_rest_is_learnt(
    base: PoseModel, tmp_path: Path, labelled: LabelledSet
) -> None:
    images = list(labelled.images)
    images[3] = ImageRef(str(tmp_path / "gone.png"), width=64, height=64)
    images[5] = ImageRef(str(tmp_path / "lost.png"))
    (tmp_path / "broken.png").write_bytes(b"no image")
    images[7] = ImageRef(str(tmp_path / "broken.png"))
    done = finetune(
        labelled.with_columns(images=images), base, out=tmp_path / "a", table=TABLE, held_out=0.5,
        recipe={**QUICK, "steps": 5},
    )  # fmt: skip
    (note,) = (note for note in done.report["notes"] if "cannot be used" in note)
    assert "3 of 24" in note and all(name in note for name in ("gone.png", "lost.png", "broken.png"))
    assert done.report["data"]["training_images"] + done.report["data"]["held_out_images"] == 21
    with pytest.raises(NotFoundError, match=r"none of the 2 images.*gone\.png.*lost\.png"):
        finetune(labelled.with_columns(images=images).subset([3, 5]), base, out=tmp_path / "b", table=TABLE)


@pytest.mark.parametrize("method", ["memory-replay", "finetune"])
def test_a_keypoint_without_a_label_takes_no_part(
    base: PoseModel, labelled: LabelledSet, tmp_path: Path, method: str
) -> None:
    flags = np.full((24, 3), 2, np.int8)
    flags[:, 2] = 0
    xy = np.concatenate([labelled.xy, np.full((24, 1, 2), np.nan, np.float32)], 1)
    more = labelled.with_columns(keypoints=("snout", "stern", "ear"), xy=xy, visibility=flags)
    table = {**TABLE, "ear": "left_ear"}
    done = finetune(
        more, base, method, tmp_path / "a", table=table, held_out=0.5, recipe={**QUICK, "steps": 5}
    )
    assert any("ear" in note and "none of the 12 training images" in note for note in done.report["notes"])
    assert set(done.report["table"]) == {"snout", "stern"} and not done.report["new_keypoints"]
    assert done.model.load().keypoints == (NAMES if method == "memory-replay" else ("snout", "stern"))


def test_no_label_at_all_is_said(base: PoseModel, labelled: LabelledSet, tmp_path: Path) -> None:
    none = labelled.with_columns(
        xy=np.full_like(labelled.xy, np.nan), visibility=np.zeros_like(labelled.visibility)
    )
    with pytest.raises(InputError, match="none of the 24 images has a label to learn from") as told:
        finetune(none, base, out=tmp_path / "a", table=TABLE)
    assert "hold out" not in told.value.remedy


@pytest.mark.slow
def test_ten_frames_improve_the_embedded_model(tmp_path: Path) -> None:
    """Rendered mice labelled after other definitions: ears at their tips, the snout further back."""
    mice = synthetic_labels(tmp_path / "mice", 30, seed=11)
    first = np.array([np.flatnonzero(mice.image_index == i)[0] for i in range(30)])
    place = {name: mice.xy[first, k] for k, name in enumerate(mice.keypoints)}
    xy = np.stack(
        [
            0.67 * place["nose"] + 0.33 * place["head_midpoint"],
            place["left_ear_tip"],
            place["right_ear_tip"],
            place["tail1"],
        ],
        1,
    )
    names = ("snout", "leftear", "rightear", "tailbase")
    flags = np.where(np.isfinite(xy).all(-1), 2, 0)
    user = LabelledSet("mice", names, mice.images, np.arange(30), xy, flags)
    table = dict(zip(names, ("nose", "left_ear", "right_ear", "tail_base"), strict=True))
    done = finetune(
        user.subset(range(10)),
        "mini_topviewmouse",
        "memory-replay",
        tmp_path / "out",
        table=table,
        held_out=user.subset(range(10, 30)),
        recipe={"steps": 100, "validate_every": 50},
    )
    assert done.report["recommended"], done.report["verdict"]
    assert done.report["after"]["p50_px"] < 0.7 * done.report["before"]["p50_px"]
    assert done.report["forgetting"]["lost"] < 0.1
