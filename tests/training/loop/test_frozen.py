"""Reusing the features of a backbone that keeps its weights changes the time, not the result."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from dots import dots_space, make_dots, tiny_model
from safetensors.torch import load_file

from superanimal.errors import InputError
from superanimal.labels import LabelledSet
from superanimal.training.data.samples import PoseSamples
from superanimal.training.loop.fit import fit
from superanimal.training.loop.frozen import FrozenTask
from superanimal.training.loop.recipe import Augmentation, Recipe
from superanimal.training.loop.task import PoseTask

PLAIN = replace(Augmentation.none(), rotation=20.0)
FROZEN = Recipe(
    steps=6, batch=4, lr=1e-2, backbone_factor=0.0, warmup=2, ema=0.9, validate_every=3,
    augmentation=PLAIN, device="cpu",
)  # fmt: skip


@pytest.fixture(scope="module")
def dots(tmp_path_factory: pytest.TempPathFactory) -> LabelledSet:
    return make_dots(tmp_path_factory.mktemp("dots"), 6)


def test_losses_and_gradients_are_those_of_a_frozen_backbone(dots: LabelledSet) -> None:
    found = {}
    for reuse in (0, 3):
        recipe, model = replace(FROZEN, reuse=reuse), tiny_model()
        animals = PoseSamples(dots, dots_space(), model.entry, recipe)
        task = (FrozenTask if reuse else PoseTask)(model, animals, None, recipe)
        batch = task.samples.collate([task.samples[n] for n in range(4)])
        loss = task.loss(model.network.eval(), batch)["loss"]
        loss.backward()
        found[reuse] = loss.item(), model.network.head.weight.grad
    assert found[3][0] == pytest.approx(found[0][0], rel=1e-3)  # features are kept in half precision
    torch.testing.assert_close(found[3][1], found[0][1], rtol=1e-2, atol=1e-3)


def test_only_what_is_behind_the_backbone_learns(dots: LabelledSet, tmp_path: Path) -> None:
    train, held_out = dots.subset(range(4)), dots.subset(range(4, 6))
    recipe = replace(FROZEN, steps=40, validate_every=20, reuse=6)
    run = fit(tiny_model(), train, held_out, dots_space(), recipe, tmp_path)
    learned, start = load_file(run.best_weights), tiny_model().network.state_dict()
    for name in learned:
        if name.startswith("backbone."):
            assert torch.equal(learned[name], start[name])
    assert not torch.equal(learned["head.weight"], start["head.weight"])
    with run.curves.open() as file:
        first, *_, last = csv.DictReader(file)
    assert float(last["held_out_loss"]) < 0.9 * float(first["held_out_loss"])


def test_the_backbone_sees_each_variant_once(dots: LabelledSet, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, model = replace(FROZEN, reuse=2), tiny_model()
    animals = PoseSamples(dots, dots_space(), model.entry, recipe)
    task = FrozenTask(model, animals, None, recipe)
    seen = []
    stages = task.samples.stages
    monkeypatch.setattr(task.samples, "stages", lambda images: seen.append(1) or stages(images))
    samples = [task.samples[n] for n in range(30)]
    assert len(seen) == 2 * len(dots)
    assert samples[0] is samples[12] and "image" not in samples[0]
    assert not torch.equal(samples[0]["stage0"], samples[6]["stage0"])


def test_features_are_reused_only_where_the_backbone_stays(dots: LabelledSet) -> None:
    with pytest.raises(InputError, match=r"reuse 4 with backbone_factor 0\.3"):
        replace(FROZEN, reuse=4, backbone_factor=0.3)
    recipe, model = replace(FROZEN, reuse=2), tiny_model()
    animals = PoseSamples(dots, dots_space(), model.entry, recipe)
    model.network = torch.nn.Identity()  # type: ignore[assignment]
    with pytest.raises(InputError, match="pyramid_pose networks"):
        FrozenTask(model, animals, None, recipe)


def test_a_run_of_an_older_version_goes_on(dots: LabelledSet, tmp_path: Path) -> None:
    """Its record lacks the settings that came later."""
    arguments = dots.subset(range(4)), None, dots_space()
    fit(tiny_model(), *arguments, FROZEN, tmp_path)
    record = json.loads((tmp_path / "run.json").read_text("utf-8"))
    del record["recipe"]["reuse"]
    (tmp_path / "run.json").write_text(json.dumps(record), "utf-8")
    assert fit(tiny_model(), *arguments, FROZEN, tmp_path).steps == 6
    with pytest.raises(InputError, match=r"recipe\.reuse was 0, is 3"):
        fit(tiny_model(), *arguments, replace(FROZEN, reuse=3), tmp_path)
