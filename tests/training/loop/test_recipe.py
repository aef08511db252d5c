"""Settings are checked by name, type and range; the length and the schedule follow from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from superanimal.errors import InputError, NotFoundError
from superanimal.settings import read_yaml
from superanimal.training.loop.lightning_module import factor
from superanimal.training.loop.recipe import Augmentation, Recipe, parse_recipe


def test_yaml_becomes_a_recipe(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text("steps: 100\nlr: 1e-4\nbatch: auto\nfreeze: 2\naugmentation: {scale: [0.8, 1.2]}\n")
    recipe = parse_recipe(read_yaml(file))
    assert (recipe.steps, recipe.lr, recipe.batch, recipe.freeze) == (100, 1e-4, "auto", 2)
    assert recipe.augmentation == Augmentation(scale=(0.8, 1.2))
    assert parse_recipe(recipe.record()) == recipe


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 1, "learning_rate": 1}, "unknown setting recipe.learning_rate"),
        ({"steps": 1, "shedule": "step"}, "did you mean schedule"),
        ({"steps": 1, "augmentation": {"rotate": 3}}, r"unknown setting recipe\.augmentation\.rotate"),
        ({"steps": 1, "augmentation": {"rotate": 3}}, "did you mean rotation"),
        ({"steps": 1.5}, r"recipe\.steps: 1\.5; input should be a valid integer"),
        ({"steps": True}, r"recipe\.steps: True; input should be a number"),
        (
            {"steps": 1, "batch": "all"},
            r"recipe\.batch: 'all'; input should be a valid integer.* or input should be 'auto'",
        ),
        ({"steps": 1, "schedule": "linear"}, "input should be 'cosine', 'step' or 'constant'"),
        ({"steps": 1, "augmentation": {"scale": [0.5]}}, r"recipe\.augmentation\.scale has too few values"),
        ({"steps": 1, "augmentation": {"flip": 2}}, r"augmentation\.flip 2; from 0 to 1"),
        ({"steps": 1, "augmentation": {"scale": [1.2, 1.4]}}, "low <= 1 <= high"),
        ({"steps": 1, "augmentation": 3}, r"recipe\.augmentation: 3; input should be a dictionary"),
        ({"steps": 1, "lr": "fast"}, r"recipe\.lr: 'fast'; input should be a valid number"),
        ({"steps": 1, "lr": 0}, r"recipe\.lr 0; greater than 0"),
        ({"steps": 1, "source_weights": {"a": -1}}, r"source_weights\.a -1"),
        ({}, "one of them must give the length"),
        ({"steps": 1, "epochs": 2}, "one of them must give the length"),
    ],
)
def test_mistakes_are_said(settings: dict, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(InputError, match=message):
        parse_recipe(settings)


def test_files_are_checked(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such settings file"):
        read_yaml(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(InputError, match="holds a list"):
        read_yaml(tmp_path / "list.yaml")
    (tmp_path / "broken.yaml").write_text("a: [1\n")
    with pytest.raises(InputError, match="not a YAML"):
        read_yaml(tmp_path / "broken.yaml")


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (Recipe(steps=60, validate_every=20), (3, 20)),
        (Recipe(steps=50, validate_every=20), (3, 20)),
        (Recipe(steps=5), (1, 5)),
        (Recipe(steps=100), (4, 25)),
        (Recipe(steps=4000), (20, 200)),
        (Recipe(epochs=2, batch=8, accumulate=2), (1, 20)),  # 160 samples in steps of 16
        (Recipe(epochs=2, batch=8, devices=2, nodes=2), (1, 10)),
    ],
)
def test_length_in_rounds(recipe: Recipe, expected: tuple[int, int]) -> None:
    assert recipe.length(samples=160, batch=8) == expected


def test_schedules() -> None:
    cosine = Recipe(steps=1000, warmup=10)
    assert factor(cosine, 0, 1000) == pytest.approx(0.1)
    assert factor(cosine, 9, 1000) == 1
    assert factor(cosine, 10, 1000) == pytest.approx(1)
    assert factor(cosine, 505, 1000) == pytest.approx(0.505, abs=1e-3)
    assert factor(cosine, 1000, 1000) == pytest.approx(0.01)
    step = Recipe(steps=210, warmup=0, schedule="step")  # the paper: epochs 170 and 200 of 210
    assert [round(factor(step, n, 210), 6) for n in (0, 169, 171, 199, 200)] == [1, 1, 0.1, 0.1, 0.01]
    constant = Recipe(steps=10, warmup=100, schedule="constant")
    assert [factor(constant, n, 10) for n in (0, 5)] == [1, 1]  # warm-up takes at most a tenth
