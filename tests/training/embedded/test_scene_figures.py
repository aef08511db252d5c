"""Figures of an answer that is right, shifted or missing are what they should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from dots import tiny_model
from rendered import SOFTMAX, shard_of

from superanimal.synth import TOPVIEWMOUSE
from superanimal.training.embedded.scene_figures import answers, located, measure_detector, measure_pose
from superanimal.training.embedded.scene_samples import SceneCrops, SceneFrames
from superanimal.training.embedded.subjects import MOUSE
from superanimal.training.loop.recipe import Recipe
from superanimal.zoo.detector_model import DetectorModel
from superanimal.zoo.pose_model import PoseModel

RECIPE = Recipe(steps=1, batch=2)
SMALL = replace(MOUSE, crop=96)


class Knows(torch.nn.Module):
    """Puts a peak where the keypoints are, moved by some cells."""

    def __init__(self, samples: SceneCrops, shift: float) -> None:
        super().__init__()
        self.bias = torch.nn.Parameter(torch.zeros(1))
        batch = samples.collate([samples[n] for n in range(len(samples))])
        cells = batch["points"] / 4 - 0.5 + torch.tensor([shift, 0.0])
        y, x = torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing="ij")
        grid = torch.stack([x, y], -1)
        self.heatmap = -((grid - cells[:, :, None, None]) ** 2).sum(-1) / (2 * 0.8**2)

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"heatmap": self.heatmap[: len(images)]}


def test_figures_of_a_pose_network_that_knows() -> None:
    samples = SceneCrops([shard_of(3)], SMALL, SOFTMAX, RECIPE, augmented=False)
    entry = replace(tiny_model().entry, keypoint_names=TOPVIEWMOUSE, num_keypoints=27)
    right = measure_pose(PoseModel(entry, Knows(samples, 0.0)), samples)
    assert right["median_px"] < 0.2 and right["within_10pct"] > 0.97 and right["confidence"] > 0.9
    shifted = measure_pose(PoseModel(entry, Knows(samples, 2.0)), samples)
    assert shifted["median_px"] == pytest.approx(8, abs=0.3)
    model = PoseModel(entry, Knows(samples, 1.0))
    (outputs, truth), *others = list(answers(model, samples, 3))
    distance, _ = located(outputs, truth, model.head, 96)
    inner = (truth["points"] > 12).all(-1) & (truth["points"] < 80).all(-1)
    assert not others and np.allclose(distance[inner], 4, atol=0.2)


class Finds(DetectorModel):
    """Returns prepared boxes, frame after frame."""

    def __init__(self, boxes: list[np.ndarray]) -> None:
        self.boxes = iter(boxes)

    def detect(self, frames):  # type: ignore[no-untyped-def]
        boxes = next(self.boxes).astype(np.float32)
        return [(boxes, np.full(len(boxes), 0.9, np.float32))]


def test_figures_of_a_detector_that_knows() -> None:
    samples = SceneFrames([shard_of(3, 320, 70.0)], MOUSE, RECIPE, augmented=False)
    truth = [samples[n]["boxes"].numpy() for n in range(3)]
    assert measure_detector(Finds(truth), samples) == {
        "recall": 1.0, "precision": 1.0, "f1": 1.0, "iou": 1.0,
    }  # fmt: skip
    nothing = [np.zeros((0, 4))] * 3
    assert measure_detector(Finds(nothing), samples)["f1"] == 0.0
    twice = [np.concatenate([boxes, boxes - 200]) for boxes in truth]
    assert measure_detector(Finds(twice), samples)["precision"] == 0.5


def test_an_animal_that_does_not_count_is_no_mistake() -> None:
    samples = SceneFrames([shard_of(2, 320, 70.0)], MOUSE, RECIPE, augmented=False)
    samples.shards[0].visible[0] = False
    truth = [samples[n]["boxes"].numpy() for n in range(2)]
    figures = measure_detector(Finds(truth), samples)
    assert figures["recall"] == figures["precision"] == 1.0
