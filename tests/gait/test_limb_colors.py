from __future__ import annotations

from superanimal.gait.limb_colors import limb_colors


def test_every_limb_has_a_color_of_its_own() -> None:
    for limbs in (
        ["left_hind", "right_hind", "left_fore", "right_fore"],
        ["left", "right"],
        ["L1", "L2", "L3", "R1", "R2", "R3"],
        ["limb", "paw of the cat"],
    ):
        colors = limb_colors(limbs)
        assert list(colors) == limbs and len(set(colors.values())) == len(limbs)
    assert limb_colors(["left_hind"])["left_hind"] == limb_colors(["right_hind", "left_hind"])["left_hind"]
