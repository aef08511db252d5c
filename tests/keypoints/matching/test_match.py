"""Matching on poses whose truth is known: renamed, dropped, shifted and swapped keypoints."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelsets import DATA
from mice import NAMES, body_lengths, jitter, labels_of, mouse_points, predictions_of, shifted

from superanimal.errors import InputError
from superanimal.keypoints import (
    Matching,
    load_table,
    match_keypoints,
    match_predictions,
    project,
    save_matching,
)
from superanimal.labels import ImageRef, read_labels, synthetic_labels
from superanimal.poses import load_space
from superanimal.synth import QUADRUPED, build_quadruped
from superanimal.synth.species import sample_posture, sample_quadruped, sample_species


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """Keypoints (40, 27, 2) of forty mice."""
    return mouse_points(40)


def found(matching: Matching) -> dict[str, str]:
    return {pair.user: pair.model for pair in matching.pairs}


def opaque(keypoints: Sequence[str]) -> list[str]:
    """Return names that say nothing."""
    return [f"p{i:02d}" for i in range(len(keypoints))]


def without(keypoints: Sequence[str]) -> list[int]:
    return [k for k, name in enumerate(NAMES) if name not in keypoints]


def test_renamed_keypoints_in_any_order(truth: np.ndarray) -> None:
    order = np.random.default_rng(4).permutation(len(NAMES))
    matching = match_predictions(
        labels_of(truth[:, order], opaque(NAMES)), predictions_of(jitter(truth, 0.02))
    )
    assert found(matching) == dict(zip(opaque(NAMES), np.array(NAMES)[order].tolist(), strict=True))
    assert min(pair.score for pair in matching.pairs) > 0.8
    assert min(pair.margin for pair in matching.pairs) > 0.6
    assert matching.unmatched_user == matching.unmatched_model == matching.warnings == ()
    assert matching.facts["axis"] == "tail_base to nose"
    assert matching.facts["body_length_px"] == pytest.approx(np.median(body_lengths(truth)), rel=0.15)


def test_a_label_outside_its_image_is_named_and_left_out(truth: np.ndarray) -> None:
    images = [ImageRef(f"lab/img{i:03d}.png", width=640, height=480) for i in range(40)]
    points = np.clip(truth[:, :6] - truth[:, :6].min() + 5, 0, 400)
    predictions = predictions_of(points, NAMES[:6])
    labels = labels_of(points, opaque(NAMES[:6])).with_columns(images=images)
    xy = labels.xy.copy()
    xy[:30, 2] = 5000
    moved = match_predictions(labels.with_columns(xy=xy), predictions)
    flags = labels.visibility.copy()
    flags[:30, 2] = -1
    xy[:30, 2] = np.nan
    absent = match_predictions(labels.with_columns(xy=xy, visibility=flags), predictions)
    assert found(moved) == found(absent) and moved.frequency.tolist() == absent.frequency.tolist()
    assert "p02 at (5000, 5000) in lab/img000.png (640 x 480 pixels)" in moved.warnings[0]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_nothing_depends_on_order_place_or_size(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = mouse_points(12, seed=3)
    predicted = jitter(truth, 0.015)
    images, keypoints = rng.permutation(12), rng.permutation(len(NAMES))
    angle, scale, move = rng.uniform(0, 6, 12), rng.uniform(0.3, 4, 12), rng.uniform(-99, 99, (12, 1, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
    turn = scale[:, None, None] * turn
    same = match_predictions(labels_of(truth, opaque(NAMES)), predictions_of(predicted), samples=0)
    truth, predicted = (points @ turn.transpose(0, 2, 1) + move for points in (truth, predicted))
    other = match_predictions(
        labels_of(truth[images][:, keypoints], np.array(opaque(NAMES))[keypoints].tolist()),
        predictions_of(predicted[images]),
        samples=0,
    )
    assert found(other) == found(same)
    assert other.frequency == pytest.approx(same.frequency[keypoints], abs=0.1)


def test_points_without_counterpart_stay_alone(truth: np.ndarray) -> None:
    lacking = ("neck", "left_hip", "tail3")
    kept = without(lacking)
    far = truth[:, :1] + body_lengths(truth)[:, None, None] * [0.7, 0.7]
    labels = labels_of(np.concatenate([truth, far], 1), [*opaque(NAMES), "corner"])
    matching = match_predictions(
        labels, predictions_of(jitter(truth, 0.015)[:, kept], [NAMES[k] for k in kept])
    )
    assert found(matching) == {f"p{k:02d}": NAMES[k] for k in kept}
    alone = {f"p{NAMES.index(name):02d}" for name in lacking}
    assert set(matching.unmatched_user) == alone | {"corner"}


def test_the_place_of_a_keypoint_without_labels_is_kept_for_it(truth: np.ndarray) -> None:
    """Right ears labelled far forward lie nearer to the nose than to any ear: still none becomes the nose."""
    nose, left, right, tail = (NAMES.index(n) for n in ("nose", "left_ear", "right_ear", "tail_base"))
    points = truth[:, [nose, left, right, tail]].copy()
    points[:, 2] += 0.7 * (truth[:, nose] - truth[:, right])
    predictions = predictions_of(jitter(truth, 0.01))
    names = ["snout", "leftear", "rightear", "tailbase"]
    assert found(match_predictions(labels_of(points[:, 1:], names[1:]), predictions))["rightear"] == "nose"
    points[:, 0] = np.nan
    matching = match_predictions(labels_of(points, names), predictions)
    assert "nose" not in found(matching).values() and "snout" in matching.unmatched_user
    assert found(matching)["leftear"] == "left_ear" and found(matching)["tailbase"] == "tail_base"
    assert any("snout" in text and "no image" in text for text in matching.warnings)


def test_a_point_joined_to_a_neighbour_is_doubted(truth: np.ndarray) -> None:
    """The model lacks the eyes, and nobody labelled the ears."""
    kept = without(("left_eye", "right_eye"))
    few = [NAMES.index(name) for name in ("nose", "left_eye", "right_eye", "tail_base")]
    predictions = predictions_of(jitter(truth, 0.01)[:, kept], [NAMES[k] for k in kept])
    matching = match_predictions(labels_of(truth[:, few], opaque(few)), predictions, max_distance=0.12)
    joined = set(found(matching)) - {"p00", "p03"}
    assert joined
    for name in joined:
        assert any(text.startswith(name) for text in matching.warnings)


def test_few_labelled_keypoints(truth: np.ndarray) -> None:
    few = [NAMES.index(name) for name in ("nose", "tail_base", "left_hip", "tail2")]
    matching = match_predictions(labels_of(truth[:, few], opaque(few)), predictions_of(jitter(truth, 0.02)))
    assert list(found(matching).values()) == [NAMES[k] for k in few]
    assert len(matching.unmatched_model) == len(NAMES) - 4


def test_shifted_definitions_are_measured(truth: np.ndarray) -> None:
    moved = shifted(shifted(truth, ["left_ear", "right_ear"], 0.04, 0.0), ["nose"], -0.02, 0.03)
    predicted = jitter(truth, 0.01)
    matching = match_predictions(labels_of(moved, opaque(NAMES)), predictions_of(predicted))
    assert list(found(matching).values()) == list(NAMES)
    bias = {pair.model: pair for pair in matching.pairs}
    for name, expected in (("left_ear", (0.04, 0)), ("right_ear", (0.04, 0)), ("nose", (-0.02, 0.03))):
        assert bias[name].offset == pytest.approx(expected, abs=0.01)
        low, high = bias[name].interval
        assert (low <= bias[name].offset).all() and (bias[name].offset <= high).all()
        assert (high - low).max() < 0.02
    assert np.abs(bias["mid_backend"].offset).max() < 0.01


def test_swapped_sides_are_found_and_said(truth: np.ndarray) -> None:
    names = list(NAMES)
    left, right = names.index("left_ear"), names.index("right_ear")
    names[left], names[right] = names[right], names[left]
    matching = match_predictions(labels_of(truth, names), predictions_of(jitter(truth, 0.02)))
    assert found(matching)["left_ear"] == "right_ear" and found(matching)["right_ear"] == "left_ear"
    (warning,) = matching.warnings
    assert warning.startswith("left/right swapped?") and "right_ear lies at left_ear" in warning


@pytest.mark.parametrize("exchanged", [("tail1", "tail2"), ("left_ear", "left_eye"), ("neck", "mid_back")])
def test_exchanged_names_do_not_beat_positions(truth: np.ndarray, exchanged: tuple[str, str]) -> None:
    names = list(NAMES)
    a, b = map(names.index, exchanged)
    names[a], names[b] = names[b], names[a]
    matching = match_predictions(labels_of(truth, names), predictions_of(jitter(truth, 0.015)))
    assert list(found(matching).values()) == list(NAMES)
    assert not any(pair.by_name for pair in matching.pairs)
    assert sum("is named like" in text for text in matching.warnings) == 2


def test_a_name_decides_between_near_points_and_says_so(truth: np.ndarray) -> None:
    """Four labels, ears placed beside the eyes, as in the openfield data set."""
    moved = shifted(truth, ["left_ear", "right_ear"], 0.07, 0.0)
    keypoints = ("nose", "left_ear", "right_ear", "tail_base")
    four = [NAMES.index(name) for name in keypoints]
    labels = labels_of(moved[:, four], ("snout", "leftear", "rightear", "tailbase"))
    predictions = predictions_of(jitter(truth, 0.01))
    by_name = match_predictions(labels, predictions)
    assert tuple(found(by_name).values()) == keypoints
    assert [pair.user for pair in by_name.pairs if pair.by_name] == ["leftear", "rightear"]
    assert sum("by position it is closer to" in text for text in by_name.warnings) == 2
    by_place = match_predictions(labels, predictions, names=False)
    assert found(by_place)["leftear"] == "left_eye" and found(by_place)["rightear"] == "right_eye"
    assert by_place.frequency == pytest.approx(by_name.frequency)


def test_one_sided_label_of_the_other_side(truth: np.ndarray) -> None:
    points = truth[:, [NAMES.index(name) for name in ("nose", "right_eye", "tail_base")]]
    labels = labels_of(points, ("nose", "left_eye", "tail_base"))
    matching = match_predictions(labels, predictions_of(jitter(truth, 0.01)), max_distance=0.2)
    assert found(matching)["left_eye"] == "right_eye"
    assert any(text.startswith("left/right swapped?") for text in matching.warnings)


def test_several_animals_in_any_order() -> None:
    rng = np.random.default_rng(8)
    truth = mouse_points(60, seed=2).reshape(20, 3, 27, 2)
    predicted = jitter(truth.reshape(60, 27, 2), 0.015).reshape(truth.shape)
    predicted = np.stack([own[rng.permutation(3)] for own in predicted])
    predicted[4, 1] = np.nan
    image = np.repeat(np.arange(20), 3)
    matching = match_predictions(
        labels_of(truth.reshape(60, 27, 2), opaque(NAMES), image), predictions_of(predicted)
    )
    assert list(found(matching).values()) == list(NAMES)
    assert matching.facts["animals"] == 59
    assert matching.warnings == (
        "1 labelled animals were left out: not found, or with too few confident keypoints",
    )


def test_only_labelled_and_confident_points_count(truth: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    labelled = np.where(rng.random(truth.shape[:2])[..., None] < 0.3, np.nan, truth)
    predicted, sure = jitter(truth, 0.015), np.full((40, 1, 27), 0.9)
    wrong = rng.random(truth.shape[:2]) < 0.3
    predicted[wrong] = rng.uniform(0, 1000, (wrong.sum(), 2))
    sure[:, 0][wrong] = 0.1
    matching = match_predictions(labels_of(labelled, opaque(NAMES)), predictions_of(predicted, NAMES, sure))
    assert list(found(matching).values()) == list(NAMES)
    both = np.isfinite(labelled).all(-1) & ~wrong
    assert [pair.images for pair in matching.pairs] == both.sum(0).tolist()
    assert min(pair.score for pair in matching.pairs) > 0.8


def test_a_common_prefix_does_not_hide_names(truth: np.ndarray) -> None:
    moved = shifted(truth, ["left_ear", "right_ear"], 0.07, 0.0)
    four = [NAMES.index(name) for name in ("nose", "left_ear", "right_ear", "tail_base")]
    names = ("adult_Nose", "adult_leftear", "adult_rightear", "adult_tailbase")
    matching = match_predictions(labels_of(moved[:, four], names), predictions_of(jitter(truth, 0.01)))
    assert found(matching)["adult_leftear"] == "left_ear"


def test_animals_seen_from_the_side_walking_either_way() -> None:
    """Thirty-nine keypoints of nine body plans; the middle of the back is labelled 5 % higher."""
    rng = np.random.default_rng(0)
    points = np.empty((40, len(QUADRUPED), 2))
    for own in points:
        kind = sample_species(rng)
        shape = sample_quadruped(rng, kind)
        body = build_quadruped(shape, sample_posture(rng, kind, shape)).keypoints
        angle = rng.normal(0, 0.3) + np.pi * rng.integers(2)
        across = body[:, 0] * np.cos(angle) - body[:, 1] * np.sin(angle)
        own[:] = np.stack([across, -body[:, 2]], -1) * rng.uniform(60, 200) + 300
    length = np.linalg.norm(points[:, 0] - points[:, QUADRUPED.index("tail_base")], axis=-1)
    predicted = points + 0.01 * length[:, None, None] * rng.normal(size=points.shape)
    points[:, QUADRUPED.index("back_middle"), 1] -= 0.05 * length
    few = np.sort(rng.permutation(len(QUADRUPED))[:22])
    few = np.union1d(few, QUADRUPED.index("back_middle"))
    matching = match_predictions(
        labels_of(points[:, few], [f"p{k:02d}" for k in few]), predictions_of(predicted, QUADRUPED)
    )
    right = [pair.model == QUADRUPED[int(pair.user[1:])] for pair in matching.pairs]
    assert sum(right) >= len(few) - 1 and matching.shape is not None and matching.shape.mirrored
    (back,) = (pair for pair in matching.pairs if pair.model == "back_middle")
    assert back.offset == pytest.approx([0, 0.05], abs=0.012)


def test_the_table_can_be_used(truth: np.ndarray, tmp_path: Path) -> None:
    labels = labels_of(truth, opaque(NAMES))
    matching = match_predictions(labels, predictions_of(jitter(truth, 0.02)))
    files = {file.name: file for file in save_matching(matching, tmp_path, column="lab")}
    assert sorted(files) == [
        "bias.png", "distance.csv", "frequency.csv", "frequency.png", "matching.json", "pairs.csv",
        "table.csv",
    ]  # fmt: skip
    converted = project(labels, load_space("topviewmouse"), load_table(files["table.csv"]))
    assert np.array_equal(converted.xy, labels.xy)
    document = json.loads(files["matching.json"].read_text())
    assert document["facts"]["provenance"]["predictions"]["model"] == "made-up"
    assert np.array(document["frequency"]).shape == (27, 27)
    rows = list(csv.DictReader(files["pairs.csv"].open()))
    assert [row["model"] for row in rows] == list(NAMES)
    assert float(rows[0]["score"]) == pytest.approx(matching.pairs[0].score, abs=1e-4)
    for name in ("frequency.png", "bias.png"):
        picture = cv2.imread(str(files[name]))
        assert picture.shape[1] > 800 and picture.std() > 5


def test_nothing_matches(truth: np.ndarray, tmp_path: Path) -> None:
    far = truth[:, :2] + 5 * body_lengths(truth)[:, None, None]
    matching = match_predictions(labels_of(far, ("a", "b")), predictions_of(truth))
    assert matching.pairs == () and matching.unmatched_user == ("a", "b")
    assert "table.csv" not in {file.name for file in save_matching(matching, tmp_path, column="lab")}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"max_distance": 0.0}, "more than 0 body lengths"),
        ({"min_score": 1.5}, "minimum score 1.5"),
        ({"min_confidence": -1}, "minimum confidence -1"),
        ({"min_confidence": 0.95}, "no animal on the 40 images is both labelled and predicted"),
    ],
)
def test_choices_that_make_no_sense(truth: np.ndarray, change: dict[str, float], text: str) -> None:
    with pytest.raises(InputError, match=re.escape(text)):
        match_predictions(labels_of(truth), predictions_of(truth), **change)


def test_rows_of_other_images_are_refused(truth: np.ndarray) -> None:
    labels, predictions = labels_of(truth), predictions_of(truth)
    with pytest.raises(InputError, match="39 rows of predictions for 40 labelled images"):
        match_predictions(labels, predictions.isel(time=slice(39)))
    with pytest.raises(InputError, match=r"img001\.png where the labels have lab/img000\.png"):
        match_predictions(labels, predictions.isel(time=[1, 0, *range(2, 40)]))


@pytest.mark.slow
def test_the_embedded_model_on_rendered_mice(tmp_path: Path) -> None:
    labels = synthetic_labels(tmp_path, 24, seed=9)
    order = np.random.default_rng(1).permutation(27)[:18]
    hidden = labels.with_columns(
        keypoints=tuple(opaque(order)), xy=labels.xy[:, order], visibility=labels.visibility[:, order]
    )
    matching = match_keypoints(hidden, "mini_topviewmouse", device="cpu")
    right = [found(matching).get(f"p{i:02d}") == NAMES[k] for i, k in enumerate(order)]
    assert np.mean(right) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("dlc-openfield", ("nose", "left_ear", "right_ear", "tail_base")),
        ("dlc-golden-mouse", NAMES),
    ],
)
def test_real_mice(folder: str, expected: tuple[str, ...]) -> None:
    if not (DATA / folder).exists():
        pytest.skip(f"{DATA / folder}: real data are not here")
    labels = read_labels(DATA / folder)
    matching = match_keypoints(labels, "mini_topviewmouse", device="cpu")
    assert found(matching) == dict(zip(labels.keypoints, expected, strict=True))
