from __future__ import annotations

import pytest

from superanimal.errors import InputError
from superanimal.gait.limbs import body_points, find_limbs
from superanimal.poses import load_space

HORSE = ["Nostril", "Poll", "Withers", "RightKnee", "RightFrontFetlock", "RightFrontHoof", "LeftFrontHoof",
         "RightHock", "RightHindHoof", "LeftHindFetlock", "LeftHindHoof"]  # fmt: skip
NEAR = ["Nose", "Nearfrontfetlock", "Nearfrontfoot", "Offfrontfoot", "Wither", "Nearhindfoot", "Offhindfoot"]


def named(keypoints: list[str]) -> dict[str, tuple[str, ...]]:
    return {limb.name: limb.keypoints for limb in find_limbs(keypoints)}


def test_feet_of_a_quadruped() -> None:
    assert named(list(load_space("quadruped").keypoints)) == {
        "left_hind": ("back_left_paw",), "right_hind": ("back_right_paw",),
        "left_fore": ("front_left_paw",), "right_fore": ("front_right_paw",),
    }  # fmt: skip


def test_hooves_not_fetlocks() -> None:
    assert named(HORSE) == {
        "left_hind": ("LeftHindHoof",), "right_hind": ("RightHindHoof",),
        "left_fore": ("LeftFrontHoof",), "right_fore": ("RightFrontHoof",),
    }  # fmt: skip


def test_near_is_left_and_off_is_right() -> None:
    assert named(NEAR) == {
        "left_hind": ("Nearhindfoot",), "right_hind": ("Offhindfoot",),
        "left_fore": ("Nearfrontfoot",), "right_fore": ("Offfrontfoot",),
    }  # fmt: skip


def test_heel_before_toe_and_ankles_where_there_is_nothing_lower() -> None:
    assert named(["sacrum", "right_toe", "right_heel", "left_heel", "left_toe", "left_ankle"]) == {
        "left": ("left_heel", "left_toe"), "right": ("right_heel", "right_toe"),
    }  # fmt: skip
    assert named(list(load_space("humanbody").keypoints)) == {
        "left": ("left_ankle",),
        "right": ("right_ankle",),
    }


def test_a_side_view_with_one_fore_and_one_hind_limb() -> None:
    assert named(["Nose", "Front paw tao", "Ankle", "Hind paw tao"]) == {
        "hind": ("Hind paw tao",), "fore": ("Front paw tao",),
    }  # fmt: skip


def test_six_legs_by_number() -> None:
    assert sorted(named(["thorax", "L1", "L2", "L3", "R1", "R2", "R3"])) == [
        "left_1", "left_2", "left_3", "right_1", "right_2", "right_3",
    ]  # fmt: skip


def test_no_feet_names_the_remedy() -> None:
    with pytest.raises(InputError, match=r"no limb is recognised.*limbs="):
        find_limbs(list(load_space("topviewmouse").keypoints))


def test_given_limbs_are_checked() -> None:
    assert find_limbs(HORSE, {"left_hind": "LeftHindHoof"})[0].place == "hind"
    with pytest.raises(InputError, match=r"LeftHindHof.*did you mean LeftHindHoof"):
        find_limbs(HORSE, {"left_hind": "LeftHindHof"})
    with pytest.raises(InputError, match="is in limbs 'a' and 'b'"):
        find_limbs(HORSE, {"a": "LeftHindHoof", "b": ["LeftHindHoof"]})


def test_the_trunk_has_no_legs() -> None:
    assert body_points(HORSE, find_limbs(HORSE)) == ["Nostril", "Poll", "Withers"]
