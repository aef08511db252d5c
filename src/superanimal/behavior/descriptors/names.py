"""Names of keypoints that features share between keypoint sets, and what part of the animal they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from superanimal.poses import load_space, space_names

FRONT = ("nose", "snout", "head_midpoint", "head", "neck", "neck_base", "throat_base")
BACK = ("tail_base", "tail", "anus", "rump", "croup", "back_base", "mid_backend3", "left_hip", "hip")
"""Keypoints that give the direction of the body, best first."""
_APPENDAGES = re.compile(
    r"tail[-_ ]?(\d|m|e|mid|end|tip|cent)|paw|foot|feet|hand|toe|finger|wrist|ankle|knee|elbow|hoof|hock|"
    r"wing|antler|whisker|^tip$|tongue"
)
_FIRST = (
    "nose", "tail_base", "neck", "mouse_center", "left_ear", "right_ear", "left_hip", "right_hip",
    "left_shoulder", "right_shoulder", "head_midpoint", "mid_back", "mid_backend2", "tail_end", "tail3",
    "left_midside", "right_midside",
)  # fmt: skip
LANDMARKS = 12
"""Largest number of keypoints whose pairwise distances are features."""


def canonical_names(keypoints: Sequence[str]) -> list[str]:
    """Return the name of each keypoint in the shipped keypoint spaces, or its own where they know none.

    >>> canonical_names(["snout", "earl", "tailbase", "cable"])
    ['nose', 'left_ear', 'tail_base', 'cable']
    """
    known = _synonyms()
    names = [known.get(plain(name), name) for name in keypoints]
    return [name if names.count(name) == 1 else own for name, own in zip(names, keypoints, strict=True)]


def plain(name: str) -> str:
    """Return a name without case, spaces and punctuation."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _synonyms() -> dict[str, str]:
    known: dict[str, str] = {}
    for space in map(load_space, space_names()):
        for name in space.keypoints:
            for each in (name, *space.synonyms.get(name, ())):
                known.setdefault(plain(each), name)
    return known


def trunk_points(names: Sequence[str]) -> list[int]:
    """Return the indices of keypoints on head and trunk: no limbs, no tail behind its base.

    All of them where fewer than two are left.
    """
    found = [k for k, name in enumerate(names) if not _APPENDAGES.search(name.lower())]
    return found if len(found) >= 2 else list(range(len(names)))


def landmark_points(names: Sequence[str]) -> list[int]:
    """Return the indices of at most 12 keypoints that stand for the whole body."""
    if len(names) <= LANDMARKS:
        return list(range(len(names)))
    first = [names.index(name) for name in _FIRST if name in names][:LANDMARKS]
    paws = [k for k in range(len(names)) if k not in first and re.search("paw|hoof|hand|foot", names[k])]
    others = [k for k in range(len(names)) if k not in first and k not in paws]
    return sorted([*first, *paws, *others][:LANDMARKS])


def first_of(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    """Return the index of the first wanted name that is there."""
    return next((list(names).index(name) for name in wanted if name in names), None)
