"""Evaluation of predictions moved by offsets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from superanimal.errors import InputError
from superanimal.evaluation import evaluate
from superanimal.poses.animal_frame import Shape
from superanimal.poses.offsets import Offsets

NAMES = ("nose", "left_ear", "right_ear", "tail_base")
BODY = np.array([[60.0, 30.0], [50.0, 22.0], [50.0, 38.0], [10.0, 30.0]])


@pytest.fixture
def offsets() -> Offsets:
    """Undoes a shift of every keypoint by 3 px to the right, for animals that face right."""
    points = (BODY - BODY.mean(0)) * [1, -1] / 50
    offsets = np.tile([-0.06, 0.0], (4, 1))
    table = dict(zip(("a", "b", "c", "d"), NAMES, strict=True))
    images = [f"clips/one/img{i:03d}.png" for i in range(3)]
    return Offsets(
        Shape(NAMES, points, "", False), offsets, np.zeros((4, 2, 2)), table, facts={"images": images}
    )


@pytest.fixture
def truth() -> np.ndarray:
    return BODY + np.random.default_rng(0).uniform(0, 20, (12, 1, 1, 2))


def test_moved_predictions_are_scored(labels_of, poses_of, offsets, truth, tmp_path: Path) -> None:
    labels, predictions = labels_of(truth, ["a", "b", "c", "d"]), poses_of(truth + [3, 0], list(NAMES))
    result = evaluate(predictions, labels, offsets=offsets.save(tmp_path / "c.json"), samples=0)
    assert result["mean_euclidean_px"] == pytest.approx(0, abs=1e-3)
    assert result.facts["keypoint_map"] == offsets.table
    assert result.facts["labels"]["images"] == 9
    assert result.facts["warnings"][0] == "3 images used to measure the offsets are left out"
    record = result.facts["provenance"]["predictions"][0]["calibration"]
    assert record["digest"] == offsets.digest
    plain = evaluate(predictions, labels, keypoint_map=offsets.table, samples=0)
    assert plain["mean_euclidean_px"] == pytest.approx(3)


def test_nothing_left_to_evaluate(labels_of, poses_of, offsets, truth) -> None:
    all_of_them = [f"clips/one/img{i:03d}.png" for i in range(12)]
    with pytest.raises(InputError, match="all 12 labelled images were used to measure the offsets"):
        evaluate(
            poses_of(truth, list(NAMES)),
            labels_of(truth, list(NAMES)),
            offsets=replace(offsets, facts={"images": all_of_them}),
        )
