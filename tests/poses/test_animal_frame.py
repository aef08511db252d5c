"""The animal's own frame of shapes turned, moved, scaled, bent, mirrored and disturbed by known amounts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superanimal.errors import InputError
from superanimal.poses import KeypointSpace
from superanimal.poses.animal_frame import Shape, find_frames, mean_shape

NAMES = ("nose", "left_ear", "right_ear", "neck", "left_hip", "right_hip", "tail_base")
BODY = np.array([[1, 0], [0.8, 0.15], [0.8, -0.15], [0.6, 0], [0.15, 0.2], [0.15, -0.2], [0, 0]], float)
"""In body lengths, x forward, y left."""


def to_image(own: np.ndarray, angle: np.ndarray, length: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Put points (F, K, 2) of the animal's frame into images: heading ``angle`` counterclockwise as seen."""
    z = (own[..., 0] + 1j * own[..., 1]) * (length * np.exp(1j * angle))[:, None]
    return np.stack([z.real, -z.imag], -1) + place[:, None]


def animals(count: int, seed: int = 0, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points (F, 7, 2), headings and lengths (F,)."""
    rng = np.random.default_rng(seed)
    angle, length = rng.uniform(-np.pi, np.pi, count), rng.uniform(20, 300, count)
    own = BODY + noise * rng.normal(size=(count, *BODY.shape))
    return to_image(own, angle, length, rng.uniform(-500, 500, (count, 2))), angle, length


@pytest.fixture
def shape() -> Shape:
    return Shape(NAMES, BODY - BODY.mean(0), "tail_base to nose", False)


def certain(points: np.ndarray) -> np.ndarray:
    return np.ones(points.shape[:2])


def turns(angle: np.ndarray) -> np.ndarray:
    return np.exp(1j * angle)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_heading_and_length_are_found(seed: int) -> None:
    points, angle, length = animals(5, seed)
    frames = find_frames(points, certain(points), Shape(NAMES, BODY, "", False))
    assert frames.length == pytest.approx(length, rel=1e-9)
    assert np.abs(frames.turn - turns(angle)[:, None]).max() < 1e-9
    assert not frames.mirrored.any()


def test_axes_are_forward_and_left(shape: Shape) -> None:
    points = to_image(BODY[None], np.zeros(1), np.full(1, 50.0), np.zeros((1, 2)))
    frames = find_frames(points, certain(points), shape)
    right_and_up = np.tile(
        [[5.0, -10.0]], (1, 7, 1)
    )  # the animal faces right, so up in the image is its left
    assert frames.to_own(right_and_up) == pytest.approx(np.tile([0.1, 0.2], (1, 7, 1)))
    assert frames.to_image(np.tile([0.1, 0.2], (7, 1))) == pytest.approx(right_and_up)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), mirrored=st.booleans())
def test_there_and_back(seed: int, mirrored: bool) -> None:
    points, _, _ = animals(4, seed, noise=0.02)
    points = points * [-1, 1] if mirrored else points
    frames = find_frames(points, certain(points), Shape(NAMES, BODY, "", True))
    assert frames.mirrored.tolist() == [mirrored] * 4
    vectors = np.random.default_rng(seed).normal(size=points.shape)
    assert frames.to_image(frames.to_own(vectors)) == pytest.approx(vectors)


def test_wrong_keypoints_do_not_turn_the_animal(shape: Shape) -> None:
    points, angle, length = animals(200, noise=0.01)
    points[np.arange(200), np.arange(200) % 7] += 3 * length[:, None] * [1, 1]
    frames = find_frames(points, certain(points), shape)
    wrong = np.abs(np.angle(frames.turn / turns(angle)[:, None]))
    assert np.quantile(wrong, 0.95) < 0.1
    assert np.quantile(np.abs(frames.length / length - 1), 0.95) < 0.1


def test_confidence_counts(shape: Shape) -> None:
    points, angle, _ = animals(20)
    sure = certain(points)
    points[:, 4:] += np.random.default_rng(0).normal(0, 30, (20, 3, 2))
    sure[:, 4:] = 0.01
    frames = find_frames(points, sure, shape)
    assert np.abs(np.angle(frames.turn / turns(angle)[:, None])).max() < 0.01


def test_a_bent_animal_has_a_direction_at_each_keypoint(shape: Shape) -> None:
    """The head is turned by 40 degrees about the neck."""
    own = BODY.copy()
    head, z = slice(0, 3), (BODY - BODY[3]) @ [1, 1j]
    bent = z[head] * np.exp(1j * np.radians(40))
    own[head] = BODY[3] + np.stack([bent.real, bent.imag], -1)
    points = to_image(own[None], np.zeros(1), np.full(1, 100.0), np.zeros((1, 2)))
    frames = find_frames(points, certain(points), shape)
    nose, hip = np.degrees(np.angle(frames.turn[0, [0, 4]]))
    assert nose - hip > 20
    assert abs(nose - 40) < 15 and abs(hip) < 12


def test_too_few_keypoints_have_no_frame(shape: Shape) -> None:
    points, _, _ = animals(3)
    points[0, 2:] = np.nan
    points[1, 3:] = np.nan
    points[2] = points[2, :1]  # all in one place
    frames = find_frames(points, certain(points), shape)
    assert np.isfinite(frames.length).tolist() == [False, True, False]
    assert np.isnan(frames.to_own(np.ones((3, 7, 2)))[[0, 2]]).all()


def test_the_mean_shape_is_found_from_noisy_poses() -> None:
    points, _, _ = animals(300, noise=0.02)
    points[::5, 1] = np.nan
    points[3:30:5, 2] += 200
    found = mean_shape(points, certain(points), NAMES)
    assert found.points == pytest.approx(BODY - BODY.mean(0), abs=0.01)
    assert (found.axis, found.mirrored) == ("tail_base to nose", False)
    assert np.linalg.norm(found.points[0] - found.points[6]) == pytest.approx(1)


def test_animals_seen_from_both_sides() -> None:
    lopsided = BODY.copy()
    lopsided[3] += [0, 0.5]  # a hump on the left, on the right of mirror images
    rng = np.random.default_rng(1)
    flip = rng.random(60) < 0.4
    posed = np.where(flip[:, None, None], lopsided * [1, -1], lopsided) + 0.01 * rng.normal(size=(60, 7, 2))
    points = to_image(posed, rng.uniform(-3, 3, 60), rng.uniform(50, 90, 60), rng.uniform(0, 99, (60, 2)))
    found = mean_shape(points, certain(points), NAMES)
    assert found.mirrored
    frames = find_frames(points, certain(points), found)
    assert frames.mirrored.tolist() in (flip.tolist(), (~flip).tolist())


def test_animals_walking_either_way_stand_upright() -> None:
    lopsided = BODY.copy()
    lopsided[3] += [0, 0.5]  # a hump on the back
    rng = np.random.default_rng(2)
    posed = lopsided + 0.01 * rng.normal(size=(40, 7, 2))
    points = to_image(posed, rng.normal(0, 0.2, 40), rng.uniform(50, 90, 40), np.zeros((40, 2)))
    points[::2] *= [-1, 1]  # walking to the left
    found = mean_shape(points, certain(points), NAMES)
    assert found.mirrored
    assert found.points[3, 1] - found.points[0, 1] == pytest.approx(0.5, abs=0.02)
    frames = find_frames(points, certain(points), found)
    upwards = np.tile([0.0, -10.0], (40, 7, 1))
    assert (frames.to_own(upwards)[..., 1] > 0).all()


def test_axes_without_known_ends() -> None:
    space = KeypointSpace("own", "own", ("a", "l", "r", "b"), (), (("l", "r"),), np.ones(4), ("#fff",) * 4)
    points = np.array([[[0.0, 0], [10, -10], [10, 10], [30, 0]]])
    sides = mean_shape(points, np.ones((1, 4)), space.keypoints, space)
    assert sides.axis == "at right angles to right-to-left"
    assert sides.points[1, 1] > 0 > sides.points[2, 1]
    assert sides.points[3, 0] - sides.points[0, 0] == pytest.approx(1)  # b lies in front, one length away
    alone = mean_shape(points, np.ones((1, 4)), ("a", "x", "y", "b"))
    assert alone.axis == "long axis of the shape, either way"
    assert abs(alone.points[3, 0] - alone.points[0, 0]) == pytest.approx(1)


def test_no_pose_has_enough_keypoints() -> None:
    with pytest.raises(InputError, match="none of 2 poses has 3 keypoints"):
        mean_shape(np.full((2, 7, 2), np.nan), np.ones((2, 7)), NAMES)
