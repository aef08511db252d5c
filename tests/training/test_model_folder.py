from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from dots import NAMES, dots_space, tiny_model

from superanimal.errors import ModelError, NotFoundError
from superanimal.poses import load_space
from superanimal.training.model_folder import TrainedModel, release, space_of
from superanimal.zoo import PoseModel, get_entry, import_model, load_model


@pytest.fixture(scope="module")
def model() -> PoseModel:
    return tiny_model(seed=4)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SUPERANIMAL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def released(model: PoseModel, tmp_path: Path, home: Path) -> TrainedModel:
    curves = tmp_path / "run" / "curves.csv"
    curves.parent.mkdir()
    curves.write_text("step,loss\n0,1.5\n")
    about = {"base": "tiny", "figures": {"held out": "3 px"}, "notes": ["few labels"]}
    return release(
        model,
        tmp_path / "mine",
        dots_space(),
        title="dots of mine",
        facts={"method": "finetune", "recipe": {"lr": 0.1}},
        about=about,
        curves=curves,
    )


def answers(model: PoseModel) -> np.ndarray:
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), dtype=np.uint8))
    return model.forward(model.preprocess(pixels))["heatmap"].numpy()


def test_the_folder_gives_the_same_answers(released: TrainedModel, model: PoseModel) -> None:
    np.testing.assert_array_equal(answers(load_model(released.folder)), answers(model))
    np.testing.assert_array_equal(answers(released.load()), answers(model))


def test_it_says_where_it_comes_from(released: TrainedModel) -> None:
    training = json.loads((released.folder / "training.json").read_text())
    assert training["method"] == "finetune" and training["recipe"] == {"lr": 0.1}
    assert training["weights"] == released.entry.sha256 and training["versions"]["torch"]
    card = (released.folder / "card.md").read_text()
    assert "few labels" in card and "held out: 3 px" in card and released.entry.sha256 in card
    assert (released.folder / "curves.csv").read_text().startswith("step")


def test_it_is_listed_under_a_name_once_imported(released: TrainedModel, model: PoseModel) -> None:
    entry = import_model(released.folder, "my_dots")
    assert get_entry("my_dots").keypoints == NAMES and entry.title == "dots of mine"
    np.testing.assert_array_equal(answers(load_model("my_dots")), answers(model))
    assert get_entry("my_dots").card["notes"] == ("few labels",) or entry.card["notes"] == ["few labels"]
    assert space_of(get_entry("my_dots")).pairs == (("left_ear", "right_ear"),)


def test_opened_again_it_is_the_same(released: TrainedModel) -> None:
    again = load_model(released.folder)
    assert again.entry.keypoints == NAMES
    assert again.entry.head == released.entry.head and again.entry.options == released.entry.options


def test_spaces_of_models(released: TrainedModel, model: PoseModel) -> None:
    own = space_of(released.entry)
    assert own.pairs == (("left_ear", "right_ear"),) and own.sigmas[0] == 0.08
    assert space_of(get_entry("mini_topviewmouse")).name == "topviewmouse"
    assert space_of(model.entry).pairs == (("left_ear", "right_ear"),)  # told by the names
    assert load_space(released.folder / "space.yaml").keypoints == NAMES


def test_no_model_and_damaged_models_are_told(released: TrainedModel, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        load_model(tmp_path)
    (released.folder / "entry.yaml").write_text("kind: pose\n")
    with pytest.raises(ModelError, match="damaged"):
        load_model(released.folder)
