from __future__ import annotations

import numpy as np

from superanimal.video.close_up import SIDE, CloseUp


def test_a_point_is_on_its_pixel() -> None:
    pixels = np.zeros((60, 100, 3), np.uint8)
    pixels[30, 70] = 255
    points = np.array([[60.0, 25.0], [70.0, 30.0], [np.nan, 3.0]])
    view = CloseUp.of(points, np.array([100, 60]))
    picture = view.picture(pixels)
    assert picture.shape == (SIDE, SIDE, 3)
    x, y = np.rint(view.place(points)[1]).astype(int)
    assert picture[y, x, 0] > 200
    assert np.isnan(view.place(points)[2, 0])


def test_without_points_it_is_the_whole_picture() -> None:
    view = CloseUp.of(np.full((2, 3, 2), np.nan), np.array([100, 50]))
    assert view.corner.tolist() == [0, 0] and view.extent.tolist() == [100, 50]
    assert view.size == (SIDE, SIDE // 2)


def test_it_stays_inside_the_picture() -> None:
    view = CloseUp.of(np.array([[1.0, 1.0], [5.0, 3.0]]), np.array([200, 100]))
    assert (view.corner >= 0).all()
    assert (view.corner + view.extent <= [200, 100]).all()
