"""The body, its keypoints and its projection agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from superanimal.poses import load_space
from superanimal.synth import TOPVIEWMOUSE, Camera, MousePose, MouseShape, Placement, build_mouse, place
from superanimal.synth.body import EYE, FUR, TAIL, Body
from superanimal.synth.pose import sample_pose, sample_shape
from superanimal.synth.raster import rasterise

INDEX = {name: k for k, name in enumerate(TOPVIEWMOUSE)}
SIZE = (320, 320)


def placed(seed: int, tilt: float = 0.2) -> tuple[Body, Camera]:
    rng = np.random.default_rng(seed)
    camera = Camera((150.0, 170.0), tilt=tilt, azimuth=rng.uniform(0, 6), distance=1500.0)
    where = Placement(160.0, 160.0, rng.uniform(0, 2 * np.pi), 120.0)
    return place(build_mouse(sample_shape(rng), sample_pose(rng)), where, camera), camera


def test_keypoint_names_are_those_of_the_space() -> None:
    assert load_space("topviewmouse").keypoints == TOPVIEWMOUSE


def test_straight_mouse_has_the_stated_length_and_order() -> None:
    points = build_mouse(MouseShape(), MousePose()).keypoints
    length = points[INDEX["nose"], 0] - points[INDEX["tail_base"], 0]
    assert length == pytest.approx(1.0, abs=0.03)
    spine = ["tail_base", "mid_backend3", "mid_backend2", "mid_backend", "mouse_center", "mid_back", "neck"]
    x = [points[INDEX[n], 0] for n in [*spine, "head_midpoint", "nose"]]
    assert (np.diff(x) > 0.05).all()
    tail = [
        points[INDEX[n], 0] for n in ["tail_base", "tail1", "tail2", "tail3", "tail4", "tail5", "tail_end"]
    ]
    assert (np.diff(tail) < -0.1).all()


def test_tail_base_is_where_the_tail_leaves_the_body() -> None:
    body = build_mouse(MouseShape(), MousePose())
    base = body.keypoints[INDEX["tail_base"], 0]
    trunk = (body.material == FUR) & (body.along >= 0)
    rear = (body.centers[trunk, 0] - np.sqrt(body.covariance[trunk, 0, 0])).min()
    tail_start = body.centers[body.material == TAIL, 0].max()
    assert abs(base - tail_start) < 0.01
    assert 0 <= base - rear < 0.05


@pytest.mark.parametrize("seed", range(12))
def test_left_is_the_animals_own_left_on_the_screen(seed: int) -> None:
    rng = np.random.default_rng(seed)
    camera = Camera((160.0, 160.0), distance=3000.0)
    where = Placement(160.0, 160.0, rng.uniform(0, 2 * np.pi), 120.0)
    body = place(build_mouse(sample_shape(rng), MousePose()), where, camera)
    image, _, _ = camera.project(body.keypoints)
    forward = image[INDEX["nose"]] - image[INDEX["tail_base"]]
    for part in ("ear", "ear_tip", "eye", "shoulder", "midside", "hip"):
        across = image[INDEX[f"left_{part}"]] - image[INDEX[f"right_{part}"]]
        # y points down: an animal that looks to the right has its left side above.
        assert forward[0] * across[1] - forward[1] * across[0] < 0, part


@pytest.mark.parametrize("seed", range(8))
def test_eye_is_projected_exactly_where_it_is_drawn(seed: int) -> None:
    """The eye's keypoint is the centre of its sphere, so the drawn disc must be centred on it."""
    body, camera = placed(seed)
    image, _, _ = camera.project(body.keypoints)
    for n, name in enumerate(("left_eye", "right_eye")):
        k = int(np.flatnonzero(body.material == EYE)[n])
        alone = Body(
            body.centers[[k]], body.covariance[[k]] * 40, body.material[[k]], body.along[[k]], body.keypoints
        )
        rows, columns = np.nonzero(rasterise(alone, camera, SIZE).mask)
        assert np.allclose([columns.mean(), rows.mean()], image[INDEX[name]], atol=0.15)


@pytest.mark.parametrize("seed", range(8))
def test_keypoints_lie_on_the_drawn_body(seed: int) -> None:
    body, camera = placed(seed)
    image, _, _ = camera.project(body.keypoints)
    mask = rasterise(body, camera, (600, 600)).mask
    for name, (x, y) in zip(TOPVIEWMOUSE, image, strict=True):
        column, row = round(float(x)), round(float(y))
        if 2 <= row < 598 and 2 <= column < 598:
            assert mask[row - 2 : row + 3, column - 2 : column + 3].any(), name


def test_placement_puts_the_centre_where_it_says() -> None:
    camera = Camera((100.0, 90.0), tilt=0.3, azimuth=1.0, distance=900.0)
    origin = replace(build_mouse(MouseShape(), MousePose()), keypoints=np.zeros((27, 3)))
    body = place(origin, Placement(200.0, 130.0, 0.7, 100.0), camera)
    assert np.allclose(camera.project(body.keypoints)[0], [200.0, 130.0], atol=1e-6)
