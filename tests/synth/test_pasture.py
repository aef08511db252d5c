"""Pictures of quadrupeds: deterministic, with exact truth and flags that hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from superanimal.synth import (
    QUADRUPED,
    Beast,
    Camera,
    Pasture,
    QuadrupedPose,
    QuadrupedShape,
    quadruped_box,
    quadruped_picture,
    random_quadruped_picture,
    render_pasture,
)
from superanimal.synth.hides import PATTERNS, sample_hide
from superanimal.synth.landscape import paint_landscape
from superanimal.synth.pasture import (
    ALL_AROUND,
    FROM_THE_SIDE,
    Outlook,
    photograph_pasture,
    sample_pasture,
    stand,
)

INDEX = {name: k for k, name in enumerate(QUADRUPED)}
CAMERA = Camera((150.0, 200.0), tilt=np.pi / 2 - 0.05, distance=4000.0)


def beast(heading: float = 0.0, depth: float = 0.0, x: float = 0.0) -> Beast:
    hide = replace(sample_hide(np.random.default_rng(1), "dog"), shag=0.0)
    return Beast(QuadrupedShape(), QuadrupedPose(neck=(0.5, 0.0)), hide, x, depth, heading, 110.0)


def picture(*animals: Beast):  # type: ignore[no-untyped-def]
    return render_pasture(Pasture(np.full((240, 320, 3), 0.9, np.float32), animals, CAMERA, contact=0.0))


def test_same_seed_same_picture() -> None:
    a, b, c = (random_quadruped_picture(seed, (160, 200), 60.0) for seed in (3, 3, 4))
    assert np.array_equal(a.image, b.image)
    assert np.array_equal(a.keypoints, b.keypoints, equal_nan=True)
    assert np.array_equal(a.visible, b.visible)
    assert not np.array_equal(a.image, c.image)


@pytest.mark.parametrize("animals", [0, 1, 3])
def test_shapes_boxes_and_flags(animals: int) -> None:
    p = random_quadruped_picture(21 + animals, (192, 256), 60.0, animals)
    assert p.image.shape == (192, 256, 3) and p.image.dtype == np.uint8
    assert p.keypoints.shape == (animals, 39, 2) and p.visible.shape == (animals, 39)
    assert p.boxes.shape == (animals, 4) and np.isfinite(p.boxes).all()
    for points, visible in zip(p.keypoints, p.visible, strict=True):
        x, y = points[visible].T
        assert ((x > -0.51) & (x < 255.51) & (y > -0.51) & (y < 191.51)).all()


def test_an_animal_to_the_right_shows_its_right_side() -> None:
    facing_right, facing_left = picture(beast(0.0)), picture(beast(np.pi))
    for shown, far, result in (("right", "left", facing_right), ("left", "right", facing_left)):
        visible = dict(zip(QUADRUPED, result.visible[0], strict=True))
        assert not visible[f"{far}_eye"] and not visible[f"{far}_antler_base"]
        assert visible[f"{shown}_eye"] and visible[f"body_middle_{shown}"]
        assert not visible[f"body_middle_{far}"]
        assert visible["back_middle"] and visible["nose"] and visible["tail_base"]
    x = facing_right.keypoints[0, :, 0]
    assert x[INDEX["nose"]] > x[INDEX["tail_base"]]
    assert facing_left.keypoints[0, INDEX["nose"], 0] < facing_left.keypoints[0, INDEX["tail_base"], 0]


def test_a_nearer_animal_hides_the_one_behind() -> None:
    alone = picture(beast())
    both = picture(beast(), beast(depth=-150.0))
    assert both.visible[0].sum() < 0.5 * alone.visible[0].sum()
    assert both.visible[1].sum() == alone.visible[0].sum()
    apart = picture(beast(), beast(depth=-150.0, x=2000.0))
    assert np.array_equal(apart.visible[0], alone.visible[0])
    assert not apart.visible[1].any()


def test_the_picture_changes_where_the_animal_is_and_nowhere_else() -> None:
    result = picture(beast())
    changed = np.abs(result.image - 0.9).max(-1) > 0.05
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    x0, y0, x1, y1 = quadruped_box(result.keypoints[0])
    assert columns[0] < x0 + 8 and columns[-1] > x1 - 8
    assert rows[0] < y0 + 8 and abs(rows[-1] - y1) < 12
    for name in ("nose", "back_middle", "belly_bottom", "front_right_knee", "back_right_paw"):
        x, y = np.round(result.keypoints[0, INDEX[name]]).astype(int)
        assert changed[y - 3 : y + 4, x - 3 : x + 4].any(), name


def test_a_shadow_falls_on_the_ground() -> None:
    from superanimal.synth.shading import Light

    ground = np.full((240, 320, 3), 0.8, np.float32)
    camera = Camera((150.0, 150.0), tilt=np.pi / 2 - 0.5, distance=4000.0)
    lit = Pasture(ground, (beast(),), camera, (Light(0.3, 0.8, 1.0),), shadow=0.8, contact=0.0)
    with_shadow, without = render_pasture(lit).image, render_pasture(replace(lit, shadow=0.0)).image
    darker = (without - with_shadow).mean(-1) > 0.2
    assert darker.sum() > 500
    assert np.mean(np.abs(without[darker] - 0.8) < 0.01) > 0.9  # on the ground, not on the animal


def test_every_pattern_is_drawn() -> None:
    rng = np.random.default_rng(0)
    hides = [sample_hide(rng, "horse") for _ in range(120)]
    assert {h.pattern for h in hides} == set(PATTERNS)
    plain = replace(hides[0], pattern="plain", belly_amount=0.0, saddle=0.0)
    images = [
        picture(replace(beast(), hide=replace(plain, pattern=name, second=np.ones(3)))).image
        for name in PATTERNS
    ]
    assert all(not np.allclose(images[0], other) for other in images[1:])


def test_a_leader_in_front_hides_what_is_behind() -> None:
    led = replace(Pasture(np.full((240, 320, 3), 0.9, np.float32), (beast(),), CAMERA), led=True)
    shown = render_pasture(led).visible
    hidden = np.zeros(shown.shape[1], int)
    for seed in range(12):
        hidden += (shown & ~photograph_pasture(np.random.default_rng(seed), led).visible)[0]
    front, rear = (
        sum(int(hidden[k]) for name, k in INDEX.items() if name.startswith(part))
        for part in (
            ("nose", "upper", "lower", "mouth", "throat", "front_"),
            ("tail", "back_left", "back_right"),
        )
    )
    assert front > 5 and front > 2 * rear


@pytest.mark.parametrize("row", [-40.0, 1.0, 30.0, 400.0])
def test_a_landscape_is_painted_everywhere(row: float) -> None:
    for seed in range(4):
        first, second = (
            paint_landscape(np.random.default_rng(seed), (48, 64), row, 20.0, 0.1) for _ in range(2)
        )
        assert np.isfinite(first).all() and np.array_equal(first, second)
        assert first.min() > -0.5 and first.max() < 3


def test_pictures_are_not_flat() -> None:
    spread = [random_quadruped_picture(seed, (128, 128), 50.0, 1).image.std() for seed in range(12)]
    assert np.median(spread) > 15


def test_animals_are_seen_from_all_around_too() -> None:
    def shares(outlook: Outlook) -> tuple[float, float]:
        """How long the trunk is across the picture, and how many animals lie or sit."""
        across, low = [], []
        for seed in range(40):
            pasture = sample_pasture(np.random.default_rng(seed), (96, 96), 60.0, 1, outlook)
            (beast,) = pasture.animals
            points = pasture.camera.project(stand(beast).keypoints)[0]
            front, rear = (points[QUADRUPED.index(name)] for name in ("back_base", "back_end"))
            across.append(abs(front[0] - rear[0]) / 60.0)
            low.append(beast.pose.lift < -0.2)
        return float(np.mean(across)), float(np.mean(low))

    side, around = shares(FROM_THE_SIDE), shares(ALL_AROUND)
    assert around[0] < 0.85 * side[0]
    assert around[1] > side[1] + 0.05


def test_pictures_to_train_on_are_of_both_kinds() -> None:
    size = (64, 64)
    same = [
        np.array_equal(
            quadruped_picture(seed, size, 30.0, 1).image, random_quadruped_picture(seed, size, 30.0, 1).image
        )
        for seed in range(10)
    ]
    assert 0 < sum(same) < 10
