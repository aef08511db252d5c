"""Two animals in the names of one: found, divided, and matched."""

from __future__ import annotations

import numpy as np
import pytest
from labelsets import DATA
from mice import NAMES, jitter, labels_of, mouse_points, predictions_of

from superanimal.errors import InputError
from superanimal.formats import load_poses
from superanimal.keypoints import find_prefixes, match_predictions, split_prefixes
from superanimal.labels import from_poses


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["B_Nose", "B_Ear", "B_Tail", "W_Nose", "W_Ear", "W_Tail"], ("B_", "W_")),
        (["adult_nose", "adult_left_ear", "adult_tail_base"], ("adult_",)),
        (["left_ear", "left_eye", "left_hip", "right_ear", "right_eye", "right_hip"], ()),
        (["front_left_paw", "front_right_paw", "front_knee"], ()),
        (["nose", "B_ear", "B_tail"], ()),
        (["B_Nose", "B_Ear", "B_Tail", "W_Nose", "W_Ear", "W_Hip"], ()),
        (["a_x", "b_x"], ()),
        (list(NAMES), ()),
        ([], ()),
    ],
)
def test_prefixes_are_found(names: list[str], expected: tuple[str, ...]) -> None:
    assert find_prefixes(names) == expected


def test_animals_are_divided() -> None:
    points = mouse_points(12).reshape(6, 54, 2)
    points[2, 27:] = np.nan
    points[3, 30] = np.nan
    names = [f"{animal}_{name}" for animal in ("B", "W") for name in NAMES]
    divided = split_prefixes(labels_of(points, names), ("B_", "W_"))
    assert divided.keypoints == NAMES
    assert divided.n_individuals == 11
    assert divided.individuals.tolist() == ["B"] * 6 + ["W"] * 5
    assert divided.image_index.tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 3, 4, 5]
    assert np.array_equal(divided.xy[7], points[1, 27:].astype(np.float32))
    assert divided.visibility[8, 3] == 0 and np.isnan(divided.xy[8, 3]).all()
    with pytest.raises(InputError, match=r"B_nose, .*: none of the prefixes W_"):
        split_prefixes(labels_of(points, names), ("W_",))


def test_a_matching_tells_of_prefixes_and_works_after_dividing() -> None:
    truth = mouse_points(30, seed=6)
    predicted = jitter(truth, 0.015).reshape(15, 2, 27, 2)
    names = [f"{animal}_p{k:02d}" for animal in ("B", "W") for k in range(27)]
    labels = labels_of(truth.reshape(15, 54, 2), names)
    undivided = match_predictions(labels, predictions_of(predicted), samples=0)
    assert undivided.warnings[0].startswith("names begin with B_, W_: several animals in one?")
    divided = match_predictions(split_prefixes(labels, ("B_", "W_")), predictions_of(predicted), samples=0)
    assert [pair.model for pair in divided.pairs] == list(NAMES)
    assert divided.facts["animals"] == 30


def test_a_real_table_of_two_mice() -> None:
    file = DATA / "deepof-tables" / "test_multi_topview" / "testDLC_csv_table_multi.csv"
    if not file.exists():
        pytest.skip(f"{file}: real data are not here")
    labels = from_poses(load_poses(file))
    divided = split_prefixes(labels, find_prefixes(labels.keypoints))
    assert divided.keypoints[:3] == ("Nose", "Left_ear", "Right_ear")
    assert set(divided.individuals) == {"B", "W"}
    assert divided.n_individuals == 2 * labels.n_individuals
