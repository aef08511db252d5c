"""Maps of boxes have their peak at the box, and outputs like them have the smaller loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from superanimal.training.networks.centers import center_loss, center_maps

BOX = np.array([[40, 32, 103, 79]], np.float32)


def test_maps_peak_at_the_box_centre() -> None:
    boxes = np.array([[40, 32, 103, 79], [np.nan] * 4, [150, 100, 190, 140]], np.float32)
    maps = center_maps(boxes, np.array([False, False, True]), (160, 224))
    i, j = np.unravel_index(maps["center"].argmax(), maps["center"].shape)
    assert (i, j) == (6, 8) or (i, j) == (7, 8) or (i, j) == (6, 9) or (i, j) == (7, 9)
    x = (j + 0.5 + maps["extent"][0, i, j]) * 8 - 0.5
    y = (i + 0.5 + maps["extent"][1, i, j]) * 8 - 0.5
    assert (x, y) == pytest.approx((71.5, 55.5), abs=0.01)
    assert 2 ** maps["extent"][2, i, j] * 8 == pytest.approx(63)
    assert maps["weight"][14, 20] == 0  # the ignored animal
    assert maps["center"][14, 20] < 0.1


class Says(nn.Module):
    """Puts out what it was told."""

    def __init__(self, center: np.ndarray, extent: np.ndarray) -> None:
        super().__init__()
        self.outputs = {
            "center": torch.logit(torch.from_numpy(center), 1e-4)[None, None],
            "extent": torch.from_numpy(extent)[None],
        }

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        assert float(images.min()) == -1.0  # black
        return self.outputs


def test_the_right_answer_has_the_smallest_loss() -> None:
    size = (96, 128)
    maps = center_maps(BOX, np.array([False]), size)
    elsewhere = center_maps(BOX - 24, np.array([False]), size)
    batch = {name: torch.from_numpy(value)[None] for name, value in maps.items()}
    batch["image"] = torch.zeros(1, 3, *size, dtype=torch.uint8)
    right = center_loss(Says(maps["center"], maps["extent"]), batch)
    wrong_place = center_loss(Says(elsewhere["center"], maps["extent"]), batch)
    wrong_size = center_loss(Says(maps["center"], maps["extent"] + 1), batch)
    assert float(right) < 0.1 < float(wrong_size) < float(wrong_place)


def test_an_ignored_animal_costs_nothing() -> None:
    size = (96, 128)
    maps = center_maps(BOX, np.array([True]), size)
    batch = {name: torch.from_numpy(value)[None] for name, value in maps.items()}
    batch["image"] = torch.zeros(1, 3, *size, dtype=torch.uint8)
    found = center_maps(BOX, np.array([False]), size)
    found["center"][found["center"] < 0.999] = 0
    assert float(center_loss(Says(found["center"], maps["extent"]), batch)) == pytest.approx(0, abs=1e-4)
