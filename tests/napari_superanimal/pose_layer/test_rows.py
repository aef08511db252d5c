from __future__ import annotations

import numpy as np

from napari_superanimal.pose_layer.rows import PoseRows


def make() -> tuple[np.ndarray, PoseRows]:
    plain = np.asfortranarray(np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32))
    return plain.copy(order="F"), PoseRows(plain)


def test_extent_is_that_of_the_data_after_every_write() -> None:
    plain, rows = make()
    for index, value in ((3, 99.0), (slice(10, 20), -50.0), ((np.array([1, 2]), 1), 7.0)):
        np.testing.assert_array_equal(np.max(rows, axis=0), plain.max(axis=0))
        np.testing.assert_array_equal(np.min(rows, axis=0), plain.min(axis=0))
        plain[index] = value
        rows[index] = value
    np.testing.assert_array_equal(np.max(rows, axis=0), plain.max(axis=0))
    np.testing.assert_array_equal(np.min(rows, axis=0), plain.min(axis=0))


def test_other_reductions_and_views_are_plain() -> None:
    plain, rows = make()
    assert rows.max() == plain.max()
    np.testing.assert_array_equal(rows.min(axis=1), plain.min(axis=1))
    np.testing.assert_array_equal(rows[:, 1:].max(axis=0), plain[:, 1:].max(axis=0))
    np.testing.assert_array_equal(rows + 1, plain + 1)


def test_kept_extent_is_not_handed_out_for_writing() -> None:
    _, rows = make()
    before = np.max(rows, axis=0).copy()
    np.max(rows, axis=0)[:] = 0
    np.testing.assert_array_equal(np.max(rows, axis=0), before)
