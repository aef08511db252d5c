"""Pictures drawn on the device are those that are cut one by one, and vary as they should."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from rendered import SOFTMAX, shard_of

from superanimal.training.data.warp import crop_matrix
from superanimal.training.embedded.scene_pictures import ScenePictures, erase, photometric, warp
from superanimal.training.embedded.scene_samples import SceneCrops, SceneFrames
from superanimal.training.embedded.scenes import SceneShard, open_shard
from superanimal.training.embedded.subjects import MOUSE
from superanimal.training.loop.recipe import Augmentation, Recipe

RECIPE = Recipe(steps=1, batch=2, seed=3)
PLAIN = replace(RECIPE, augmentation=Augmentation.none())


@pytest.fixture(scope="module")
def shard() -> SceneShard:
    return shard_of()


def smooth(side: int = 64) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 3)


def test_a_picture_is_cut_where_opencv_cuts_it() -> None:
    scene = smooth()
    matrix = crop_matrix(np.array([30.0, 33.0]), 36.0, 48, 0.4, True)
    wanted = cv2.warpAffine(scene, matrix, (48, 40), flags=cv2.INTER_LINEAR)
    tensor = torch.from_numpy(scene)[None].permute(0, 3, 1, 2).float()
    found = warp(tensor, torch.from_numpy(matrix)[None], (40, 48))[0].permute(1, 2, 0).numpy()
    assert np.abs(found - wanted).max() < 4  # opencv places in steps of 1/32 px


def test_outside_of_a_scene_is_a_colour_or_the_edge() -> None:
    white = torch.full((200, 3, 8, 8), 255.0)
    shift = torch.tensor([[[1.0, 0.0, 8.0], [0.0, 1.0, 0.0]]]).double().expand(200, 2, 3)
    corner = warp(white, shift, (8, 16))[:, :, 4, 3]
    inside = warp(white, shift, (8, 16))[:, :, 4, 12]
    assert (inside == 255).all()
    black, repeated = ((corner == value).all(1).float().mean() for value in (0, 255))
    assert 0.3 < black < 0.6 and 0.15 < repeated < 0.35


def test_no_variation_leaves_pictures_as_they_are() -> None:
    pictures = torch.rand(3, 3, 20, 24) * 255
    none = Augmentation.none()
    assert torch.allclose(erase(photometric(pictures, none), none), pictures, atol=1e-3)


@pytest.mark.parametrize(
    "name", ["brightness", "contrast", "saturation", "hue", "gamma", "gray", "blur", "noise"]
)
def test_each_setting_varies_pictures_within_the_range_of_grey(name: str) -> None:
    pictures = torch.from_numpy(smooth())[None].permute(0, 3, 1, 2).float().expand(60, 3, 64, 64)
    torch.manual_seed(1)
    varied = photometric(pictures, replace(Augmentation.none(), **{name: 5.0 if name == "noise" else 0.4}))
    change = (varied - pictures).abs().mean((1, 2, 3))
    assert (change > 0.05).float().mean() > 0.2  # noise, hue: in 30 % of the pictures
    assert varied.min() >= 0 and varied.max() <= 255
    if name in ("hue", "blur"):
        assert (varied.mean((1, 2, 3)) - pictures.mean((1, 2, 3))).abs().max() < 2


def test_covers_hide_a_part_of_some_pictures() -> None:
    torch.manual_seed(0)
    pictures = torch.full((80, 3, 40, 40), 128.0)
    hidden = (
        (erase(pictures, replace(Augmentation.none(), erase=0.5)) != pictures).any(1).float().mean((1, 2))
    )
    assert 0.3 < (hidden > 0).float().mean() < 0.7 and hidden.max() < 0.25


def test_a_crop_drawn_on_the_device_shows_what_its_sample_shows(shard: SceneShard) -> None:
    small = replace(MOUSE, crop=96)
    soft = np.stack([cv2.GaussianBlur(image, (0, 0), 4) for image in shard.images])  # however it is averaged
    shard = SceneShard(soft, shard.keypoints, shard.visible)
    whole = SceneCrops([shard], small, SOFTMAX, PLAIN)
    bare = SceneCrops([shard], small, SOFTMAX, PLAIN, pictures=False)
    draw = ScenePictures([shard], PLAIN.augmentation, torch.device("cpu"))
    for position in range(4):
        sample, placed = whole[position], bare[position]
        assert torch.equal(sample["points"], placed["points"]) and "image" not in placed
        batch = bare.collate([placed])
        picture = draw(batch["scene"], batch["matrix"], (96, 96))[0]
        inside = sample["image"].amin(0) > 20  # borders are filled at random
        difference = (picture.float() - sample["image"].float()).abs()[:, inside]
        assert difference.median() <= 2 and difference.mean() < 6


def test_frames_without_pictures_have_the_same_truth(shard: SceneShard) -> None:
    whole, bare = (SceneFrames([shard], MOUSE, PLAIN, pictures=p) for p in (True, False))
    a, b = (samples.collate([samples[0], samples[1]]) for samples in (whole, bare))
    assert set(a) - set(b) == {"image"} and set(b) - set(a) == {"scene", "matrix"}
    assert tuple(a["image"].shape[-2:]) == tuple(b["size"][0].tolist())
    assert a["center"].shape == b["center"].shape


def test_a_shard_travels_as_the_name_of_its_file(shard: SceneShard, tmp_path: Path) -> None:
    np.save(tmp_path / "0000.npy", shard.images)
    np.savez(tmp_path / "0000.npz", keypoints=shard.keypoints, visible=shard.visible)
    sent = pickle.dumps(open_shard(tmp_path / "0000.npy"))
    assert len(sent) < 500
    assert np.array_equal(pickle.loads(sent).images, shard.images)
    assert np.array_equal(pickle.loads(pickle.dumps(shard)).images, shard.images)
