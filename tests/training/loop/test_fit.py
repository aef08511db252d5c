"""The loop learns, keeps the best, stops early, is cancelled, and refuses to mix runs."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from dots import SOFTMAX, dots_space, make_dots, tiny_model, undefine
from safetensors.torch import load_file

from superanimal.errors import InputError, ModelError
from superanimal.labels import LabelledSet
from superanimal.progress import Progress
from superanimal.training.loop.fit import FitResult, fit
from superanimal.training.loop.recipe import Augmentation, Recipe
from superanimal.training.loop.task import PoseTask
from superanimal.zoo import PoseModel
from superanimal.zoo.checkpoint import read_checkpoint
from superanimal.zoo.load import build

PLAIN = replace(Augmentation.none(), rotation=20.0)
QUICK = Recipe(
    steps=60, batch=8, lr=1e-2, backbone_factor=1.0, freeze_norm=False, warmup=5, ema=0.9,
    validate_every=20, augmentation=PLAIN, device="cpu",
)  # fmt: skip


@pytest.fixture(scope="module")
def dots(tmp_path_factory: pytest.TempPathFactory) -> LabelledSet:
    return make_dots(tmp_path_factory.mktemp("dots"), 12)


def rows_of(result: FitResult) -> list[dict[str, str]]:
    with result.curves.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def run(dots: LabelledSet, tmp_path_factory: pytest.TempPathFactory) -> tuple[PoseModel, FitResult]:
    folder = tmp_path_factory.mktemp("run")
    model = tiny_model()
    train, held_out = dots.subset(range(8)), dots.subset(range(8, 12))
    return model, fit(model, train, held_out, dots_space(), QUICK, folder)


def test_learns_in_seconds(run: tuple[PoseModel, FitResult]) -> None:
    _, result = run
    rows = rows_of(result)
    assert [float(row["step"]) for row in rows] == [0, 20, 40, 60]
    assert result.steps == 60
    assert result.stopped_because == "finished"
    assert float(rows[0]["held_out_error_px"]) > 8
    assert result.best["held_out_error_px"] < 2
    assert result.best["held_out_oks"] > 0.9


@pytest.mark.parametrize("activation", ["none", "sigmoid"])
def test_other_heatmaps_learn_too(activation: str, dots: LabelledSet, tmp_path: Path) -> None:
    model = tiny_model(head=replace(SOFTMAX, activation=activation))  # type: ignore[arg-type]
    recipe = replace(QUICK, steps=100, validate_every=50, sigma=1.0)
    result = fit(model, dots.subset(range(8)), dots.subset(range(8, 12)), dots_space(), recipe, tmp_path)
    assert result.best["held_out_error_px"] < 4


def test_best_weights_load_as_a_zoo_model(run: tuple[PoseModel, FitResult]) -> None:
    model, result = run
    network = build(model.entry, read_checkpoint(result.best_weights)).eval()
    x = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        again, own = network(x)["heatmap"], model.network.eval()(x)["heatmap"]
    assert torch.allclose(again, own, atol=1e-5)


def test_decoded_crops_go_at_the_end(run: tuple[PoseModel, FitResult]) -> None:
    _, result = run
    assert not (result.best_weights.parent / "cache").exists()


@pytest.mark.slow
def test_worker_processes_give_the_same_samples(dots: LabelledSet, tmp_path: Path) -> None:
    recipe = replace(QUICK, steps=4, validate_every=4)
    alone, helped = (
        fit(tiny_model(), dots, dots, dots_space(), replace(recipe, workers=n), tmp_path / str(n))
        for n in (0, 2)
    )
    same = [load_file(one.best_weights) for one in (alone, helped)]
    assert all(torch.equal(same[0][name], same[1][name]) for name in same[0])


def test_checkpoint_says_what_ran(run: tuple[PoseModel, FitResult]) -> None:
    _, result = run
    state = torch.load(result.checkpoint, weights_only=True)
    record = state["superanimal"]
    assert record["recipe"]["seed"] == 0
    assert set(record["task"]["data"]) == {"train", "validation"}
    names = [key.split("/")[-1] for key in record["task"]["images"]["validation"]]
    assert names == [f"dots0_{i:03d}.png" for i in range(8, 12)]
    assert state["optimizer_states"]
    assert state["lr_schedulers"]


def test_finished_run_is_not_trained_again(run, dots, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    _, result = run
    before = result.checkpoint.stat().st_mtime_ns
    train, held_out = dots.subset(range(8)), dots.subset(range(8, 12))
    again = fit(tiny_model(), train, held_out, dots_space(), QUICK, result.best_weights.parent)
    assert again == result
    assert result.checkpoint.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 0.002}, r"recipe.lr was 0.01, is 0.002"),
        ({"augmentation": Augmentation()}, r"recipe.augmentation.flip was 0, is 0.5"),
    ],
)
def test_another_recipe_is_refused(run, dots, change, message) -> None:  # type: ignore[no-untyped-def]
    _, result = run
    train, held_out = dots.subset(range(8)), dots.subset(range(8, 12))
    recipe = replace(QUICK, **change)
    with pytest.raises(InputError, match=message):
        fit(tiny_model(), train, held_out, dots_space(), recipe, result.best_weights.parent)


def test_other_data_are_refused_and_nothing_is_overwritten(run, dots) -> None:  # type: ignore[no-untyped-def]
    _, result = run
    folder = result.best_weights.parent
    train, held_out = dots.subset(range(8)), dots.subset(range(8, 12))
    moved = train.with_columns(xy=train.xy + np.float32(0.5))
    with pytest.raises(InputError, match=r"data\.train was"):
        fit(tiny_model(), moved, held_out, dots_space(), QUICK, folder)
    with pytest.raises(InputError, match="already holds a run"):
        fit(tiny_model(), train, held_out, dots_space(), QUICK, folder, resume=False)


def test_other_starting_weights_are_refused_before_the_first_checkpoint(
    dots: LabelledSet, tmp_path: Path
) -> None:
    recipe = replace(QUICK, steps=8, validate_every=8)
    fit(tiny_model(), dots, None, dots_space(), recipe, tmp_path, progress=Stopper(2))
    assert not (tmp_path / "last.ckpt").exists()
    with pytest.raises(InputError, match="the starting weights differ"):
        fit(tiny_model(seed=1), dots, None, dots_space(), recipe, tmp_path)
    assert fit(tiny_model(), dots, None, dots_space(), recipe, tmp_path).steps == 8


def test_undefined_channels_keep_their_weights(dots: LabelledSet, tmp_path: Path) -> None:
    model = tiny_model()
    before = model.network.head.weight.detach().clone()  # type: ignore[union-attr]
    recipe = replace(QUICK, steps=5, validate_every=5, weight_decay=0.0, ema=0.0)
    fit(model, undefine(dots, "tail_base"), None, dots_space(), recipe, tmp_path)
    after = model.network.head.weight.detach()  # type: ignore[union-attr]
    assert torch.equal(after[3], before[3])
    assert not torch.equal(after[0], before[0])


def test_early_stopping_keeps_the_best(dots: LabelledSet, tmp_path: Path) -> None:
    recipe = replace(QUICK, steps=100, validate_every=2, patience=2, lr=1e-9, ema=0.0)
    result = fit(tiny_model(), dots, dots, dots_space(), recipe, tmp_path)
    assert result.stopped_because == "early stopping"
    assert result.steps < 100
    again = fit(tiny_model(), dots, dots, dots_space(), recipe, tmp_path)
    assert again == result


class Stopper(Progress):
    """Cancels after some steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.curve: list[dict[str, float]] = []

    def emit(self, kind: str, /, **payload: object) -> None:
        if kind == "curve":
            self.curve.append(payload["row"])

    def changed(self) -> None:
        if self.unit == "steps" and self.done >= self.steps:
            self.cancel()


