from __future__ import annotations

import numpy as np
import pytest

from superanimal.errors import InputError
from superanimal.inference.crops import crop_windows, cut
from superanimal.inference.settings import AUTO_SCALES, parse_scales, scales_of_heights
from superanimal.inference.views import View, consensus, mirror_of, views_of


def test_the_usual_look_comes_first() -> None:
    looks = views_of(parse_scales("0.8,1,1.25"), flip=True)
    assert looks[0] == View()
    assert len(looks) == len(set(looks)) == 6


def test_smaller_animals_are_seen_in_larger_boxes_round_the_same_middle() -> None:
    box = np.array([[10.0, 20.0, 40.0, 60.0]])
    np.testing.assert_allclose(View(0.5).boxes(box), [[-10, -10, 80, 120]])
    np.testing.assert_allclose(View(2.0).boxes(box), [[20, 35, 20, 30]])


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_a_point_found_in_a_mirrored_crop_is_where_it_is(shift: float) -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    image[30, 25] = 255  # the point: pixel centre at 25, 30
    windows = crop_windows(np.array([[10.0, 10.0, 40.0, 40.0]]), (40, 40))
    view = View(mirrored=True)
    crop = view.crop(cut(image, windows.offset[0], windows.extent[0], windows.size))
    y, x = np.argwhere(crop[..., 0] == 255)[0]
    corner = np.array([[[x + 0.5, y + 0.5]]])  # as networks count: from the corner of the crop
    points = windows.to_image(np.repeat(corner, 2, axis=1)) - shift
    back, sure = view.undone(points, np.array([[0.9, 0.2]]), windows, np.array([1, 0]), shift)
    np.testing.assert_allclose(back[0, 0] + shift - 0.5, [25, 30])
    np.testing.assert_allclose(sure, [[0.2, 0.9]])


def test_left_and_right_change_places_in_a_mirrored_picture() -> None:
    names = ("nose", "left_ear", "right_ear", "tail_base")
    assert mirror_of(names).tolist() == [0, 2, 1, 3]
    assert mirror_of(("wingL", "wingR", "beak")).tolist() == [1, 0, 2]


def test_looks_that_disagree_or_doubt_do_not_count() -> None:
    points = np.zeros((5, 1, 2, 2))
    points[:, 0, 0] = [[10, 10], [11, 10], [12, 10], [90, 10], [50, 50]]
    points[:, 0, 1] = [[0, 0], [100, 3], [3, 100], [200, 210], [300, 300]]  # nothing agrees
    confidence = np.full((5, 1, 2), 0.8)
    confidence[4] = 0.05
    confidence[1, 0, 1] = 0.9
    found, sure = consensus(points, confidence, np.array([40.0]))
    np.testing.assert_allclose(found[0, 0], [11, 10])
    np.testing.assert_allclose(found[0, 1], [100, 3])  # the surest
    assert sure[0].tolist() == [0.8, 0.8]


def test_one_look_is_itself() -> None:
    points = np.random.default_rng(0).uniform(0, 99, (1, 3, 4, 2))
    confidence = np.full((1, 3, 4), 0.5)
    found, sure = consensus(points, confidence, np.full(3, 30.0))
    np.testing.assert_array_equal(found, points[0])
    np.testing.assert_array_equal(sure, confidence[0])


@pytest.mark.parametrize("given", ["a,b", "", {"x": 1}])
def test_scales_that_are_no_numbers_are_refused(given: object) -> None:
    with pytest.raises(InputError, match="scales"):
        parse_scales(given)  # type: ignore[arg-type]


def test_scales_in_every_spelling() -> None:
    assert parse_scales(None) == (1.0,)
    assert parse_scales("auto") == AUTO_SCALES
    assert parse_scales("2, 0.5,1") == parse_scales([2, 0.5, 1]) == (1.0, 0.5, 2.0)
    assert parse_scales(2) == (2.0,)


def test_heights_of_deeplabcut_are_ratios() -> None:
    assert scales_of_heights([400, 200, 300]) == pytest.approx((1.0, 2 / 3, 4 / 3))
    with pytest.raises(InputError, match="scale_list"):
        scales_of_heights([0, 100])
