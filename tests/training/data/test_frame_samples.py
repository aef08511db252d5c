"""Frames hold their boxes, which move as pixels do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from dots import make_dots

from superanimal.errors import InputError
from superanimal.labels import LabelledSet
from superanimal.training.data.frame_samples import FrameSamples, corner_boxes, place_in_frame, quarter_turns
from superanimal.training.loop.recipe import Augmentation, Recipe

RECIPE = Recipe(
    steps=1, augmentation=replace(Augmentation.none(), flip=0.5, scale=(0.8, 1.2), rotation=180.0)
)


@pytest.fixture(scope="module")
def dots(tmp_path_factory: pytest.TempPathFactory) -> LabelledSet:
    return make_dots(tmp_path_factory.mktemp("dots"), 8, side=96)


def square(box: tuple[int, int, int, int], size: tuple[int, int] = (40, 60)) -> torch.Tensor:
    picture = torch.zeros(3, *size, dtype=torch.uint8)
    x1, y1, x2, y2 = box
    picture[:, y1:y2, x1:x2] = 255
    return picture


def bounds(picture: torch.Tensor) -> list[int]:
    y, x = np.nonzero(picture[0].numpy() > 180)
    return [int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_boxes_turn_with_the_picture(turns: int) -> None:
    box = (5, 8, 25, 18)
    picture, corners = quarter_turns(square(box), torch.tensor([box], dtype=torch.float32), turns)
    assert bounds(picture) == corners[0].tolist()


@pytest.mark.parametrize(("factor", "shift"), [(1.0, 0.0), (0.5, 0.3), (2.0, -0.1)])
def test_boxes_follow_into_the_frame(factor: float, shift: float) -> None:
    box = (20, 14, 40, 26)
    frame, corners = place_in_frame(
        square(box), torch.tensor([box], dtype=torch.float32), (96, 64), factor, np.full(2, shift)
    )
    assert frame.shape == (3, 64, 96)
    assert np.abs(np.array(bounds(frame)) - corners[0].numpy()).max() <= 1


def test_samples_hold_their_boxes(dots: LabelledSet) -> None:
    samples = FrameSamples(dots, (96, 64), RECIPE)
    first, again = samples[3], samples[3]
    assert first["image"].shape == (3, 64, 96)
    assert torch.equal(first["image"], again["image"])
    assert first["boxes"].shape == (1, 4)
    with pytest.raises(InputError, match="multiples of 32"):
        FrameSamples(dots, (100, 100), RECIPE)


def test_animals_cut_off_do_not_count(dots: LabelledSet) -> None:
    boxes = dots.boxes.copy()
    boxes[:] = [-40, 10, 60, 30]  # two thirds lie outside
    still = replace(RECIPE, augmentation=Augmentation.none())
    sample = FrameSamples(dots.with_columns(boxes=boxes), (96, 96), still)[0]
    assert sample["ignore"].tolist() == [True]
    assert sample["boxes"][0, 0] == -0.5


def test_corner_boxes_are_the_labels(dots: LabelledSet) -> None:
    corners = corner_boxes(dots)
    assert np.allclose(corners[:, 2:] - corners[:, :2], dots.boxes[:, 2:])
    without = dots.with_columns(boxes=None)
    assert np.allclose(corner_boxes(without)[:, :2], dots.xy.min(1) - 20)
