from __future__ import annotations

import numpy as np
import pytest

import superanimal
from superanimal.gait.joints import find_joints
from superanimal.gait.limbs import find_limbs
from superanimal.poses import make_poses
from superanimal.synth.gaits import generate

HORSE = [
    "Nose", "Nearfrontfoot", "Nearfrontfetlock", "Nearknee", "Offfrontfoot", "Offfrontfetlock", "Offknee",
    "Nearhindhoof", "Nearhindfetlock", "Nearhock", "Offhindfoot", "Offhindfetlock", "Offhock", "Wither",
]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "joints"),
    [
        (HORSE, ["Nearhindfetlock", "Offhindfetlock", "Nearfrontfetlock", "Offfrontfetlock"]),
        (["back_left_paw", "back_left_knee", "back_left_thai", "front_left_paw", "front_left_knee"],
         ["back_left_knee"]),
        (["right_toe", "right_heel", "right_ankle", "right_knee", "right_hip"],
         ["right_ankle", "right_knee"]),
        (["left_hind_paw", "right_hind_paw"], []),
    ],
)  # fmt: skip
def test_joints_are_known_by_their_names(names: list[str], joints: list[str]) -> None:
    assert [joint.name for joint in find_joints(names, find_limbs(names))] == joints


def test_a_known_angle_comes_back_over_the_stride() -> None:
    truth = generate("walk", fps=60, strides=8, limbs=("left_hind",))
    phase = (truth.time - truth.contacts["left_hind"][0]) / truth.period
    angle = np.radians(140 + 25 * np.cos(2 * np.pi * phase))  # at the knee, extended at contact
    paw = truth.position[:, :, 0]
    knee = paw - [0, 40]
    away = np.stack([np.sin(angle), np.cos(angle)], axis=1)  # the angle from straight down
    position = np.stack([paw, knee, knee + 40 * away, *np.moveaxis(truth.position[:, :, 1:], 2, 0)], axis=2)
    names = ["left_hind_paw", "left_hind_knee", "left_hind_thigh", *truth.keypoints[1:]]
    poses = make_poses(position[..., None], keypoints=names, times=truth.time)
    result = superanimal.gait.analyze(poses)
    (joint,) = result.joints.to_dict("records")
    assert joint["joint"] == "left_hind_knee"
    assert joint["min_deg"] == pytest.approx(115, abs=0.5)
    assert joint["max_deg"] == pytest.approx(165, abs=0.5)
    assert joint["regularity"] > 0.99
    cycle = result.cycles.set_index("percent")["mean_deg"]
    assert cycle[0] == pytest.approx(165, abs=1)
    assert cycle[50] == pytest.approx(115, abs=1)
    assert result.cycles["strides"].iloc[0] >= 5


def test_a_joint_that_is_not_seen_gives_no_row() -> None:
    truth = generate("walk", fps=60, strides=6, limbs=("left_hind",))
    position = np.concatenate([np.full_like(truth.position[:, :, :2], np.nan), truth.position], axis=2)
    names = ["left_hind_knee", "left_hind_thigh", *truth.keypoints]
    result = superanimal.gait.analyze(make_poses(position[..., None], keypoints=names, times=truth.time))
    assert result.joints.empty
    assert (result.strides["refused"] == "").sum() >= 3
