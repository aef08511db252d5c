from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from dots import NAMES, dots_space, make_dots, tiny_model

from superanimal.errors import InputError
from superanimal.keypoints import LabelledSet, load_table, synthetic_labels
from superanimal.poses import load_space
from superanimal.training.finetuning import Finetuned, find_table, finetune
from superanimal.training.fit import fit
from superanimal.training.holding_out import hold_out
from superanimal.training.recipe import Augmentation, Recipe
from superanimal.zoo import PoseModel, load_pose_model

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
    return PoseModel(model.entry, model.network)


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


def test_the_other_keypoints_are_remembered(replayed: Finetuned) -> None:
    assert "undefined keypoints filled" in replayed.report["replay"]["note"]
    forgotten = replayed.report["forgetting"]
    assert forgotten["keypoints"] == 2 and forgotten["dropped_before"] == 0
    assert forgotten["moved_px"] < 1  # the labelled snout moved by 6


def test_the_folder_is_a_model(replayed: Finetuned, labelled: LabelledSet) -> None:
    folder = replayed.model.folder
    model = load_pose_model(folder)
    assert model.entry.name == "mymice" and model.keypoints == NAMES
    assert not model.entry.refine and not model.entry.beyond_box  # trained on boxes as first found
    assert model.sha256 == replayed.model.training["weights"] == model.entry.sha256
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
    assert load_pose_model(done.model.folder).keypoints == ("snout", "stern")
    assert done.report["before"]["mean_euclidean_px"] > 0 and done.report["forgetting"] is None
    assert (done.report["replay"] is None) and done.report["data"]["by"] == "given"


def test_without_held_out_frames_nothing_is_claimed(
    base: PoseModel, labelled: LabelledSet, tmp_path: Path
) -> None:
    part = labelled.subset(range(6))
    done = finetune(part, base, "finetune", tmp_path, table=TABLE, held_out=0, recipe={**QUICK, "steps": 5})
    assert not done.report["recommended"] and "Not measured" in done.report["verdict"]
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
    assert split.by == "video" and not split.leaks
    assert set(split.train.video) | set(split.test.video) == set(videos)
    assert not set(split.train.video) & set(split.test.video)
    one = hold_out(labelled.with_columns(video=np.array(["clip"] * 24, object)), 0.5, tmp_path / "one.json")
    assert one.by == "image" and [leak.kind for leak in one.leaks] == ["video"]
    again = hold_out(labelled, 0.5, tmp_path / "one.json")
    assert [image.path for image in again.train.images] == [image.path for image in one.train.images]


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


@pytest.mark.slow
def test_ten_frames_improve_the_embedded_model(tmp_path: Path) -> None:
    """Rendered mice labelled after other definitions: ears at their tips, the snout further back."""
    mice = synthetic_labels(tmp_path / "mice", 20, seed=11)
    first = np.array([np.flatnonzero(mice.image_index == i)[0] for i in range(20)])
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
    user = LabelledSet("mice", names, mice.images, np.arange(20), xy, flags)
    table = dict(zip(names, ("nose", "left_ear", "right_ear", "tail_base"), strict=True))
    done = finetune(
        user.subset(range(10)),
        "mini_topviewmouse",
        "memory-replay",
        tmp_path / "out",
        table=table,
        held_out=user.subset(range(10, 20)),
        recipe={"steps": 100, "validate_every": 50},
    )
    assert done.report["recommended"], done.report["verdict"]
    assert done.report["after"]["p50_px"] < 0.7 * done.report["before"]["p50_px"]
    assert done.report["forgetting"]["lost"] < 0.1
