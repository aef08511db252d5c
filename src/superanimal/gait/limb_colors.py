"""A colour for each limb, the same in diagrams and tables and on the video: cold left, warm right."""

from __future__ import annotations

from collections.abc import Sequence

from superanimal.gait.limbs import find_limbs

# Shades of the palette of Wong (Nature Methods 8:441, 2011) that can be told apart under the common
# deficiencies of colour vision, and seen on a light and a dark ground: the darker of a side is the hind limb.
_BY_ROLE = {
    ("left", "hind"): "#1f78c8", ("left", "mid"): "#00a98f", ("left", "fore"): "#6cc5f5",
    ("right", "hind"): "#d9480f", ("right", "mid"): "#cc79a7", ("right", "fore"): "#f2b01e",
    ("left", ""): "#3d94d9", ("right", ""): "#e6861a",
}  # fmt: skip
_OTHERS = ("#8f86d9", "#9aa21c", "#00a98f", "#cc79a7", "#b08a4f", "#888888")


def limb_colors(limbs: Sequence[str]) -> dict[str, str]:
    """Return ``#rrggbb`` for each limb by its name, such as ``left_hind``; others take turns."""
    colors: dict[str, str] = {}
    for limb in limbs:
        (role,) = find_limbs([limb], {limb: limb})
        color = _BY_ROLE.get((role.side, role.place), "")
        if not color or color in colors.values():
            color = next(
                (c for c in _OTHERS if c not in colors.values()), _OTHERS[len(colors) % len(_OTHERS)]
            )
        colors[limb] = color
    return colors
