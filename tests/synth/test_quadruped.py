"""Anatomy of the parametric quadruped: joints in order, on the body, mirrored by a mirrored pose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from superanimal.poses import load_space
from superanimal.synth import QUADRUPED, Camera, QuadrupedPose, QuadrupedShape, build_quadruped
from superanimal.synth.anatomy import LIMBS
from superanimal.synth.quadruped_legs import bend_joint
from superanimal.synth.raster import rasterise
from superanimal.synth.species import GAITS, SPECIES, gait_feet, sample_posture, sample_quadruped

INDEX = {name: k for k, name in enumerate(QUADRUPED)}
SIZE = (420, 520)
LENGTH = 160.0
STANDING = QuadrupedPose(neck=(0.5, 0.0))


def points_of(shape: QuadrupedShape, pose: QuadrupedPose) -> dict[str, np.ndarray]:
    return dict(zip(QUADRUPED, build_quadruped(shape, pose).keypoints, strict=True))


def drawn(seed: int, species: str) -> tuple[QuadrupedShape, QuadrupedPose]:
    rng = np.random.default_rng(seed)
    shape = sample_quadruped(rng, species)
    return shape, sample_posture(rng, species, shape)


@pytest.mark.parametrize("species", sorted(SPECIES))
def test_a_standing_animal_is_put_together_as_it_should(species: str) -> None:
    shape = sample_quadruped(np.random.default_rng(3), species)
    p = points_of(shape, STANDING)
    order = ["nose", "neck_base", "neck_end", "back_base", "back_middle", "back_end", "tail_base"]
    assert (np.diff([p[name][0] for name in order]) < 0).all()
    assert p["back_middle"][2] > p["body_middle_left"][2] > p["belly_bottom"][2] > 0
    assert p["throat_base"][2] < p["neck_base"][2]
    assert p["throat_end"][2] < p["neck_end"][2]
    assert p["back_base"][2] == pytest.approx(shape.height, abs=0.06)
    for side in ("left", "right"):
        elbow, carpus, fore = (p[f"front_{side}_{name}"] for name in ("thai", "knee", "paw"))
        stifle, hock, hind = (p[f"back_{side}_{name}"] for name in ("thai", "knee", "paw"))
        assert elbow[2] > carpus[2] > fore[2] >= 0
        assert hock[2] > hind[2] >= 0 and stifle[2] > hind[2]
        assert hock[0] < stifle[0]  # the hock points backwards, the stifle forwards
        assert fore[0] > hind[0] + 0.4


@pytest.mark.parametrize("species", sorted(SPECIES))
@pytest.mark.parametrize("seed", [0, 1])
def test_legs_bend_the_right_way_in_every_posture(species: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = sample_quadruped(rng, species)
    for gait in GAITS:
        for phase in np.linspace(0, 1, 7):
            p = points_of(shape, replace(STANDING, feet=gait_feet(gait, phase, shape.height)))
            for side in ("left", "right"):
                # A lifted fore foot hangs behind the line from elbow to toe.
                for first, sign, least in (("front", 1.0, -0.12), ("back", -1.0, -0.01)):
                    top, joint, foot = (p[f"{first}_{side}_{name}"] for name in ("thai", "knee", "paw"))
                    along = foot - top
                    share = np.clip((joint - top) @ along / (along @ along), 0, 1)
                    off = (joint - top - share * along)[0] * sign
                    assert off > least, (gait, phase, first, off)


def test_a_joint_bends_the_way_it_is_told() -> None:
    top, foot = np.array([0.0, 0.1, 0.5]), np.array([0.05, 0.1, 0.0])
    for forward in (True, False):
        joint = bend_joint(top, foot, 0.3, 0.28, forward)
        assert np.linalg.norm(joint - top) == pytest.approx(0.3)
        assert np.linalg.norm(joint - foot) == pytest.approx(0.28)
        assert (joint[0] > 0.03) == forward


@pytest.mark.parametrize("species", sorted(SPECIES))
def test_bones_keep_their_lengths(species: str) -> None:
    shape = sample_quadruped(np.random.default_rng(5), species)
    cannons = []
    for phase in np.linspace(0, 0.6, 5):
        p = points_of(shape, replace(STANDING, feet=gait_feet("walk", phase, shape.height, 0.6)))
        cannons.append(float(np.linalg.norm(p["front_left_thai"] - p["front_left_knee"])))
    assert np.ptp(cannons) < 0.02


@pytest.mark.parametrize("species", sorted(SPECIES))
@pytest.mark.parametrize("seed", range(4))
def test_keypoints_lie_on_the_drawn_body_and_above_the_ground(species: str, seed: int) -> None:
    shape, pose = drawn(seed, species)
    body = build_quadruped(shape, pose)
    assert np.nanmin(body.keypoints[:, 2]) > -0.06
    scaled = replace(
        body,
        centers=body.centers * LENGTH,
        covariance=body.covariance * LENGTH**2,
        keypoints=body.keypoints * LENGTH,
    )
    camera = Camera((260.0, 360.0), tilt=np.pi / 2 - 0.1, distance=20 * LENGTH)
    mask = rasterise(scaled, camera, SIZE).mask
    for name, (x, y) in zip(QUADRUPED, camera.project(scaled.keypoints)[0], strict=True):
        if np.isfinite(x) and 4 <= x < SIZE[1] - 4 and 4 <= y < SIZE[0] - 4:
            column, row = round(float(x)), round(float(y))
            assert mask[row - 4 : row + 5, column - 4 : column + 5].any(), name


@pytest.mark.parametrize("species", ["horse", "dog", "rodent"])
def test_a_mirrored_pose_gives_the_mirrored_animal(species: str) -> None:
    shape, pose = drawn(11, species)
    mirrored = replace(
        pose,
        bend=-pose.bend,
        feet=pose.feet[[1, 0, 3, 2]],
        neck=(pose.neck[0], -pose.neck[1]),
        head=(pose.head[0], -pose.head[1], -pose.head[2]),
        ears=pose.ears[::-1],
        tail=(pose.tail[0], pose.tail[1], -pose.tail[2]),
    )
    swap = {a: b for pair in load_space("quadruped").pairs for a, b in (pair, pair[::-1])}
    order = [INDEX[swap.get(name, name)] for name in QUADRUPED]
    here, there = build_quadruped(shape, pose).keypoints, build_quadruped(shape, mirrored).keypoints
    assert np.allclose(here, there[order] * [1, -1, 1], atol=1e-6, equal_nan=True)


def test_left_is_the_animals_own_left() -> None:
    p = points_of(QuadrupedShape(antler=0.3), STANDING)
    for name, point in p.items():
        if "left" in name:
            assert point[1] > 0, name
        elif "right" in name:
            assert point[1] < 0, name
        else:
            assert point[1] == pytest.approx(0, abs=1e-9), name


def test_only_those_with_antlers_have_antler_keypoints() -> None:
    bare = build_quadruped(QuadrupedShape(), STANDING).keypoints
    antlers = np.array(["antler" in name for name in QUADRUPED])
    assert np.isnan(bare[antlers]).all() and np.isfinite(bare[~antlers]).all()
    assert np.isfinite(build_quadruped(QuadrupedShape(antler=0.3, tines=2), STANDING).keypoints).all()


@pytest.mark.parametrize("gait", sorted(GAITS))
def test_feet_are_on_the_ground_for_the_duty_factor(gait: str) -> None:
    phases = np.linspace(0, 1, 400, endpoint=False)
    lifted = np.stack([gait_feet(gait, p, 1.0)[:, 2] for p in phases])
    assert np.allclose((lifted <= 1e-9).mean(0), GAITS[gait].duty, atol=0.01)
    down = [phases[np.argmax(np.roll(lifted[:, k], 1) * (lifted[:, k] <= 1e-9))] for k in range(4)]
    assert np.allclose(down, GAITS[gait].phases, atol=0.01)
    assert len(LIMBS) == 4


def test_species_are_drawn_within_reason() -> None:
    for species in SPECIES:
        shapes = [sample_quadruped(np.random.default_rng(k), species) for k in range(8)]
        assert len({s.height for s in shapes}) == 8
        low, high = SPECIES[species]["height"]
        assert all(low - 0.2 * (high - low) <= s.height <= high + 0.2 * (high - low) for s in shapes)