def test_cancelled_run_goes_on(dots: LabelledSet, tmp_path: Path) -> None:
    recipe = replace(QUICK, steps=12, validate_every=4)
    stopper = Stopper(6)
    result = fit(tiny_model(), dots, dots, dots_space(), recipe, tmp_path, progress=stopper)
    assert result.stopped_because == "cancelled"
    assert result.steps == 4
    assert [row["step"] for row in stopper.curve] == [0, 4]
    done = fit(tiny_model(), dots, dots, dots_space(), recipe, tmp_path)
    assert done.steps == 12
    whole = fit(tiny_model(), dots, dots, dots_space(), recipe, tmp_path / "whole")
    same = [load_file(one.best_weights) for one in (done, whole)]
    assert all(torch.equal(same[0][name], same[1][name]) for name in same[1])


def test_divergence_is_said_and_the_best_is_kept(dots: LabelledSet, tmp_path: Path) -> None:
    recipe = replace(QUICK, steps=40, validate_every=10, lr=1e30, clip=0.0)
    with pytest.raises(ModelError, match="training diverged"):
        fit(tiny_model(), dots, dots, dots_space(), recipe, tmp_path)
    assert (tmp_path / "best.safetensors").is_file()


def test_a_network_that_gives_no_numbers_any_more_is_said(
    dots: LabelledSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = iter([{"oks": 0.5}, {"oks": float("nan")}])  # the loss stays finite: the average is broken
    monkeypatch.setattr(PoseTask, "validate", lambda *_: next(figures))
    recipe = replace(QUICK, steps=4, validate_every=2)
    with pytest.raises(ModelError, match="held_out_oks is not a number at step 2"):
        fit(tiny_model(), dots, dots, dots_space(), recipe, tmp_path)
    assert (tmp_path / "best.safetensors").is_file()


def test_whole_frame_takes_one_animal_per_image(dots: LabelledSet, tmp_path: Path) -> None:
    recipe = replace(QUICK, steps=2, whole_frame=True)
    result = fit(tiny_model(), dots, dots, dots_space(), recipe, tmp_path)
    assert np.isfinite(result.best["held_out_error_px"])
    doubled = dots.with_columns(image_index=np.zeros(12, np.int64))
    with pytest.raises(InputError, match="shows 12 animals"):
        fit(tiny_model(), doubled, None, dots_space(), recipe, tmp_path / "other")


def test_other_keypoints_are_refused(dots: LabelledSet, tmp_path: Path) -> None:
    renamed = dots.with_columns(keypoints=("a", "b", "c", "d"))
    with pytest.raises(InputError, match="project"):
        fit(tiny_model(), renamed, None, dots_space(), QUICK, tmp_path)


def test_run_record_is_readable(run: tuple[PoseModel, FitResult]) -> None:
    _, result = run
    record = json.loads((result.best_weights.parent / "run.json").read_text())
    assert (record["rounds"], record["steps_per_round"]) == (3, 20)
    assert record["batch"] == 8
