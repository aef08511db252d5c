"""User-defined keypoint spaces: extend a shipped one, combine those of data sets, check, save."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml

from superanimal.errors import InputError
from superanimal.files import atomic_write
from superanimal.keypoints.conversion_table import side
from superanimal.labels.labelled_set import LabelledSet
from superanimal.poses import KeypointSpace

DEFAULT_SIGMA = 0.1
DEFAULT_COLOR = "#ffffff"


def extend_space(
    base: KeypointSpace,
    name: str,
    keypoints: Sequence[str],
    *,
    edges: Iterable[tuple[str, str]] = (),
    pairs: Iterable[tuple[str, str]] = (),
    sigmas: Mapping[str, float] | None = None,
    synonyms: Mapping[str, Sequence[str]] | None = None,
) -> KeypointSpace:
    """Return ``base`` with keypoints appended, so that its channels keep their indices.

    Parameters
    ----------
    keypoints
        New names.
    edges, pairs
        Further edges and (left, right) pairs, over old and new names.
    sigmas
        OKS constants of new keypoints; 0.1 by default.

    Raises
    ------
    InputError
        When a name is already in the space, or an edge or pair names an unknown keypoint.

    Examples
    --------
    >>> from superanimal.poses import load_space
    >>> space = extend_space(load_space("topviewmouse"), "with_implant", ["implant"])
    >>> len(space.keypoints), space.keypoints[-1]
    (28, 'implant')
    """
    if known := [keypoint for keypoint in keypoints if keypoint in base.keypoints]:
        raise InputError(f"{known} are already keypoints of {base.name}", "only new ones can be added")
    space = KeypointSpace(
        name=name,
        title=f"{base.title}, extended",
        keypoints=(*base.keypoints, *keypoints),
        edges=(*base.edges, *edges),
        pairs=(*base.pairs, *pairs),
        sigmas=np.concatenate([base.sigmas, [(sigmas or {}).get(k, DEFAULT_SIGMA) for k in keypoints]]),
        colors=(*base.colors, *([DEFAULT_COLOR] * len(keypoints))),
        synonyms={**base.synonyms, **{k: tuple(v) for k, v in (synonyms or {}).items()}},
    )
    check_space(space)
    return space


def union_space(parts: Sequence[LabelledSet | KeypointSpace], name: str = "union") -> KeypointSpace:
    """Return the space of all keypoints of data sets and spaces, by name, in order of appearance.

    Edges come from all of them; pairs, constants and colours from the first space that has them. The pairs of
    data sets are derived from their names (``left_ear`` and ``right_ear``).

    Raises
    ------
    InputError
        When nothing is given.

    Examples
    --------
    >>> from superanimal.poses import load_space
    >>> union = union_space([load_space("topviewmouse"), load_space("quadruped")])
    >>> "tail_end" in union.keypoints
    True
    """
    names = list(dict.fromkeys(keypoint for part in parts for keypoint in part.keypoints))
    if not names:
        raise InputError("no keypoints to combine", "give at least one data set or space")
    spaces = [part for part in parts if isinstance(part, KeypointSpace)]
    sigma = {
        k: float(s) for space in reversed(spaces) for k, s in zip(space.keypoints, space.sigmas, strict=True)
    }
    color = {k: c for space in reversed(spaces) for k, c in zip(space.keypoints, space.colors, strict=True)}
    pairs = list(dict.fromkeys(pair for space in spaces for pair in space.pairs))
    paired = {keypoint for pair in pairs for keypoint in pair}
    pairs += [pair for pair in pairs_by_name(names) if not paired & set(pair)]
    space = KeypointSpace(
        name=name,
        title=name,
        keypoints=tuple(names),
        edges=tuple(dict.fromkeys(edge for part in parts for edge in part.edges if set(edge) <= set(names))),
        pairs=tuple(pairs),
        sigmas=np.array([sigma.get(k, DEFAULT_SIGMA) for k in names]),
        colors=tuple(color.get(k, DEFAULT_COLOR) for k in names),
        synonyms={k: v for space in spaces for k, v in space.synonyms.items()},
    )
    check_space(space)
    return space


def pairs_by_name(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the (left, right) pairs of keypoints, derived from their names."""
    found = [(left, mirror_name(left)) for left in names if side(left) == "left"]
    return [(left, right) for left, right in found if right != left and right in names]


