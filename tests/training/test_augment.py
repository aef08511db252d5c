"""Augmentation moves picture and truth together."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from superanimal.synth import TOPVIEWMOUSE, random_picture
from superanimal.training.augment import (
    FrameSamples,
    PoseSamples,
    crop_matrix,
    detector_targets,
    move,
    warp,
)
from superanimal.training.scenes import SceneShard
from superanimal.training.subjects import FOURLEGGED, MOUSE


def shard_of(count: int = 4, side: int = 160) -> SceneShard:
    pictures = [random_picture(100 + k, (side, side), 70.0, 1) for k in range(count)]
    return SceneShard(
        np.stack([p.image for p in pictures]),
        np.stack([p.keypoints for p in pictures]),
        np.stack([p.visible for p in pictures]),
    )


def test_flip_swaps_sides_and_is_its_own_inverse() -> None:
    order = MOUSE.flip_order
    assert np.array_equal(order[order], np.arange(27))
    assert TOPVIEWMOUSE[order[TOPVIEWMOUSE.index("left_ear_tip")]] == "right_ear_tip"
    assert order[TOPVIEWMOUSE.index("tail3")] == TOPVIEWMOUSE.index("tail3")


def test_flip_order_of_quadrupeds() -> None:
    order, names = FOURLEGGED.flip_order, FOURLEGGED.keypoints
    assert np.array_equal(order[order], np.arange(39))
    assert names[order[names.index("front_left_thai")]] == "front_right_thai"
    assert names[order[names.index("mouth_end_right")]] == "mouth_end_left"
    assert order[names.index("back_base")] == names.index("back_base")


@pytest.mark.parametrize("seed", range(6))
def test_a_drawn_dot_lands_where_the_point_is_moved(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spot = rng.uniform(60, 100, 2)
    image = np.zeros((160, 160, 3), np.uint8)
    cv2.circle(image, (round(spot[0] * 16), round(spot[1] * 16)), 6 * 16, (255, 255, 255), -1, cv2.LINE_AA, 4)
    matrix = crop_matrix(np.array([80.0, 78.0]), rng.uniform(90, 200), 128, rng.uniform(0, 6), bool(seed % 2))
    moved = warp(rng, image, matrix, (128, 128))[..., 0].astype(float)
    expected = move(spot, matrix)
    inner = moved * (np.hypot(*(np.mgrid[0:128, 0:128] - expected[::-1, None, None])) < 14)
    y, x = np.mgrid[0:128, 0:128]
    assert np.allclose([(inner * x).sum() / inner.sum(), (inner * y).sum() / inner.sum()], expected, atol=0.3)


def test_pose_batch_is_deterministic_and_in_cells() -> None:
    samples = PoseSamples([shard_of()])
    a = samples.batch(np.random.default_rng(3), 3, 96)
    b = samples.batch(np.random.default_rng(3), 3, 96)
    assert np.array_equal(a["image"], b["image"]) and np.array_equal(a["cells"], b["cells"])
    assert a["image"].shape == (3, 96, 96, 3) and a["cells"].shape == (3, 27, 2)
    plain = PoseSamples([shard_of()], augment=False).batch(np.random.default_rng(1), 8, 96)["cells"]
    body = plain[:, [TOPVIEWMOUSE.index("mouse_center")]]
    assert ((body > 0) & (body < 24)).all()


def test_left_stays_left_under_rotation_and_flip() -> None:
    samples = PoseSamples([shard_of()])
    rng = np.random.default_rng(0)
    for _ in range(30):
        _, points, _ = samples.draw(rng, 96)
        at = {
            name: points[TOPVIEWMOUSE.index(name)] for name in ("neck", "tail_base", "left_hip", "right_hip")
        }
        forward, across = at["neck"] - at["tail_base"], at["left_hip"] - at["right_hip"]
        assert forward[0] * across[1] - forward[1] * across[0] < 0


def test_detector_targets_peak_at_the_box_centre() -> None:
    boxes = np.array([[40, 32, 103, 79], [np.nan] * 4, [150, 100, 190, 140]], np.float32)
    maps = detector_targets(boxes, np.array([False, False, True]), (160, 224))
    i, j = np.unravel_index(maps["center"].argmax(), maps["center"].shape)
    assert (i, j) == (6, 8) or (i, j) == (7, 8) or (i, j) == (6, 9) or (i, j) == (7, 9)
    x = (j + 0.5 + maps["extent"][0, i, j]) * 8 - 0.5
    y = (i + 0.5 + maps["extent"][1, i, j]) * 8 - 0.5
    assert (x, y) == pytest.approx((71.5, 55.5), abs=0.01)
    assert 2 ** maps["extent"][2, i, j] * 8 == pytest.approx(63)
    assert maps["weight"][14, 20] == 0  # the ignored animal
    assert maps["center"][14, 20] < 0.1


def test_detector_frame_holds_its_boxes() -> None:
    samples = FrameSamples([shard_of()])
    for seed in range(8):
        image, boxes, ignore = samples.draw(np.random.default_rng(seed), (96, 128))
        assert image.shape == (96, 128, 3) and image.dtype == np.uint8
        real = boxes[~np.isnan(boxes[:, 0])]
        assert (real[:, :2] >= -0.5).all() and (real[:, 2:] <= [127.5, 95.5]).all()
        assert ignore.shape == (len(boxes),)
