"""Offsets from few images: known offsets come back, chance is refused, the stated gain is honest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from labelsets import DATA
from mice import MODEL, NAMES, jitter, labels_of, mouse_points, predictions_of, shifted

from superanimal.errors import InputError, NotFoundError, OffsetsRefused
from superanimal.inference.labelled_images import predict_images
from superanimal.keypoints import match_predictions, measure_offsets
from superanimal.keypoints.matching.bias import centre
from superanimal.keypoints.matching.offsets import leave_out
from superanimal.labels import read_labels
from superanimal.poses.offsets import load_offsets

FOUR = ("nose", "left_ear", "right_ear", "tail_base")
TABLE = dict(zip(("snout", "leftear", "rightear", "tailbase"), FOUR, strict=True))
ROWS = [NAMES.index(name) for name in FOUR]


def world(count: int, seed: int, ears: float = 0.0, noise: float = 0.015):
    """Return true label positions (F, 4, 2) with the ears moved forward, and predictions (F, 27, 2)."""
    truth = mouse_points(count, seed)
    moved = shifted(truth, ["left_ear", "right_ear"], ears, 0.0)
    return moved[:, ROWS], jitter(truth, noise, seed=seed + 1)


def made_from(count: int, seed: int, **more: float):
    labels, predicted = world(count, seed, **more)
    return measure_offsets(labels_of(labels, tuple(TABLE)), predictions_of(predicted), TABLE, samples=300)


def mean_error(labels: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.linalg.norm(labels - predicted[:, ROWS], axis=-1).mean())


def test_ten_images_bring_the_models_points_to_the_users() -> None:
    offsets = made_from(10, seed=1, ears=0.07)
    assert {"left_ear", "right_ear"} <= set(offsets.moved) <= set(FOUR)
    for name in ("left_ear", "right_ear"):
        k = NAMES.index(name)
        assert offsets.values[k] == pytest.approx([0.07, 0], abs=0.02)
        assert (offsets.intervals[k, 0] <= offsets.values[k]).all()
        assert (offsets.values[k] <= offsets.intervals[k, 1]).all()
    fresh, predicted = world(200, seed=99, ears=0.07)
    moved = offsets.move(predicted, np.full(predicted.shape[:2], 0.9))
    before, after = mean_error(fresh, predicted), mean_error(fresh, moved)
    assert after < 0.7 * before
    assert offsets.table == TABLE
    assert (offsets.model, offsets.weights) == (MODEL["model"], MODEL["weights"])
    assert offsets.facts["images"][3] == "lab/img003.png"


def test_keypoints_without_a_real_gain_stay() -> None:
    offsets = made_from(60, seed=2, ears=0.07)
    still = [name for name in NAMES if name not in offsets.moved]
    assert set(offsets.moved) == {"left_ear", "right_ear"}
    assert not offsets.values[[NAMES.index(name) for name in still]].any()
    assert np.isnan(offsets.intervals[NAMES.index("nose")]).all()


@pytest.mark.parametrize("count", [8, 40])
def test_no_bias_is_refused(count: int) -> None:
    """The rule allows 2.5 % of false acceptances; more than two of fifteen would be a broken rule."""
    accepted, truth = 0, mouse_points(count, seed=100)
    labels = labels_of(truth[:, ROWS], tuple(TABLE))
    for seed in range(15):
        try:
            measure_offsets(labels, predictions_of(jitter(truth, 0.015, seed=seed)), TABLE, samples=300)
            accepted += 1
        except OffsetsRefused as refusal:
            assert "may be due to chance" in str(refusal)
    assert accepted <= 2


@pytest.mark.slow
def test_the_stated_gain_is_that_on_fresh_images() -> None:
    """Over many measurements, the cross-validated gain is on average neither too high nor too low."""
    stated, real = [], []
    for seed in range(12):
        offsets = made_from(20, seed=300 + seed, ears=0.06)
        stated.append(offsets.facts["gain"]["gain"][0])
        fresh, predicted = world(60, seed=900 + seed, ears=0.06)
        moved = offsets.move(predicted, np.full(predicted.shape[:2], 0.9))
        length = np.linalg.norm(predicted[:, ROWS[0]] - predicted[:, ROWS[3]], axis=-1)[:, None]
        gain = np.linalg.norm(fresh - predicted[:, ROWS], axis=-1) - np.linalg.norm(
            fresh - moved[:, ROWS], axis=-1
        )
        real.append((gain / length).mean())
    assert np.mean(stated) == pytest.approx(np.mean(real), rel=0.25)


def test_too_few_images_are_refused() -> None:
    with pytest.raises(OffsetsRefused, match="only 4 images have"):
        made_from(4, seed=1, ears=0.1)


def test_a_wrong_prediction_does_not_spoil_the_offset() -> None:
    rng = np.random.default_rng(0)
    offsets = np.array([0.05, -0.02]) + 0.005 * rng.normal(size=(11, 1, 2))
    offsets[3] = [1.5, 1.5]
    offsets[7] = np.nan
    assert centre(offsets)[0] == pytest.approx([0.05, -0.02], abs=0.005)
    assert np.isnan(centre(np.full((5, 1, 2), np.nan))).all()


def test_a_matching_serves_as_table() -> None:
    labels, predicted = world(15, seed=3, ears=0.06)
    labelled, predictions = labels_of(labels, tuple(TABLE)), predictions_of(predicted)
    matching = match_predictions(labelled, predictions)
    assert measure_offsets(labelled, predictions, matching).table == TABLE


def test_the_file_is_plain_json(tmp_path: Path) -> None:
    offsets = made_from(10, seed=1, ears=0.07)
    document = json.loads(offsets.save(tmp_path / "c.json").read_text())
    assert document["weights"] == MODEL["weights"]
    assert document["facts"]["gain"]["gain_px"][1] > 0
    assert set(document["facts"]["keypoints"]) == set(TABLE)
    assert document["facts"]["provenance"]["action"] == "measure_offsets"
    assert load_offsets(tmp_path / "c.json").digest == offsets.digest


def test_images_of_the_offsets_are_no_test_images() -> None:
    offsets = made_from(10, seed=1, ears=0.07)
    more = labels_of(world(14, seed=1)[0], tuple(TABLE))
    rest, notes = leave_out(more, offsets)
    assert [image.label for image in rest.images] == [f"lab/img{i:03d}.png" for i in range(10, 14)]
    assert notes == ["10 images used to measure the offsets are left out"]
    assert leave_out(rest, offsets) == (rest, [])
    with pytest.raises(InputError, match="all 10 labelled images were used"):
        leave_out(more.subset(range(10)), offsets)


@pytest.mark.parametrize(
    ("table", "error", "text"),
    [
        ({"snut": "nose"}, NotFoundError, "snout"),
        ({"snout": "noze"}, NotFoundError, "nose"),
        ({}, InputError, "no keypoint is matched"),
        ({"snout": "nose", "leftear": "nose"}, InputError, "one-to-one"),
    ],
)
def test_tables_that_do_not_fit(table: dict[str, str], error: type[InputError], text: str) -> None:
    labels, predicted = world(8, seed=3)
    with pytest.raises(error, match=text):
        measure_offsets(labels_of(labels, tuple(TABLE)), predictions_of(predicted), table)


@pytest.mark.slow
def test_ten_real_frames(tmp_path: Path) -> None:
    folder = DATA / "dlc-openfield"
    if not folder.exists():
        pytest.skip(f"{folder}: real data are not here")
    labels = read_labels(folder)
    order = np.random.default_rng(0).permutation(len(labels))
    few, rest = (labels.subset(np.sort(part)) for part in (order[:10], order[10:]))
    predictions = predict_images(few, "mini_topviewmouse", boxes="labels", device="cpu")
    offsets = measure_offsets(few, predictions, TABLE)
    test = predict_images(rest, "mini_topviewmouse", boxes="labels", device="cpu")

    def error(ds) -> float:
        found = ds["position"].sel(keypoint=list(FOUR)).values[..., 0].transpose(0, 2, 1)
        return float(
            np.nanmean(
                np.linalg.norm(found - rest.to_poses()["position"].values[..., 0].transpose(0, 2, 1), axis=-1)
            )
        )

    assert error(offsets.apply(test)) < 0.7 * error(test)