_ANYWHERE = (("left", "right"), ("Left", "Right"), ("LEFT", "RIGHT"))
_AT_START = (("L_", "R_"), ("l_", "r_"), ("near", "off"), ("Near", "Off"))


def mirror_name(name: str) -> str:
    """Return the name of the opposite side, or the name itself if it has no side.

    ``left_ear``: ``right_ear``; ``wingL``: ``wingR``; for horses, whose near side is the left, ``Nearknee``:
    ``Offknee``.
    """
    for left, right in (*_ANYWHERE, *_AT_START):
        for one, other in ((left, right), (right, left)):
            if name.startswith(one) or ((left, right) in _ANYWHERE and one in name):
                return name.replace(one, other, 1)
    swapped = re.sub(r"(?<=[a-z])([LR])(\d*)$", lambda m: ("R" if m[1] == "L" else "L") + m[2], name)
    return re.sub(r"_([lr])$", lambda m: "_" + ("r" if m[1] == "l" else "l"), swapped)


def check_space(space: KeypointSpace) -> list[str]:
    """Check a space and return warnings.

    Returns
    -------
    list of str
        Keypoints of one side without a mirror image, keypoints without an edge, duplicate edges.

    Raises
    ------
    InputError
        When a name is empty or repeats, an edge or pair names an unknown keypoint, a keypoint is in two
        pairs, a constant is not positive, or the numbers of names, constants and colours differ.
    """
    names = space.keypoints
    if not names:
        raise InputError(f"space {space.name} has no keypoints", "it needs at least one")
    if repeated := sorted({k for k in names if names.count(k) > 1}):
        raise InputError(f"space {space.name}: {repeated} appear more than once", "names are unique")
    if any(not k.strip() or ";" in k for k in names):
        raise InputError(
            f"space {space.name}: keypoint {next(k for k in names if not k.strip() or ';' in k)!r}",
            "a name is not empty and has no semicolon",
        )
    for kind, joined in (("edge", space.edges), ("pair", space.pairs)):
        for a, b in joined:
            if a not in names or b not in names or a == b:
                raise InputError(
                    f"space {space.name}: {kind} [{a}, {b}]", "it must join two of the keypoints"
                )
    paired = [k for pair in space.pairs for k in pair]
    if twice := sorted({k for k in paired if paired.count(k) > 1}):
        raise InputError(f"space {space.name}: {twice} are in two pairs", "a keypoint has one mirror image")
    if len(space.sigmas) != len(names) or len(space.colors) != len(names):
        raise InputError(
            f"space {space.name}: {len(names)} keypoints, {len(space.sigmas)} sigmas, "
            f"{len(space.colors)} colours",
            "one each",
        )
    if not (np.isfinite(space.sigmas).all() and (space.sigmas > 0).all()):
        raise InputError(
            f"space {space.name}: sigmas {space.sigmas.tolist()}", "they must be positive numbers"
        )
    doubts = []
    for left, right in space.pairs:
        if (side(left), side(right)) == ("right", "left"):
            doubts.append(f"pair [{left}, {right}]: the left keypoint comes first")
    doubts += [f"{k!r} is on one side and has no mirror image" for k in names if side(k) and k not in paired]
    joined_names = {k for edge in space.edges for k in edge}
    if space.edges:
        doubts += [f"{k!r} has no edge" for k in names if k not in joined_names]
    return doubts


def save_space(space: KeypointSpace, path: str | os.PathLike[str]) -> Path:
    """Write a space as YAML, as read by :func:`superanimal.poses.load_space`."""
    check_space(space)
    points = {}
    for name, sigma, color in zip(space.keypoints, space.sigmas.tolist(), space.colors, strict=True):
        points[name] = {"sigma": sigma, "color": color}
        if space.synonyms.get(name):
            points[name]["synonyms"] = list(space.synonyms[name])
    document = {
        "name": space.name,
        "title": space.title,
        "keypoints": points,
        "edges": [list(edge) for edge in space.edges],
        "pairs": [list(pair) for pair in space.pairs],
    }
    with atomic_write(path) as temporary:
        temporary.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return Path(path)
