"""Calibration finds the numbers that made the data, and makes a wrong confidence right."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from rendered import SOFTMAX, shard_of
from torch import nn

from superanimal.training.embedded.confidence import calibrate_confidence, expected_error, fit_logistic
from superanimal.training.embedded.scene_samples import SceneCrops
from superanimal.training.embedded.subjects import MOUSE
from superanimal.training.loop.recipe import Recipe
from superanimal.zoo.catalog import shipped_catalog
from superanimal.zoo.pose_model import PoseModel


def test_logistic_fit_recovers_the_weights() -> None:
    rng = np.random.default_rng(0)
    evidence = np.concatenate([rng.normal(0, 2, (20_000, 2)), np.ones((20_000, 1))], 1)
    truth = np.array([0.7, -0.4, 0.5])
    right = rng.random(20_000) < 1 / (1 + np.exp(-evidence @ truth))
    assert fit_logistic(evidence, right.astype(float)) == pytest.approx(truth, abs=0.06)


def test_logistic_fit_stays_finite_where_the_classes_separate() -> None:
    evidence = np.stack([np.linspace(-1, 1, 100), np.ones(100)], 1)
    weights = fit_logistic(evidence, (evidence[:, 0] > 0).astype(float))
    assert np.isfinite(weights).all() and weights[0] > 5


def test_expected_error_is_the_gap() -> None:
    right = np.array([1.0, 1, 1, 0] * 50)
    assert expected_error(np.full(200, 0.75), right) == pytest.approx(0)
    assert expected_error(np.full(200, 0.95), right) == pytest.approx(0.2)


class Boastful(nn.Module):
    """Always sure of the middle of the crop; its visibility says nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        heatmap = torch.zeros(len(images), 27, 48, 48)
        heatmap[:, :, 24, 24] = 20.0
        return {"heatmap": heatmap, "visibility": torch.zeros(len(images), 27)}


def test_a_boastful_network_is_brought_down_to_its_true_rate() -> None:
    model = PoseModel(shipped_catalog()["mini_topviewmouse"], Boastful())
    samples = SceneCrops([shard_of(3, length=55.0, seed=60)], MOUSE, SOFTMAX, Recipe(steps=1))
    (_, _, _), figures = calibrate_confidence(model, samples, count=128)
    assert figures["error_before"] > 0.5
    assert figures["error_after"] < 0.05
