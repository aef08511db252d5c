"""The horse walks: its standing hooves are still, in the right order."""

from __future__ import annotations

import numpy as np
import pytest

from superanimal.poses import load_space
from superanimal.synth import QUADRUPED
from superanimal.synth.horse import FEET, Gait, build_horse, side_camera


def test_keypoint_names_are_those_of_the_space() -> None:
    assert load_space("quadruped").keypoints == QUADRUPED


def test_standing_hooves_do_not_move_and_swinging_ones_do() -> None:
    gait = Gait()
    times = np.arange(0, 3, 0.02)
    paws = {foot: QUADRUPED.index(f"{foot}_paw") for foot in FEET}
    track = np.stack([build_horse(gait, float(t)).keypoints for t in times])
    for foot, down, up in gait.contacts(2.9):
        inside = (times > max(down, 0)) & (times < up)
        if inside.sum() > 2:
            assert np.ptp(track[inside, paws[foot], 0]) < 1e-9, foot
            assert track[inside, paws[foot], 2].max() == pytest.approx(0.035)
    assert all(track[:, k, 2].max() > 0.15 for k in paws.values())


def test_walk_is_a_lateral_sequence_with_its_duty_factor() -> None:
    gait = Gait(period=1.0, duty=0.62)
    contacts = [c for c in gait.contacts(4.0) if c[1] >= 0]
    assert [foot for foot, _, _ in contacts[:8]] == list(FEET) * 2
    assert np.allclose(np.diff([down for _, down, _ in contacts[:8]]), 0.25)
    assert np.allclose([up - down for _, down, up in contacts], 0.62)


def test_left_and_right_and_absent_antlers() -> None:
    points = build_horse(Gait(), 0.4).keypoints
    for k, name in enumerate(QUADRUPED):
        if "antler" in name:
            assert np.isnan(points[k]).all()
        elif "right" in name:
            assert points[k, 1] < 0, name
        elif "left" in name:
            assert points[k, 1] > 0, name
    camera = side_camera(66.0, 240.0)
    image, depth, _ = camera.project(points * 66.0)
    assert image[QUADRUPED.index("nose"), 0] > image[QUADRUPED.index("tail_base"), 0]
    assert image[QUADRUPED.index("back_middle"), 1] < image[QUADRUPED.index("belly_bottom"), 1]
    assert depth[QUADRUPED.index("body_middle_right")] > depth[QUADRUPED.index("body_middle_left")]
