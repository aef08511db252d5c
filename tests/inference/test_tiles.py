from __future__ import annotations

import numpy as np
import pytest

from superanimal.inference.tiles import OVERLAP, joined, tiles_of


@pytest.mark.parametrize("size", [(480, 640), (1000, 130), (77, 77)])
@pytest.mark.parametrize("zoom", [1, 2, 4, 8])
def test_tiles_cover_a_frame_and_overlap(size: tuple[int, int], zoom: int) -> None:
    tiles = tiles_of(size, zoom)
    covered = np.zeros(size, int)
    for x, y, width, height in tiles:
        assert (width, height) == tiles[0][2:] and max(width, height) == -(-max(size) // zoom)
        covered[y : y + height, x : x + width] += 1
    assert (covered > 0).all()
    for k, axis in enumerate((size[1], size[0])):
        starts, length = sorted({tile[k] for tile in tiles}), tiles[0][2 + k]
        assert starts[-1] + length == axis
        assert (np.diff(starts) <= (1 - OVERLAP) * length + 1).all()


def test_an_animal_in_the_overlap_is_one_animal_and_a_part_of_it_is_none() -> None:
    tiles = tiles_of((100, 200), 2)
    whole, part = np.array([[60, 30, 95, 60]]), np.array([[80, 30, 100, 60]])
    found = [(whole, np.array([0.5])), (whole - [50, 0, 50, 0], np.array([0.6])), (part * 0, np.array([0.0]))]
    found[2] = (np.zeros((0, 4)), np.zeros(0))
    boxes, scores = joined(tiles, found, (100, 200))
    np.testing.assert_allclose(boxes, whole)
    np.testing.assert_allclose(scores, [0.6])
    crossing = [
        (np.array([[80, 30, 100, 60]]), np.array([0.9])),
        (np.array([[30, 30, 60, 60]]), np.array([0.3])),
    ]
    boxes, scores = joined(tiles, [*crossing, found[2]], (100, 200))
    np.testing.assert_allclose(boxes, [[80, 30, 110, 60]])  # the whole one, though its score is lower
    alone, _ = joined(tiles, [crossing[0], found[2], found[2]], (100, 200))
    np.testing.assert_allclose(alone, part)  # better than nothing


def test_animals_at_the_edge_of_the_frame_are_whole() -> None:
    boxes, _ = joined([(0, 0, 50, 50)], [(np.array([[0, 0, 20, 20]]), np.array([0.5]))], (50, 50))
    assert len(boxes) == 1
