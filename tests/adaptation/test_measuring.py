from __future__ import annotations

import numpy as np
import pytest

from superanimal.adaptation.measuring import change, distance_to, steadiness, unsteadiness
from superanimal.adaptation.pseudo_labels import PseudoLabels
from superanimal.labels.images import ImageRef
from superanimal.labels.labelled_set import LabelledSet
from superanimal.poses import make_poses


def test_figures_of_known_poses() -> None:
    square = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]])
    position = np.stack([square + step for step in (0.0, 1.0, 2.0, 3.0)]).transpose(0, 2, 1)[..., None]
    confidence = np.full((4, 4, 1), 0.9)
    confidence[:, 0] = 0.1
    position[3] = np.nan
    poses = make_poses(position, confidence, keypoints=list("abcd"), fps=30.0)
    found = steadiness([poses])
    assert found.jitter_px == pytest.approx(1.0)
    assert found.jitter == pytest.approx(0.1)
    assert found.dropped == pytest.approx(1.0)
    assert found.size_change == pytest.approx(0.0, abs=1e-6)
    assert found.missing == 0.25


def test_distances_are_parts_of_the_animal() -> None:
    xy = np.array([[[0.0, 0.0], [np.nan, np.nan]], [[5.0, 5.0], [9.0, 5.0]]], np.float32)
    visibility = np.where(np.isfinite(xy).all(-1), 2, -1)
    boxes = [[0, 0, 20, 20], [0, 0, 20, 20]]
    labels = LabelledSet("x", ("a", "b"), [ImageRef("i")], [0, 0], xy, visibility, boxes=boxes)  # type: ignore[arg-type]
    away = distance_to(PseudoLabels(labels, np.ones((2, 2))), np.nan_to_num(xy) + [2.0, 0.0])
    np.testing.assert_allclose(away, [0.1, 0.1])


def test_a_change_has_an_interval() -> None:
    rng = np.random.default_rng(1)
    before = rng.uniform(1, 2, 60)
    found = change(before, 0.8 * before + rng.normal(0, 0.02, 60))
    assert float(found.value) == pytest.approx(-0.2, abs=0.02)
    assert float(found.low) < float(found.value) < float(found.high) < 0
    assert np.isnan(float(change(np.array([np.nan]), np.array([1.0])).value))


def test_animals_without_a_box_have_the_size_of_their_points() -> None:
    xy = np.array([[[0.0, 0.0], [20.0, 20.0]]], np.float32)
    labels = LabelledSet("x", ("a", "b"), [ImageRef("i")], [0], xy, np.full((1, 2), 2))  # type: ignore[arg-type]
    np.testing.assert_allclose(distance_to(PseudoLabels(labels, np.ones((1, 2))), xy + [2.0, 0.0]), [0.1])


def test_a_model_that_is_sure_of_difficult_points_too_is_not_the_unsteadier_one() -> None:
    """The second model sees the first point twice as steadily, and alone is sure of the second one."""
    images, boxes = [ImageRef(f"i{n}") for n in range(20)], np.tile([0.0, 0.0, 20.0, 20.0], (20, 1))
    agreed = np.zeros((20, 2, 2), np.float32)
    agreed[:, 1] = 10.0
    seen = [agreed + shift for shift in ([[2.0, 0.0], [9.0, 0.0]], [[1.0, 0.0], [9.0, 0.0]])]

    def taught(known: tuple[bool, bool]) -> PseudoLabels:
        xy = np.where(np.array(known)[:, None], agreed, np.nan).astype(np.float32)
        visibility = np.where(np.isfinite(xy).all(-1), 2, -1)
        labels = LabelledSet("x", ("a", "b"), images, np.arange(20), xy, visibility, boxes=boxes)  # type: ignore[arg-type]
        return PseudoLabels(labels, np.ones((20, 2)))

    found = unsteadiness(taught((True, False)), taught((True, True)), (seen[0], seen[1]))
    assert float(found.change.value) == pytest.approx(-0.5)
    assert found.after < found.before
