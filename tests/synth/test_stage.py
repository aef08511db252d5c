"""Faces and tubes hide what is behind them, in whatever order they are drawn."""

from __future__ import annotations

import numpy as np

from superanimal.synth.camera import Camera
from superanimal.synth.shading import Light
from superanimal.synth.stage import Stage, disc, flat, rectangle

RED, BLUE = np.array([0.8, 0.1, 0.1]), np.array([0.1, 0.1, 0.8])
LEANT = Camera((40.0, 30.0), tilt=0.4, azimuth=0.7, distance=500.0)


def stage(camera: Camera = LEANT, lights: tuple[Light, ...] = ()) -> Stage:
    return Stage((60, 80), camera, lights, 0.6, np.zeros(3))


def test_the_nearer_face_is_seen_whatever_the_order() -> None:
    low, high = flat(rectangle(0, 0, (30, 20)), 0), flat(rectangle(5, 0, (10, 10), 0.3), 12)
    pictures = []
    for faces in ((low, RED), (high, BLUE)), ((high, BLUE), (low, RED)):
        built = stage()
        for corners, colour in faces:
            built.face(corners, colour)
        pictures.append(built.image)
    assert np.array_equal(*pictures)
    assert {"red", "blue"} == {"red" if p[0] > p[2] else "blue" for p in pictures[0][pictures[0].any(-1)]}


def test_depth_is_that_of_the_plane() -> None:
    built = stage()
    wall = np.array([[-20, 8, 0], [20, 8, 0], [20, 8, 25], [-20, 8, 25]], float)
    built.face(wall, RED, hides=True)
    for share in ((0.3, 0.4), (0.7, 0.6), (0.5, 0.2)):
        point = wall[0] + share[0] * (wall[1] - wall[0]) + share[1] * (wall[3] - wall[0])
        (x, y), depth, _ = built.camera.project(point)
        assert abs(built.depth[round(y), round(x)] - depth) < 2.0
    assert np.array_equal(built.front, built.depth)


def test_floors_hide_nothing_and_glass_lets_through() -> None:
    built = stage()
    built.face(flat(rectangle(0, 0, (30, 20)), 0), RED)
    before = built.image.copy()
    built.face(flat(rectangle(0, 0, (10, 10)), 20), BLUE, hides=True, alpha=0.3)
    assert np.isneginf(built.front).all()
    mixed = built.image[30, 40] - 0.7 * before[30, 40]
    assert mixed[2] > mixed[0] > 0


def test_what_reaches_the_camera_is_left_out() -> None:
    built = stage()
    built.face(flat(rectangle(0, 0, (30, 20)), 490), RED)
    assert not built.image.any()


def test_a_lamp_makes_its_side_brighter() -> None:
    built = stage(Camera((40.0, 30.0), tilt=0.9, azimuth=np.pi / 2, distance=500.0), (Light(0.0, 0.5, 1.0),))
    built.prism(disc(0, 0, 15), 0, 20, RED)
    right, left = (built.image[30:40, columns][..., 0] for columns in (slice(47, 52), slice(28, 33)))
    assert right[right > 0].mean() > 1.2 * left[left > 0].mean()


def test_a_tube_passes_over_and_behind() -> None:
    built = stage(Camera((40.0, 30.0)))
    built.face(flat(rectangle(0, 0, (10, 30)), 10), BLUE)
    behind = built.tube(np.array([[-35.0, 10, 0], [35, 10, 0]]), 1.0, RED)
    over = built.tube(np.array([[-35.0, -10, 30], [35, -10, 30]]), 1.0, RED)
    assert not behind[:, 35:45].any() and behind[:, 10:25].any()
    assert over[:, 10:70].any(0).all()
    assert np.isfinite(built.front[over]).all()
