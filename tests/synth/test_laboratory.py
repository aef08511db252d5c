"""Pictures of laboratories: reproducible, with a truth that says what can be seen."""

from __future__ import annotations

import numpy as np
import pytest

from superanimal.synth import Choice, laboratory_picture, mouse_picture, render
from superanimal.synth.body import MousePose, MouseShape
from superanimal.synth.camera import Camera, Placement
from superanimal.synth.laboratory import FAINT, MOODS, SETUPS, stands_out
from superanimal.synth.scene import Animal, Scene
from superanimal.synth.shading import sample_coat

SIZE = (96, 128)


@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.parametrize("mood", MOODS)
def test_every_place_and_light_can_be_drawn(setup: str, mood: str) -> None:
    choice = Choice(setup=setup, mood=mood)
    a, b = (laboratory_picture(7, SIZE, 30.0, 2, choice) for _ in range(2))
    assert a.image.shape == (*SIZE, 3) and a.image.dtype == np.uint8
    assert a.keypoints.shape == (2, 27, 2) and a.boxes.shape == (2, 4)
    assert np.array_equal(a.image, b.image) and np.array_equal(a.visible, b.visible)
    inside = ((a.keypoints > -0.5) & (a.keypoints < np.array(SIZE[::-1]) - 0.5)).all(-1)
    assert not (a.visible & ~inside).any()


def test_places_without_mice() -> None:
    picture = laboratory_picture(3, SIZE, 30.0, 0)
    assert picture.keypoints.shape == (0, 27, 2) and picture.boxes.shape == (0, 4)
    assert picture.image.std() > 1


def test_most_mice_can_be_seen_and_are_as_long_as_asked() -> None:
    pictures = [laboratory_picture(seed, (192, 192), 40.0, 1) for seed in range(24)]
    seen = [picture.visible[0].sum() >= 8 for picture in pictures]
    assert np.mean(seen) > 0.6
    lengths = [np.linalg.norm(p.keypoints[0, 0] - p.keypoints[0, 13]) for p in pictures]
    assert 22 < np.median(lengths) < 44


def test_what_is_chosen_is_drawn() -> None:
    light, dark = (
        [laboratory_picture(s, SIZE, 50.0, 1, Choice(setup="box", mood="day", coat=c)) for s in range(8)]
        for c in ("light", "dark")
    )

    def backs(pictures: list) -> float:  # type: ignore[type-arg]
        levels = []
        for picture in pictures:
            x, y = np.clip(np.round(picture.keypoints[0, 9]), 0, np.array(SIZE[::-1]) - 1).astype(int)
            levels.append(picture.image[y, x].mean())
        return float(np.mean(levels))

    assert backs(light) > backs(dark) + 60


def test_a_wall_in_front_hides_keypoints() -> None:
    animal = Animal(
        MouseShape(), MousePose(), sample_coat(np.random.default_rng(0)), Placement(64, 48, 0, 60)
    )
    background, front = np.full((*SIZE, 3), 0.5, np.float32), np.full(SIZE, -np.inf, np.float32)
    free = render(Scene(background, (animal,), Camera((64.0, 48.0)), front=front))
    front[:, 64:] = 100.0
    half = render(Scene(background, (animal,), Camera((64.0, 48.0)), front=front))
    right = free.keypoints[0, :, 0] > 66
    assert free.visible[0][right].all() and not half.visible[0][right & (np.arange(27) != 26)].any()
    left = free.keypoints[0, :, 0] < 62
    assert left.any() and np.array_equal(free.visible[0][left], half.visible[0][left])
    bare = render(Scene(background, (), Camera((64.0, 48.0))))
    assert np.array_equal(half.image[:, 72:], bare.image[:, 72:])  # nor its shadow
    assert not np.array_equal(half.image[:, :60], bare.image[:, :60])


def test_a_mouse_of_the_colour_of_its_floor_does_not_count() -> None:
    picture = laboratory_picture(11, (128, 128), 50.0, 1, Choice(setup="box", mood="day", coat="dark"))
    even = np.full_like(picture.image, 90)
    assert stands_out(even, picture.keypoints[0]) < FAINT
    striped = even.copy()
    striped[::2] = 92
    assert stands_out(striped, picture.keypoints[0]) < FAINT


def test_training_pictures_are_of_both_kinds() -> None:
    size = (96, 96)
    pictures = [mouse_picture(seed, size, 30.0, 1) for seed in range(12)]
    lab = [laboratory_picture(seed, size, 30.0, 1) for seed in range(12)]
    same = [np.array_equal(a.image, b.image) for a, b in zip(pictures, lab, strict=True)]
    assert 0 < sum(same) < 12
