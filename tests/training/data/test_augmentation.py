"""Keypoints move exactly as pixels do; left and right change places in a mirrored picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from dots import COLORS, dots_space, draw_dots, make_dots, tiny_model

from superanimal.errors import InputError
from superanimal.training.data.augmentation import augment, check_flip, motion_blur
from superanimal.training.data.contact_sheet import contact_sheet
from superanimal.training.data.samples import PoseSamples
from superanimal.training.loop.recipe import Augmentation, Recipe

PLAIN = Augmentation.none()
POINTS = np.array([[48.3, 40.1], [38.7, 33.2], [39.9, 47.6], [21.4, 40.8]])


def find(picture: torch.Tensor, k: int) -> np.ndarray:
    """Return the centre of dot k in pixels from the corner: the centroid of what has its colour."""
    pixels = picture.permute(1, 2, 0).numpy().astype(float)
    strength = np.clip(1 - np.abs(pixels - COLORS[k]).sum(-1) / 170, 0, None)
    y, x = np.mgrid[0 : pixels.shape[0], 0 : pixels.shape[1]] + 0.5
    return np.array([(x * strength).sum(), (y * strength).sum()]) / strength.sum()


@pytest.mark.parametrize(
    "settings",
    [
        PLAIN,
        replace(PLAIN, flip=1.0),
        replace(PLAIN, rotation=180.0),
        replace(PLAIN, scale=(0.7, 1.4)),
        replace(PLAIN, shift=0.08),
        replace(PLAIN, flip=0.5, rotation=90.0, scale=(0.8, 1.2), shift=0.03),
    ],
)
def test_points_stay_on_their_dots(settings: Augmentation) -> None:
    picture = torch.from_numpy(draw_dots(POINTS, 80, np.random.default_rng(0))).permute(2, 0, 1)
    points = torch.tensor(POINTS + 0.5, dtype=torch.float32)
    flip_index = dots_space().flip_index
    errors = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        crop, moved, channels, _ = augment(picture, points, (72, 72), settings, flip_index, rng)
        for k in range(4):
            if ((moved[k] > 6) & (moved[k] < 66)).all():
                errors.append(find(crop, int(channels[k])) - moved[k].numpy())
    bias = np.mean(errors, axis=0)
    assert np.abs(errors).max() < 0.4
    assert np.abs(bias).max() < 0.12  # no half-pixel slip


def test_mirroring_swaps_the_pairs() -> None:
    picture = torch.from_numpy(draw_dots(POINTS, 80, np.random.default_rng(0))).permute(2, 0, 1)
    points = torch.tensor(POINTS + 0.5, dtype=torch.float32)
    rng = np.random.default_rng(0)
    settings = replace(PLAIN, flip=1.0)
    _, moved, channels, _ = augment(picture, points, (80, 80), settings, dots_space().flip_index, rng)
    assert channels.tolist() == [0, 2, 1, 3]
    assert moved[1].tolist() == pytest.approx([80 - float(points[2, 0]), float(points[2, 1])], abs=1e-4)


def test_mirroring_needs_pairs() -> None:
    with pytest.raises(InputError, match="left_ear, right_ear have no mirror image"):
        check_flip(dots_space(pairs=False), Augmentation())
    check_flip(dots_space(pairs=False), replace(Augmentation(), flip=0.0))


def test_undefined_points_stay_undefined_when_mirrored(tmp_path: Path) -> None:
    labelled = make_dots(tmp_path, 2)
    visibility = labelled.visibility.copy()
    xy = labelled.xy.copy()
    visibility[:, 1], xy[:, 1] = -1, np.nan
    recipe = Recipe(steps=1, augmentation=replace(PLAIN, flip=1.0))
    samples = PoseSamples(
        labelled.with_columns(xy=xy, visibility=visibility), dots_space(), tiny_model().entry, recipe
    )
    sample = samples[0]
    assert sample["visibility"].tolist() == [2, 2, -1, 2]  # the left ear is now where the right one was
    assert torch.isfinite(sample["points"]).all()


def test_motion_blur_keeps_brightness_and_smears_along_the_line() -> None:
    picture = torch.zeros(3, 21, 21, dtype=torch.uint8)
    picture[:, 10, 10] = 250
    blurred = motion_blur(picture, 7, 0.0).float()
    assert float(blurred.sum()) == pytest.approx(float(picture.float().sum()), rel=0.06)
    spread = blurred[0].nonzero().float().std(0)
    assert spread[1] > 3 * spread[0]


def test_contact_sheet_is_a_picture(tmp_path: Path) -> None:
    samples = PoseSamples(make_dots(tmp_path, 2), dots_space(), tiny_model().entry, Recipe(steps=1))
    path = contact_sheet(samples, tmp_path / "sheet.png", count=3, columns=2, tile=96)
    import cv2

    assert cv2.imread(str(path)).shape == (192, 192, 3)
