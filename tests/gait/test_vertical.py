from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import superanimal
from superanimal.gait.vertical import differences
from superanimal.poses import make_poses
from superanimal.synth.gaits import generate

HEIGHT = 300.0


def trot(lame: float, *, noise: float, strides: int = 12, height: float = HEIGHT, camera: str = "fixed"):
    """Return poses of a trot whose head and croup are ``lame`` pixels lower in the left half."""
    truth = generate("trot", fps=60, noise=0, strides=strides, height=height, camera=camera)
    rng = np.random.default_rng(1)
    angle = 2 * np.pi * (truth.time - truth.contacts["left_fore"][0]) / truth.period
    up = 0.02 * height * np.cos(2 * angle + 0.5)
    first, other = (np.pi - 0.5) / 2, (np.pi - 0.5) / 2 + np.pi  # its two minima
    up = up - lame / 2 * np.cos(angle - first)
    head = truth.position[:, :, truth.keypoints.index("withers")].copy()
    head[:, 0] += 0.5 * height
    base = head[:, 1] - 0.02 * height * np.sin(4 * np.pi * truth.time / truth.period)
    head[:, 1] = base - 0.1 * height - up
    position = np.concatenate([truth.position, head[:, :, None]], axis=2)
    position = position + rng.normal(0, noise, position.shape)
    clean = -lame / 2 * (np.cos(first - first) - np.cos(other - first))
    return make_poses(position[..., None], keypoints=[*truth.keypoints, "poll"], times=truth.time), clean


@pytest.mark.parametrize("camera", ["fixed", "follow", "pan"])
@pytest.mark.parametrize("lame", [-4.0, 0.0, 3.0])
def test_a_planted_asymmetry_is_recovered(lame: float, camera: str) -> None:
    poses, true = trot(lame, noise=0.5, camera=camera)
    table = superanimal.gait.analyze(poses).vertical.set_index("part")
    head = table.loc["head"]
    assert head["unit"] == "% of withers height"
    assert head["strides"] >= 8
    assert head["min_diff"] == pytest.approx(100 * true / HEIGHT, abs=0.1 if camera != "pan" else 0.25)
    assert head["min_low"] < head["min_diff"] < head["min_high"]
    assert head["note"] == ""
    assert abs(table.loc["pelvis", "min_diff"]) < 0.1


def test_each_stride_is_good_to_a_quarter_of_a_percent() -> None:
    poses, true = trot(3.0, noise=0.5)
    y = -poses["position"].sel(space="y", keypoint="poll").values[:, 0]
    contacts = generate("trot", fps=60, strides=12, height=HEIGHT).contacts["left_fore"]
    found = [differences(poses["time"].values, y, *ends) for ends in pairwise(contacts)]
    errors = [abs(each[0] - true) / HEIGHT * 100 for each in found if each is not None]
    assert len(errors) >= 8
    assert np.median(errors) < 0.25


def test_too_coarse_a_picture_says_so() -> None:
    poses, _ = trot(0.0, noise=1.0, height=60, strides=4)
    table = superanimal.gait.analyze(poses).vertical.set_index("part")
    assert "not measurable at this resolution" in table.loc["head", "note"]


def test_no_withers_no_percent() -> None:
    poses, _ = trot(3.0, noise=0.5)
    names = [name for name in poses["keypoint"].values if name != "withers"]
    table = superanimal.gait.analyze(poses.sel(keypoint=names)).vertical.set_index("part")
    assert table.loc["head", "unit"] == "px"
    assert "no withers above all feet" in table.loc["head", "note"]
    assert "withers" not in table.index


@pytest.mark.parametrize("up", [False, True])
def test_seen_from_above_nothing_is_measured(up: bool) -> None:
    truth = generate("trot", fps=60, noise=0.3, strides=8)
    position = truth.position.copy()
    aside = {"left": -30.0, "right": 30.0}
    position[:, 1] = 500 + np.array([aside.get(name.split("_")[0], 0.0) for name in truth.keypoints])
    position += np.random.default_rng(0).normal(0, 0.3, position.shape)
    if up:  # it walks towards the top of the picture
        position = np.stack([position[:, 1], -position[:, 0]], axis=1)
    poses = make_poses(position[..., None], keypoints=truth.keypoints, times=truth.time)
    table = superanimal.gait.analyze(poses).vertical
    assert set(table["unit"]) == {"px"}
    assert table["note"].str.contains("not a side view|no stride").all()


def test_a_gallop_is_not_measured() -> None:
    truth = generate("gallop", fps=120, noise=0.3, strides=8)
    poses = make_poses(truth.position[..., None], keypoints=truth.keypoints, times=truth.time)
    table = superanimal.gait.analyze(poses).vertical
    assert set(table["note"]) == {"no stride of a symmetrical gait is seen long enough"}
