"""Assigning keypoints to limbs, from their names or as given by the user."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from superanimal.errors import InputError, nearest, option

Limbs = Mapping[str, str | Sequence[str]]

_SIDES = {"left": "left", "l": "left", "near": "left", "right": "right", "r": "right", "off": "right"}
_PLACES = {
    "front": "fore", "fore": "fore", "f": "fore", "hind": "hind", "back": "hind", "rear": "hind",
    "h": "hind", "b": "hind", "middle": "mid", "mid": "mid",
}  # fmt: skip
_FEET = {
    "toe": 0, "toes": 0, "bigtoe": 0, "tao": 0, "tip": 0, "claw": 0, "tarsus": 0, "heel": 0,
    "hoof": 1, "paw": 1, "foot": 1, "hand": 1, "leg": 4,
    "ankle": 2, "fetlock": 3, "pastern": 3,
}  # fmt: skip
"""Level of a point above the ground, in joints: the lowest points of a limb represent it."""
_FORE_FEET, _HIND_FEET = {"hand", "wrist"}, {"foot", "ankle", "toe", "heel"}
_OTHER = (
    "tail", "ear", "eye", "nose", "neck", "knee", "elbow", "hip", "shoulder", "wing", "hock", "wrist", "thai",
    "thigh", "carpus", "stifle", "antler", "eyes", "ears", "base", "center", "middle", "body", "end",
)  # fmt: skip
_LEG_POINTS = frozenset(_FEET) | {"knee", "elbow", "hock", "wrist", "thai", "thigh", "carpus", "stifle"}


@dataclass(frozen=True)
class Limb:
    """One limb.

    Attributes
    ----------
    name
        Such as ``"left_hind"``.
    keypoints
        Its points near the ground; if there are several, the rearmost of the foot first.
    side
        ``"left"``, ``"right"`` or empty.
    place
        ``"fore"``, ``"hind"``, ``"mid"``, a number for insects, or empty.
    """

    name: str
    keypoints: tuple[str, ...]
    side: str = ""
    place: str = ""


def find_limbs(keypoints: Sequence[str], limbs: Limbs | None = None) -> list[Limb]:
    """Return the limbs of a set of keypoints, hind before fore, left before right.

    Parameters
    ----------
    keypoints
        All names of the data set.
    limbs
        Limb name to one or several keypoints; derived from the names by default.

    Raises
    ------
    InputError
        When a keypoint does not exist or is in two limbs, or no limb is recognised.
    """
    found = _given(list(keypoints), limbs) if limbs is not None else _guessed(list(keypoints))
    return sorted(found, key=lambda limb: (_ORDER.get(limb.place, 4), limb.place, limb.side, limb.name))


_ORDER = {"": 0, "hind": 1, "mid": 2, "fore": 3}


def body_points(keypoints: Sequence[str], limbs: Sequence[Limb]) -> list[str]:
    """Return the keypoints that move with the trunk, that is, no leg joints, tail or ears."""
    feet = {name for limb in limbs for name in limb.keypoints}
    legs = _LEG_POINTS | {"tail", "ear", "ears", "antler", "wing", "nose", "jaw", "mouth", "eye"}
    trunk = [
        name
        for name in keypoints
        if name not in feet and (not legs & set(words_of(name)) or _is_tail_base(words_of(name)))
    ]
    return trunk


def _is_tail_base(words: Sequence[str]) -> bool:
    return "tail" in words and ("base" in words or "root" in words)


def _given(keypoints: list[str], limbs: Limbs) -> list[Limb]:
    if not limbs:
        raise InputError(
            "no limb is named", "a limb needs a name and one or more keypoints", f"name one{_EXAMPLE}"
        )
    found, used = [], dict[str, str]()
    for name, value in limbs.items():
        points = (value,) if isinstance(value, str) else tuple(value)
        if not points:
            raise InputError(f"limb {name!r} has no keypoint", "a limb needs at least one")
        for point in points:
            if point not in keypoints:
                near = nearest(point, keypoints) or keypoints[:8]
                raise InputError(
                    f"limb {name!r}: there is no keypoint {point!r}",
                    remedy=f"did you mean {', '.join(near)}?",
                )
            if used.setdefault(point, str(name)) != str(name):
                raise InputError(
                    f"keypoint {point!r} is in limbs {used[point]!r} and {name!r}",
                    "a point belongs to one limb",
                )
        side, place = role_of(words_of(str(name)))
        if not side and not place:
            side, place = role_of(words_of(points[0]))
        found.append(Limb(str(name), points, side, place))
    return found


_EXAMPLE = option("limbs", '{"left_hind": "left_hind_paw"}', "--limb left_hind=left_hind_paw")


def _guessed(keypoints: list[str]) -> list[Limb]:
    groups: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for name in keypoints:
        words = words_of(name)
        ranks = [_FEET[word] for word in words if word in _FEET]
        if not ranks or "tail" in words or "ear" in words or "nose" in words:
            continue
        side, place = role_of(words)
        groups.setdefault((side, place), []).append((min(ranks), name))
    limbs = []
    paired = any(side for side, _ in groups)
    placed = any(place for _, place in groups)
    for (side, place), points in groups.items():
        if (paired and not side) or (placed and not place):
            continue  # not said of which limb
        best = min(rank for rank, _ in points)
        names = [name for rank, name in points if rank == best]
        names.sort(key=lambda name: "heel" not in words_of(name))
        limb = "_".join(part for part in (side, place) if part) or "limb"
        limbs.append(Limb(limb, tuple(names), side, place))
    if not limbs:
        shown = ", ".join(keypoints[:12]) + (", …" if len(keypoints) > 12 else "")
        raise InputError(
            f"no limb is recognised among the keypoints {shown}",
            "gait needs points near the ground, such as left_hind_paw or right_heel",
            f"name the keypoints of the feet{_EXAMPLE}; gait analysis needs keypoints on the feet",
        )
    return limbs


def role_of(words: Sequence[str]) -> tuple[str, str]:
    """Return side and place of the words of a name, each empty where the name does not say it."""
    side = next((_SIDES[word] for word in words if word in _SIDES), "")
    place = next((_PLACES[word] for word in words if word in _PLACES), "")
    if not place:
        place = next((word for word in words if word.isdigit() and len(word) == 1), "")
    return side, place


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """Split ``LeftHindHoof``, ``Offfrontfoot``, ``l_back_paw``, ``LFpaw`` and ``R3`` into known words."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    spaced = re.sub(r"([A-Z]{2})([a-z]{3,})", r"\1 \2", spaced)
    tokens = re.findall(r"[a-z]+|\d+", spaced.lower())
    words: list[str] = []
    for token in tokens:
        words += _split(token) or [token]
    if len(words) == 2 and words[0] in ("l", "r") and words[1].isdigit():
        words.append("leg")  # L1 … R3 of an insect
    return tuple(words)


@lru_cache(maxsize=4096)
def _split(token: str) -> list[str] | None:
    """Split a token into known words, longest first; None when it is not made of them."""
    if not token:
        return []
    vocabulary = (*_SIDES, *_PLACES, *_FEET, *_OTHER)
    if token in _OTHER or token in _FEET:
        return [token]
    for word in sorted(set(vocabulary), key=len, reverse=True):
        if token.startswith(word) and (rest := _split(token[len(word) :])) is not None:
            return [word, *rest]
    return None
