"""Errors, steadiness and reliability against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superanimal.bootstrap import bootstrap
from superanimal.evaluation.cases import make_cases
from superanimal.evaluation.errors import PointErrors, Swaps, reference_lengths
from superanimal.evaluation.pairing import pair_animals
from superanimal.evaluation.reliability import Reliability
from superanimal.evaluation.stability import body_size, dropped, is_video, jitter, stability
from superanimal.evaluation.tables import image_table, keypoint_table
from superanimal.evaluation.weighted import Ordered

AB = {"a": "a", "b": "b"}
ONE = np.ones(1, int)


def pairs_of(labels_of, poses_of, truth, predicted, confidence=None, names=("a", "b")):
    cases = make_cases(
        labels_of(np.asarray(truth, float), list(names)),
        [poses_of(np.asarray(predicted, float), list(names), confidence)],
        {name: name for name in names},
    )
    return pair_animals(cases)


def test_mean_and_root_mean_square_by_hand(labels_of, poses_of) -> None:
    """Errors 5 (3-4-5) and 10 (6-8-10) in an animal 100 px long."""
    pairs = pairs_of(labels_of, poses_of, [[[[0, 0], [100, 0]]]], [[[[3, 4], [106, 8]]]])
    found = PointErrors(pairs, None, 0.6).summary(ONE)
    assert found["mean_euclidean_px"] == pytest.approx(7.5)
    assert found["root_mean_square_px"] == pytest.approx(np.sqrt((25 + 100) / 2))
    assert found["p50_px"] == pytest.approx(7.5)
    assert found["p75_px"] == pytest.approx(8.75)
    assert found["mean_euclidean_animal"] == pytest.approx(0.075)
    assert found["root_mean_square_animal"] == pytest.approx(np.sqrt(62.5) / 100)
    assert (found["PCK@0.05"], found["PCK@0.1"]) == (0.5, 1.0)
    assert found["missed_keypoints"] == 0
    assert "mean_euclidean_confident_px" not in found


def test_a_missing_prediction_is_missed_and_never_correct(labels_of, poses_of) -> None:
    pairs = pairs_of(labels_of, poses_of, [[[[0, 0], [100, 0]]]], [[[[0, 3], [np.nan, np.nan]]]])
    errors = PointErrors(pairs, None, 0.6)
    found = errors.summary(ONE)
    assert found["mean_euclidean_px"] == 3
    assert found["missed_keypoints"] == 0.5
    assert errors.pck([0.02, 0.03, 5.0], ONE) == pytest.approx([0, 0.5, 0.5])


def test_errors_of_confident_keypoints_only(labels_of, poses_of) -> None:
    sure = np.array([[[0.9, 0.2]]])
    pairs = pairs_of(labels_of, poses_of, [[[[0, 0], [100, 0]]]], [[[[0, 2], [100, 50]]]], sure)
    found = PointErrors(pairs, None, 0.6).summary(ONE)
    assert found["mean_euclidean_confident_px"] == 2
    assert found["confident_keypoints"] == 0.5


def test_normalised_error_takes_the_median_length_of_the_video() -> None:
    points = np.array([[[0, 0], [30, 40]], [[0, 0], [0, 60]], [[0, 0], [0, 10]], [[0, 0], [np.nan, np.nan]]])
    points = np.concatenate([points, [[[0, 0], [7, 0]]]])
    lengths = reference_lengths(points, ["x", "x", "y", "x", "z"])
    assert lengths.tolist() == [55, 55, 10, 55, 7]


def test_animals_pair_by_place_not_by_order(labels_of, poses_of) -> None:
    truth = [[[[0, 0], [10, 0]], [[100, 100], [110, 100]]]]
    predicted = [[[[100, 101], [110, 101]], [[500, 500], [510, 500]], [[0, 2], [10, 2]]]]
    pairs = pairs_of(labels_of, poses_of, truth, predicted)
    assert pairs.answer.tolist() == [2, 0]
    assert pairs.errors.tolist() == [[2, 2], [1, 1]]
    assert pairs.extra.tolist() == [1]


def test_left_and_right_swapped_collapsed_and_too_close(labels_of, poses_of) -> None:
    names = ("left_ear", "right_ear", "tail")
    body = [[0, 0], [20, 0], [10, 100]]
    close = [[0, 0], [2, 0], [0, 100]]
    truth = [[body], [body], [body], [close]]
    predicted = [
        [[[20, 1], [0, 1], [10, 100]]],  # swapped
        [[[19, 0], [20, 0], [10, 100]]],  # both on the right
        [[body[0], body[1], body[2]]],
        [[[2, 0], [0, 0], [0, 100]]],  # too close together to tell
    ]
    pairs = pairs_of(labels_of, poses_of, truth, predicted, names=names)
    swaps = Swaps(pairs, np.array([[0, 1]]))
    found = swaps.summary(np.ones(4, int))
    assert found == {"left_right_swaps": pytest.approx(1 / 3), "left_right_collapsed": pytest.approx(1 / 3)}
    assert np.isnan(swaps.summary(np.array([0, 0, 0, 1]))["left_right_swaps"])


def test_reliability_by_hand(labels_of, poses_of) -> None:
    """Animal of 100 px, right within 10: confidences .95 .95 right, .85 wrong, .15 wrong."""
    truth = [[[[0, 0], [100, 0]]], [[[0, 0], [100, 0]]]]
    predicted = [[[[0, 1], [100, 9]]], [[[0, 11], [100, 90]]]]
    sure = np.array([[[0.95, 0.95]], [[0.85, 0.15]]])
    reliability = Reliability(pairs_of(labels_of, poses_of, truth, predicted, sure))
    found = reliability.summary(np.ones(2, int))
    assert found["calibration_error"] == pytest.approx((2 * 0.05 + 0.85 + 0.15) / 4, abs=1e-6)
    assert found["brier_score"] == pytest.approx((2 * 0.05**2 + 0.85**2 + 0.15**2) / 4, abs=1e-6)
    assert found["confidence_AUROC"] == 1
    assert reliability.diagram(np.ones(2, int))["count"].tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 1, 2]
    assert reliability.diagram(np.array([3, 0]))["count"][-1] == 6


def test_jitter_by_hand(poses_of) -> None:
    """Two keypoints move by (3, 1) and (0, 2): the mean is 1.5; then a gap; then only one is seen."""
    nan = [np.nan, np.nan]
    points = [[[[0, 0], [5, 5]]], [[[3, -1], [5, 7]]], [[[9, 9], [9, 9]]], [[[9, 9], nan]], [[[9, 10], nan]]]
    poses = poses_of(np.array(points, float), ["a", "b"], images=None, frames=np.array([0, 1, 7, 8, 9]))
    assert jitter(poses)[:, 0] == pytest.approx([np.nan, 1.5, np.nan, 0, 0.5], nan_ok=True)
    figures, series = stability(poses, 0.6)
    assert figures["jitter_mean_px"] == pytest.approx((1.5 + 0 + 0.5) / 3)
    assert figures["jitter_median_px"] == 0.5
    assert series["frame"].tolist() == [0, 1, 7, 8, 9]


def test_body_size_is_the_root_of_the_hull_area(poses_of) -> None:
    square = [[0, 0], [10, 0], [10, 10], [0, 10], [5, 5]]
    line = [[0, 0], [1, 1], [2, 2], [3, 3], [4, 4]]
    twice = [[0, 0], [20, 0], [20, 20], [0, 20], [5, 5]]
    points = np.array([[square], [twice], [line]], float)
    points = np.concatenate([points, np.full((1, 1, 5, 2), np.nan)])
    poses = poses_of(points, list("abcde"), images=None)
    assert body_size(poses)[:, 0] == pytest.approx([10, 20, 0, np.nan], nan_ok=True)
    figures, _ = stability(poses, 0.6)
    assert figures["body_size_change_px"] == pytest.approx((10 + 20) / 2)
    assert figures["body_size_change_relative"] == pytest.approx(15 / 10)
    assert (figures["frames"], figures["frames_without_animal"]) == (4, 1)


def test_dropped_keypoints(poses_of) -> None:
    points = np.zeros((2, 1, 3, 2))
    points[0, 0, 2] = points[1] = np.nan
    sure = np.array([[[0.9, 0.3, np.nan]], [[np.nan] * 3]])
    poses = poses_of(points, list("abc"), sure, images=None)
    assert dropped(poses, 0.6)[:, 0] == pytest.approx([2, np.nan], nan_ok=True)


def test_labelled_images_are_no_video(poses_of) -> None:
    points = np.zeros((3, 1, 2, 2))
    assert not is_video(poses_of(points, ["a", "b"]))
    assert not is_video(poses_of(points, ["a", "b"], images=None, frames=np.array([0, 5, 9])))
    assert is_video(poses_of(points, ["a", "b"], images=None))


def test_tables(labels_of, poses_of) -> None:
    names = ["a", "b"]
    truth = np.array([[[[0, 0], [100, 0]]], [[[0, 0], [100, 0]]]], float)
    predicted = np.array([[[[3, 4], [100, 0]]], [[[9, 12], [np.nan, np.nan]]]])
    cases = make_cases(labels_of(truth, names), [poses_of(predicted, names)], AB)
    pairs = pair_animals(cases)
    first, second = keypoint_table(pairs, names, 0.6)
    assert (first["labelled"], first["predicted"], first["mean_euclidean_px"]) == (2, 2, 10)
    assert first["root_mean_square_px"] == pytest.approx(np.sqrt(125))
    assert (first["mean_offset_x_px"], first["mean_offset_y_px"], first["PCK@0.1"]) == (6, 8, 0.5)
    assert (second["predicted"], second["PCK@0.1"], second["below_cutoff"]) == (1, 0.5, 0.5)
    rows = image_table(cases, pairs)
    assert [row["max_px"] for row in rows] == [5, 15]
    assert [row["missed_keypoints"] for row in rows] == [0, 1]
    assert rows[1]["badness"] > rows[0]["badness"]
    assert rows[1]["worst_keypoint"] == "b"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=12), st.integers(0, 1000))
def test_weighted_quantiles_equal_numpy_on_repeated_values(values, seed) -> None:
    array = np.array(values)
    weights = np.random.default_rng(seed).integers(0, 4, len(array))
    weights[0] += 1
    found = Ordered(array, np.arange(len(array))).quantiles([0, 0.1, 0.5, 0.95, 1], weights)
    repeated = np.repeat(array, weights)
    assert found == pytest.approx(np.quantile(repeated, [0, 0.1, 0.5, 0.95, 1]), abs=1e-9)


def test_bootstrap_of_a_mean_has_the_width_of_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(10, 2, 200)
    found = bootstrap(
        lambda w: {"mean": float(w @ values / w.sum())}, [str(i) for i in range(200)], samples=800
    )
    interval = found["mean"]
    assert interval.value == pytest.approx(values.mean())
    assert float(interval.high - interval.low) == pytest.approx(
        2 * 1.96 * values.std() / np.sqrt(200), rel=0.1
    )
    assert interval.low < interval.value < interval.high


def test_bootstrap_draws_whole_videos_and_keeps_to_the_group() -> None:
    seen: list[np.ndarray] = []

    def note(weights: np.ndarray) -> dict[str, float]:
        seen.append(weights)
        return {"n": float(weights.sum())}

    videos = ["x", "x", "y", "y", "z"]
    bootstrap(note, videos, samples=30, members=np.array([True] * 4 + [False]))
    assert all(w[0] == w[1] and w[2] == w[3] and w[4] == 0 and w[0] + w[2] == 2 for w in seen[1:])
    single = bootstrap(note, ["x", "x"], samples=30)["n"]
    assert np.isnan(single.low)  # one video says nothing about others


def test_same_seed_same_interval() -> None:
    values = np.arange(20.0)

    def mean(weights: np.ndarray) -> dict[str, float]:
        return {"mean": float(weights @ values / weights.sum())}

    names = [str(i) for i in range(20)]
    one, two, other = (bootstrap(mean, names, samples=50, seed=seed)["mean"].low for seed in (1, 1, 2))
    assert one == two != other
