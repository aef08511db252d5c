"""Crops and frames of scenes are functions of seed and position, and hold their truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from rendered import SOFTMAX, shard_of

from superanimal.errors import InputError
from superanimal.synth import QUADRUPED, TOPVIEWMOUSE, random_quadruped_picture
from superanimal.training.data.samples import Samples
from superanimal.training.embedded.scene_samples import FRAME_SIZES, SceneCrops, SceneFrames
from superanimal.training.embedded.scenes import SceneShard
from superanimal.training.embedded.subjects import FOURLEGGED, MOUSE
from superanimal.training.loop.recipe import Augmentation, Recipe

RECIPE = Recipe(steps=1, batch=2, seed=3)
SMALL = replace(MOUSE, crop=96)


@pytest.fixture(scope="module")
def shard() -> SceneShard:
    return shard_of()


def crops(shard: SceneShard, augmented: bool = True) -> SceneCrops:
    return SceneCrops([shard], SMALL, SOFTMAX, RECIPE, augmented=augmented)


def test_a_sample_is_a_function_of_seed_and_position(shard: SceneShard) -> None:
    made: list[tuple[Samples, Samples, Samples]] = [
        (crops(shard), crops(shard), SceneCrops([shard], SMALL, SOFTMAX, replace(RECIPE, seed=4))),
        (
            SceneFrames([shard], MOUSE, RECIPE),
            SceneFrames([shard], MOUSE, RECIPE),
            SceneFrames([shard], MOUSE, replace(RECIPE, seed=4)),
        ),
    ]
    for samples, again, other in made:
        last, first = samples[9], samples[2]
        assert all(torch.equal(value, again[2][name]) for name, value in first.items())
        assert all(torch.equal(value, again[9][name]) for name, value in last.items())
        shape = first["image"].shape
        assert other[2]["image"].shape != shape or not torch.equal(other[2]["image"], first["image"])


def test_crops_hold_what_the_loss_wants(shard: SceneShard) -> None:
    samples = crops(shard)
    batch = samples.collate([samples[n] for n in range(6)])
    assert batch["image"].shape == (6, 3, 96, 96) and batch["image"].dtype == torch.uint8
    assert batch["points"].shape == (6, 27, 2) and batch["points"].dtype == torch.float32
    assert batch["visibility"].shape == batch["weight"].shape == (6, 27)
    inside = batch["visibility"] > 0
    assert ((batch["points"][inside] >= 0) & (batch["points"][inside] < 96)).all()
    assert (batch["points"][~inside] == 0).all()


def test_an_animal_as_in_use_is_in_the_middle_and_the_same_at_every_place(shard: SceneShard) -> None:
    samples = crops(shard, augmented=False)
    assert len(samples) == 4
    for n in range(4):
        sample = samples[n]
        body = sample["points"][TOPVIEWMOUSE.index("mouse_center")]
        assert ((body > 24) & (body < 72)).all()
        ends = [sample["points"][k] for k in samples.ends]
        assert float(sample["length"]) == pytest.approx(float((ends[0] - ends[1]).norm()), rel=1e-5)


def test_a_hidden_keypoint_and_one_the_animal_does_not_have(shard: SceneShard) -> None:
    keypoints, visible = shard.keypoints.copy(), shard.visible.copy()
    nose, tip = TOPVIEWMOUSE.index("nose"), TOPVIEWMOUSE.index("tail_end")
    visible[:, :, nose] = False
    keypoints[:, :, tip] = np.nan
    visible[:, :, tip] = False
    sample = crops(SceneShard(shard.images, keypoints, visible), augmented=False)[0]
    assert sample["visibility"][nose] == 1 and sample["has"][nose]
    assert sample["visibility"][tip] == 0 and not sample["has"][tip]
    assert sample["visibility"][TOPVIEWMOUSE.index("mouse_center")] == 2


def test_left_stays_left_under_rotation_and_flip(shard: SceneShard) -> None:
    samples, seen = crops(shard), 0
    names = ("neck", "tail_base", "left_hip", "right_hip")
    for position in range(30):
        sample = samples[position]
        k = [TOPVIEWMOUSE.index(name) for name in names]
        if (sample["visibility"][k] <= 0).any():
            continue
        neck, tail, left, right = sample["points"][k].numpy()
        forward, across = neck - tail, left - right
        assert forward[0] * across[1] - forward[1] * across[0] < 0
        seen += 1
    assert seen > 20


def test_an_animal_shows_the_side_that_its_head_points_to() -> None:
    shard = shard_of(12, picture=random_quadruped_picture)
    samples = SceneCrops([shard], replace(FOURLEGGED, crop=96), SOFTMAX, RECIPE)
    near, far = (QUADRUPED.index(f"body_middle_{side}") for side in ("left", "right"))
    known = set()
    for position in range(60):
        sample = samples[position]
        left, right = (int(sample["visibility"][k]) for k in (near, far))
        side = int(sample["side"])
        if side >= 0 and {left, right} == {1, 2}:
            assert side == (left == 2)
            known.add(side)
    assert known == {0, 1}
    assert int(crops(shard_of())[0]["side"]) == -1  # from above there is none


def test_frames_hold_their_boxes(shard: SceneShard) -> None:
    samples = SceneFrames([shard], MOUSE, RECIPE)
    for position in range(8):
        sample = samples[position]
        h, w = sample["image"].shape[1:]
        assert (h, w) in FRAME_SIZES and sample["image"].dtype == torch.uint8
        assert (sample["boxes"][:, :2] >= -0.5).all()
        assert (sample["boxes"][:, 2:] <= torch.tensor([w - 0.5, h - 0.5])).all()
        assert sample["ignore"].shape == (len(sample["boxes"]),)


def test_frames_of_a_batch_are_of_one_size(shard: SceneShard) -> None:
    samples = SceneFrames([shard], MOUSE, replace(RECIPE, batch=3))
    sizes = set()
    for start in range(0, 30, 3):
        batch = samples.collate([samples[n] for n in range(start, start + 3)])
        h, w = batch["image"].shape[2:]
        assert batch["center"].shape == (3, h // 8, w // 8)
        sizes.add((h, w))
    assert len(sizes) > 2
    with pytest.raises(InputError, match="one size"):
        SceneFrames([shard], MOUSE, replace(RECIPE, batch="auto"))


def test_a_frame_as_it_is_shows_the_whole_scene() -> None:
    scenes = shard_of(2, 320, 90.0, picture=random_quadruped_picture)
    samples = SceneFrames([scenes], FOURLEGGED, RECIPE, augmented=False)
    image = samples[1]["image"].permute(1, 2, 0).numpy()
    assert np.array_equal(image, scenes.images[1][32:288])
    still = SceneFrames([scenes], FOURLEGGED, replace(RECIPE, augmentation=Augmentation.none()))
    assert not torch.equal(still[1]["image"], samples[1]["image"])  # training frames are cut by a grey band
