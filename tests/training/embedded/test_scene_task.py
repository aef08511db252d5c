"""Runs on rendered scenes learn, and one that was stopped ends with the weights of one that was not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from dots import tiny_model
from rendered import SOFTMAX, shard_of
from safetensors.torch import load_file

from superanimal.errors import InputError
from superanimal.progress import Progress
from superanimal.synth import TOPVIEWMOUSE
from superanimal.training.embedded.__main__ import detector_recipe, pose_recipe
from superanimal.training.embedded.scene_samples import SceneCrops, SceneFrames
from superanimal.training.embedded.scene_task import SceneDetectorTask, ScenePoseTask
from superanimal.training.embedded.scenes import SceneShard
from superanimal.training.embedded.subjects import MOUSE
from superanimal.training.loop.fit import run
from superanimal.training.loop.recipe import Recipe
from superanimal.training.loop.task import Task
from superanimal.training.networks.detector import new_detector
from superanimal.zoo.architectures import build_network
from superanimal.zoo.pose_model import PoseModel

SMALL = replace(MOUSE, crop=64)
POSE = replace(pose_recipe(SMALL, 6), batch=2, warmup=2, validate_every=3, device="cpu")
DETECTOR = replace(detector_recipe(SMALL, 4), batch=1, warmup=2, validate_every=2, device="cpu")


@pytest.fixture(scope="module", autouse=True)
def _one_thread():  # type: ignore[no-untyped-def]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def shards() -> tuple[SceneShard, SceneShard]:
    return shard_of(3, 128, 55.0), shard_of(2, 128, 55.0, seed=900)


def pose_task(shards: tuple[SceneShard, SceneShard], recipe: Recipe) -> ScenePoseTask:
    entry = replace(
        tiny_model(visibility=True).entry, keypoint_names=TOPVIEWMOUSE, num_keypoints=27, input_size=(64, 64)
    )
    torch.manual_seed(0)
    model = PoseModel(entry, build_network(entry.architecture, 27, **entry.options))
    train, held_out = ([shard] for shard in shards)
    return ScenePoseTask(
        model,
        SceneCrops(train, SMALL, SOFTMAX, recipe),
        SceneCrops(held_out, SMALL, SOFTMAX, recipe, augmented=False),
        recipe,
    )


def detector_task(shards: tuple[SceneShard, SceneShard], recipe: Recipe) -> SceneDetectorTask:
    train, held_out = ([shard] for shard in shards)
    return SceneDetectorTask(
        new_detector(start="random"),
        SceneFrames(train, SMALL, recipe),
        SceneFrames(held_out, SMALL, recipe, augmented=False),
    )


class Impatient(Progress):
    """Cancels after some steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps

    def advance(self, n: int = 1) -> None:
        super().advance(n)
        if self.done >= self.steps:
            self.cancel()


@pytest.mark.parametrize(("make", "recipe"), [(pose_task, POSE), (detector_task, DETECTOR)])
def test_a_run_that_was_stopped_ends_with_the_same_weights(
    make, recipe: Recipe, shards: tuple[SceneShard, SceneShard], tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    assert recipe.validate_every is not None
    within = recipe.validate_every + 1
    cancelled = run(make(shards, recipe), recipe, tmp_path / "parts", progress=Impatient(within))
    assert (cancelled.stopped_because, cancelled.steps) == ("cancelled", recipe.validate_every)
    parts = run(make(shards, recipe), recipe, tmp_path / "parts")
    whole = run(make(shards, recipe), recipe, tmp_path / "whole")
    assert parts.stopped_because == whole.stopped_because == "finished"
    ends = [torch.load(done.checkpoint, weights_only=True)["state_dict"] for done in (parts, whole)]
    assert [name for name in ends[1] if not torch.equal(ends[0][name], ends[1][name])] == []
    best = [load_file(done.best_weights) for done in (parts, whole)]
    assert all(torch.equal(best[0][name], value) for name, value in best[1].items())
    start = make(shards, recipe).network.state_dict()
    network = {name.removeprefix("network."): value for name, value in ends[1].items()}
    stem, head = "backbone.conv_stem.weight", next(n for n in start if n.startswith(("head.", "center.")))
    assert torch.equal(network[stem], start[stem])  # frozen
    assert not torch.equal(network[head], start[head])


def test_a_run_is_continued_with_its_own_scenes_only(
    shards: tuple[SceneShard, SceneShard], tmp_path: Path
) -> None:
    run(pose_task(shards, POSE), POSE, tmp_path, progress=Impatient(4))
    with pytest.raises(InputError, match="data"):
        run(pose_task((shards[1], shards[1]), POSE), POSE, tmp_path)


def test_the_loss_falls(shards: tuple[SceneShard, SceneShard]) -> None:
    task = pose_task(shards, POSE)
    batch = task.samples.collate([task.samples[n] for n in range(4)])
    optimiser = torch.optim.Adam(task.network.train().parameters(), 3e-3)
    losses = []
    for _ in range(12):
        parts = task.loss(task.network, batch)
        assert set(parts) == {"loss", "heatmap", "visibility"}
        optimiser.zero_grad()
        parts["loss"].backward()
        optimiser.step()
        losses.append(float(parts["loss"].detach()))
    assert losses[-1] < losses[0] - 0.1


def test_score_is_a_figure(shards: tuple[SceneShard, SceneShard]) -> None:
    tasks: list[Task] = [pose_task(shards, POSE), detector_task(shards, DETECTOR)]
    for task in tasks:
        assert task.score in task.validate(task.network.eval())
