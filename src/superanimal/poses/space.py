"""Keypoint spaces: the keypoints of a model or data set, with skeleton and left/right pairs.

A space is a data file (``spaces/*.yaml``)::

    name: topviewmouse
    title: Top-view mouse
    keypoints:                 # in channel order
      nose: {sigma: 0.026, color: "#ffcc00", synonyms: [snout]}
    edges: [[nose, neck], ...] # the skeleton that is drawn
    pairs: [[left_ear, right_ear], ...]  # the animal's own left first

A space may extend a shipped one with ``extends: topviewmouse``: it then lists only the additions, and the
channels of the shipped space keep their indices.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from superanimal.errors import InputError, NotFoundError, unknown_name

_NAMES = ("topviewmouse", "quadruped", "bird", "humanbody")


@dataclass(frozen=True)
class KeypointSpace:
    """An ordered set of named keypoints with skeleton, symmetry and scoring constants.

    Attributes
    ----------
    name, title
        Short identifier and the name shown to people.
    keypoints
        K names in channel order.
    edges
        Pairs of names connected in the skeleton.
    pairs
        (left, right) pairs of names; left and right are the animal's own.
    sigmas
        K object-keypoint-similarity constants, float64, read-only (COCO convention: standard deviation
        of a labeller relative to the square root of the animal's area).
    colors
        K colours as ``#rrggbb``.
    synonyms
        Alternative names of each keypoint.
    """

    name: str
    title: str
    keypoints: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    pairs: tuple[tuple[str, str], ...]
    sigmas: np.ndarray
    colors: tuple[str, ...]
    synonyms: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sigmas = np.array(self.sigmas, dtype=np.float64)
        sigmas.flags.writeable = False  # shipped spaces are shared between callers
        object.__setattr__(self, "sigmas", sigmas)

    def __len__(self) -> int:
        return len(self.keypoints)

    def index(self, keypoint: str) -> int:
        """Return the channel of a keypoint.

        Raises
        ------
        NotFoundError
            When the space has no such keypoint.
        """
        try:
            return self.keypoints.index(keypoint)
        except ValueError:
            raise unknown_name(f"keypoint of space {self.name}", keypoint, self.keypoints) from None

    @cached_property
    def edge_index(self) -> np.ndarray:
        """Edges as channel numbers, shape (E, 2), int64."""
        return np.array([[self.index(a), self.index(b)] for a, b in self.edges], dtype=np.int64).reshape(
            -1, 2
        )

    @cached_property
    def flip_index(self) -> np.ndarray:
        """Channel order after mirroring the image, shape (K,), int64."""
        order = np.arange(len(self.keypoints), dtype=np.int64)
        for left, right in self.pairs:
            i, j = self.index(left), self.index(right)
            order[i], order[j] = j, i
        return order


def space_names() -> list[str]:
    """Return the names of the keypoint spaces that ship with the package."""
    return list(_NAMES)


def load_space(name_or_path: str | os.PathLike[str]) -> KeypointSpace:
    """Load a shipped keypoint space by name, or a keypoint space from a YAML file.

    Raises
    ------
    NotFoundError
        When there is neither a shipped space nor a file with that name.
    InputError
        When the file breaks a rule of the format.

    Examples
    --------
    >>> space = load_space("topviewmouse")
    >>> len(space.keypoints), space.keypoints[:3]
    (27, ('nose', 'left_ear', 'right_ear'))
    """
    if str(name_or_path) in _NAMES:
        return _shipped_space(str(name_or_path))
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        raise unknown_name("keypoint space", str(name_or_path), _NAMES)
    if not path.is_file():
        raise NotFoundError(f"{path}: no such keypoint-space file")
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a YAML text file ({error})") from error
    return parse_space(document, source=str(path))


def parse_space(document: Any, source: str = "keypoint space") -> KeypointSpace:
    """Turn the parsed YAML document of a space into a :class:`KeypointSpace`.

    Raises
    ------
    InputError
        When a field is missing, a name repeats, or an edge or pair names an unknown keypoint.
    NotFoundError
        When it extends an unknown space.
    """
    if not isinstance(document, dict) or not isinstance(document.get("keypoints"), dict):
        raise InputError(f"{source}: no mapping 'keypoints'", "a space lists its keypoints in channel order")
    if "extends" in document:
        document = _with_base(document, source)
    points: dict[str, dict[str, Any]] = {str(k): dict(v or {}) for k, v in document["keypoints"].items()}
    names = tuple(points)
    joined = {key: _name_pairs(document.get(key, []), names, key, source) for key in ("edges", "pairs")}
    paired = [name for pair in joined["pairs"] for name in pair]
    if len(set(paired)) != len(paired):
        repeated = sorted({name for name in paired if paired.count(name) > 1})
        raise InputError(f"{source}: {repeated} are in two pairs", "a keypoint has one mirror image")
    return KeypointSpace(
        name=str(document.get("name", source)),
        title=str(document.get("title", document.get("name", source))),
        keypoints=names,
        edges=joined["edges"],
        pairs=joined["pairs"],
        sigmas=np.array([float(point.get("sigma", 0.05)) for point in points.values()]),
        colors=tuple(str(point.get("color", "#ffffff")) for point in points.values()),
        synonyms={name: tuple(map(str, point.get("synonyms", ()))) for name, point in points.items()},
    )


def space_for(keypoints: Iterable[str]) -> KeypointSpace | None:
    """Return the shipped space whose keypoints include all the given ones, or None.

    The smallest such space is chosen, so that ``["nose", "left_ear"]`` is not recognised as quadruped.

    Examples
    --------
    >>> space_for(["nose", "left_ear", "tail_base"]).name
    'topviewmouse'
    """
    wanted = set(keypoints)
    candidates = [space for space in map(load_space, _NAMES) if wanted and wanted <= set(space.keypoints)]
    return min(candidates, key=len, default=None)


def _with_base(document: dict[str, Any], source: str) -> dict[str, Any]:
    """Return the document with the entries of the extended space before its own."""
    base = _shipped_document(str(document["extends"]))
    if known := [name for name in document["keypoints"] if name in base["keypoints"]]:
        raise InputError(f"{source}: {known} are already keypoints of {base['name']}", "list only new ones")
    whole = {**document, "keypoints": {**base["keypoints"], **document["keypoints"]}}
    for key in ("edges", "pairs"):
        whole[key] = [*base.get(key, []), *document.get(key, [])]
    return whole


@cache
def _shipped_space(name: str) -> KeypointSpace:
    return parse_space(_shipped_document(name), source=f"{name}.yaml")


@cache
def _shipped_document(name: str) -> dict[str, Any]:
    if name not in _NAMES:
        raise unknown_name("keypoint space", name, _NAMES)
    text = (resources.files("superanimal.poses") / "spaces" / f"{name}.yaml").read_text("utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def _name_pairs(value: Any, names: tuple[str, ...], key: str, source: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for item in value:
        if not isinstance(item, (list, tuple)) or len(item) != 2:
            raise InputError(f"{source}: {key} entry {item!r}", "each entry is two keypoint names")
        for name in item:
            if name not in names:
                raise InputError(f"{source}: {key} entry {list(item)!r}", f"{name!r} is not a keypoint")
        pairs.append((str(item[0]), str(item[1])))
    return tuple(pairs)
