"""Several animals labelled as one, distinguished by prefixes of keypoint names (``B_Nose``, ``W_Nose``)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from superanimal.errors import InputError
from superanimal.keypoints.conversion_table import side
from superanimal.labels.labelled_set import UNDEFINED, LabelledSet

_PREFIX = re.compile(r"^([^_\-. ]+[_\-. ])(.+)$")
_PLACES = ("front", "back", "fore", "hind", "upper", "lower", "mid", "inner", "outer", "tail", "head")
"""Prefixes that denote a place on the animal, not an animal."""


def find_prefixes(keypoints: Sequence[str]) -> tuple[str, ...]:
    """Return the prefixes that assign keypoint names to animals, such as ``("B_", "W_")``.

    Every name must have a prefix, each prefix needs at least three keypoints and the same ones for all
    animals, and it must not denote a side or a place. A single prefix shared by all names is returned, too.

    Examples
    --------
    >>> find_prefixes(["B_Nose", "B_Ear", "B_Tail", "W_Nose", "W_Ear", "W_Tail"])
    ('B_', 'W_')
    """
    parts = [_PREFIX.match(name) for name in keypoints]
    if not parts or not all(parts):
        return ()
    groups: dict[str, list[str]] = {}
    for part in parts:
        assert part is not None
        groups.setdefault(part[1], []).append(part[2])
    rests = {tuple(sorted(rest)) for rest in groups.values()}
    if len(rests) > 1 or min(map(len, groups.values())) < 3:
        return ()
    if any(side(prefix[:-1]) or prefix[:-1].lower() in _PLACES for prefix in groups):
        return ()
    return tuple(groups)


def split_prefixes(labels: LabelledSet, prefixes: Sequence[str]) -> LabelledSet:
    """Return the labels with every animal divided into the animals given by its keypoint prefixes.

    ``B_Nose`` and ``W_Nose`` of one animal become ``Nose`` of two, named B and W. Animals without a labelled
    point are left out.

    Parameters
    ----------
    prefixes
        Prefixes of names, such as ``("B_", "W_")``; each keypoint starts with exactly one.

    Raises
    ------
    InputError
        When a keypoint has none of the prefixes.
    """
    owner = [
        next((prefix for prefix in prefixes if name.startswith(prefix)), None) for name in labels.keypoints
    ]
    strange = [name for name, prefix in zip(labels.keypoints, owner, strict=True) if prefix is None]
    if strange:
        raise InputError(
            f"{', '.join(strange[:5])}: none of the prefixes {', '.join(prefixes)}",
            "every keypoint must belong to one of the animals",
            "give all prefixes, or first remove keypoints that belong to no animal",
        )
    rests = [name.removeprefix(str(prefix)) for name, prefix in zip(labels.keypoints, owner, strict=True)]
    keypoints = tuple(dict.fromkeys(rests))
    animals = labels.n_individuals
    xy = np.full((len(prefixes), animals, len(keypoints), 2), np.nan, dtype=np.float32)
    visibility = np.full(xy.shape[:3], UNDEFINED, dtype=np.int8)
    for k, (prefix, rest) in enumerate(zip(owner, rests, strict=True)):
        place = prefixes.index(str(prefix)), slice(None), keypoints.index(rest)
        xy[place], visibility[place] = labels.xy[:, k], labels.visibility[:, k]
    which, row = np.nonzero((visibility > 0).any(-1))
    names = [prefixes[w].rstrip("_-. ") for w in which.tolist()]
    several = len(set(labels.individuals.tolist())) > 1
    individuals = [f"{labels.individuals[m]}-{n}" if several else n for m, n in zip(row, names, strict=True)]
    return labels.with_columns(
        keypoints=keypoints,
        image_index=labels.image_index[row],
        xy=xy[which, row],
        visibility=visibility[which, row],
        boxes=None,
        area=None,
        individuals=individuals,
        category=labels.category[row],
    )
