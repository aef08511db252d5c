from __future__ import annotations

import numpy as np

from napari_superanimal.pose_layer.names import not_overlapping


def test_names_that_overlap_earlier_ones_are_left_out() -> None:
    xy = np.array([[0, 0], [30, 0], [41, 0], [30, 11], [-25, 5], [-45, 5]], float)
    widths = np.full(6, 40.0)
    assert not_overlapping(xy, widths, 10, np.arange(6)).tolist() == [True, False, True, True, False, True]
    later = np.array([4, 1, 0, 2, 3, 5])
    assert not_overlapping(xy, widths, 10, later).tolist() == [False, True, False, True, True, False]


def test_a_name_left_out_takes_no_room() -> None:
    xy = np.array([[0, 0], [30, 0], [60, 0]], float)
    assert not_overlapping(xy, np.full(3, 40.0), 10, np.arange(3)).tolist() == [True, False, True]
    assert not_overlapping(xy, np.full(3, 40.0), 10, np.array([1])).tolist() == [False, True, False]
