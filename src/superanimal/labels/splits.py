"""Splits into training and test images, drawn once, written to disk and never redrawn."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superanimal.errors import FormatError, InputError
from superanimal.files import atomic_write
from superanimal.labels.labelled_set import LabelledSet

UNITS = ("image", "video", "animal", "source")
_NUMBERED = re.compile(r"^(animal|individual|track|ind|mouse)?[_ ]?\d*$|^single$")


@dataclass(frozen=True)
class Leak:
    """An item that is in more than one split.

    Attributes
    ----------
    kind
        ``image`` (the same picture), ``video`` or ``animal``.
    what
        Its name.
    splits
        Number of its images in each split.
    """

    kind: str
    what: str
    splits: dict[str, int]

    def __str__(self) -> str:
        where = ", ".join(f"{count} in {split}" for split, count in self.splits.items())
        return f"{self.kind} {self.what}: {where}"


def draw_split(
    labelled: LabelledSet,
    fractions: Mapping[str, float] | None = None,
    *,
    by: str = "video",
    stratify: str = "source",
    seed: int = 0,
    same: Sequence[Sequence[int]] = (),
) -> NDArray[np.object_]:
    """Draw a split of whole units that approximates the fractions in each stratum.

    Parameters
    ----------
    fractions
        Share of the images of each split, by default 0.9 train and 0.1 test.
    by
        Unit that stays together: ``image``, ``video`` (of one source), ``animal`` (images that share a named
        animal; numbered ones such as animal0 are different animals in each video) or ``source``.
    stratify
        ``source``, ``category`` or ``none``: the fractions are met in each stratum as closely as whole units
        allow.
    same
        Further groups of images that must stay together, such as duplicates.

    Returns
    -------
    numpy.ndarray
        Shape (I,), the name of each image's split.
    """
    fractions = dict(fractions or {"train": 0.9, "test": 0.1})
    if not fractions or min(fractions.values()) < 0 or abs(sum(fractions.values()) - 1) > 1e-6:
        raise InputError(f"fractions {fractions}", "they must not be negative and must add up to 1")
    if stratify not in ("source", "category", "none"):
        raise InputError(f"stratify={stratify!r}", "it is source, category or none")
    unit = units(labelled, by, same)
    strata = _strata(labelled, stratify)
    split = np.full(len(labelled), "", dtype=object)
    for stratum in dict.fromkeys(strata.tolist()):
        members = np.flatnonzero(strata == stratum)
        members = members[split[members] == ""]
        split = _fill(split, unit, members, fractions, seed)
    return split


def units(labelled: LabelledSet, by: str, same: Sequence[Sequence[int]] = ()) -> NDArray[np.int64]:
    """Return the index of the unit of each image, shape (I,)."""
    if by not in UNITS:
        raise InputError(f"split by {by!r}", f"it is one of {', '.join(UNITS)}")
    parent = np.arange(len(labelled))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = int(parent[i])
        return i

    def join(members: Sequence[int]) -> None:
        for other in members[1:]:
            parent[root(other)] = root(members[0])

    keys: dict[Any, list[int]] = defaultdict(list)
    if by == "source":
        for i, source in enumerate(labelled.source.tolist()):
            keys[source].append(i)
    elif by == "video":
        for i, pair in enumerate(zip(labelled.source.tolist(), _videos(labelled), strict=True)):
            keys[pair].append(i)
    elif by == "animal":
        for key, images in _animals(labelled).items():
            keys[key] = images
    for members in (*keys.values(), *same):
        join(list(members))
    return np.array([root(i) for i in range(len(labelled))], dtype=np.int64)


def _fill(
    split: NDArray[np.object_],
    unit: NDArray[np.int64],
    members: NDArray[np.int64],
    fractions: Mapping[str, float],
    seed: int,
) -> NDArray[np.object_]:
    """Assign units to the splits with the largest deficit, large units first."""
    split = split.copy()
    rows_of = _rows_of(unit)
    names, counts = np.unique(unit[members], return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-counts[order], kind="stable")]
    total = int(counts.sum())
    given = dict.fromkeys(fractions, 0)
    for u in order.tolist():
        rows = rows_of[int(names[u])]
        decided = next((s for s in split[rows].tolist() if s), None)
        lacking = {s: share * total - given[s] for s, share in fractions.items()}
        chosen = decided or max(lacking, key=lambda s: lacking[s])
        split[rows] = chosen
        given[chosen] = given.get(chosen, 0) + int(counts[u])
    return split


def _rows_of(unit: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """Return the images of each unit."""
    order = np.argsort(unit, kind="stable")
    names, start = np.unique(unit[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, start[1:]), strict=True))


def _strata(labelled: LabelledSet, stratify: str) -> NDArray[np.object_]:
    if stratify == "source":
        return labelled.source
    strata = np.full(len(labelled), "", dtype=object)
    if stratify == "category":
        strata[labelled.image_index[::-1]] = labelled.category[::-1]
    return strata


def _videos(labelled: LabelledSet) -> list[str]:
    """Return the video of each image; an image without one is its own unit."""
    return [video or f"#{i}" for i, video in enumerate(labelled.video.tolist())]


def _animals(labelled: LabelledSet) -> dict[tuple[str, str], list[int]]:
    videos = _videos(labelled)
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, name in zip(labelled.image_index.tolist(), labelled.individuals.tolist(), strict=True):
        own = videos[i] if _NUMBERED.match(name) else ""
        found[(f"{labelled.source[i]}/{own}".rstrip("/"), name)].append(i)
    return found


def leakage(labelled: LabelledSet, hashes: Sequence[str] | None = None) -> list[Leak]:
    """Return pictures, videos and named animals that are in more than one split.

    Parameters
    ----------
    hashes
        Image hashes from :func:`~superanimal.labels.duplicates.image_hashes`; without them pictures are not
        compared.
    """
    keys: dict[tuple[str, str], list[int]] = {}
    if hashes is not None:
        first: dict[str, int] = {}
        for i, value in enumerate(hashes):
            first.setdefault(value, i)
            keys.setdefault(("image", image_key(labelled, first[value])), []).append(i)
    for i, (source, video) in enumerate(zip(labelled.source.tolist(), labelled.video.tolist(), strict=True)):
        if video:
            keys.setdefault(("video", f"{source}/{video}"), []).append(i)
    for (where, name), images in _animals(labelled).items():
        if not _NUMBERED.match(name):
            keys[("animal", f"{where}/{name}")] = images
    leaks = []
    for (kind, what), images in keys.items():
        found, counts = np.unique(labelled.split[images].astype(str), return_counts=True)
        known = {str(s): int(c) for s, c in zip(found, counts, strict=True) if s}
        if len(known) > 1:
            leaks.append(Leak(kind, what, known))
    return leaks


def image_key(labelled: LabelledSet, i: int) -> str:
    """Return the name of an image in a split file: source and the end of its path."""
    image = labelled.images[i]
    if image.name:
        return f"{labelled.source[i]}|{image.name}"
    tail = "/".join(PurePath(image.path.replace("\\", "/")).parts[-2:])
    frame = "" if image.frame is None else f"{image.inside and ':' + image.inside}#{image.frame}"
    return f"{labelled.source[i]}|{tail}{frame}"


def save_split(labelled: LabelledSet, path: str | os.PathLike[str], **drawn: Any) -> Path:
    """Write the split of every image, with the parameters used to draw it."""
    images = {image_key(labelled, i): s for i, s in enumerate(labelled.split.tolist())}
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps({"superanimal_split": 1, "drawn": drawn, "images": images}, indent=0))
    return Path(path)


def split_once(
    labelled: LabelledSet,
    path: str | os.PathLike[str],
    fractions: Mapping[str, float] | None = None,
    *,
    by: str = "video",
    stratify: str = "source",
    seed: int = 0,
    same: Sequence[Sequence[int]] = (),
    write: bool = True,
) -> LabelledSet:
    """Return the data set with the split stored in a file, drawing it only if there is none yet.

    Images that are not yet in the file (of a data set that has grown) follow the rest of their unit, else are
    drawn; existing entries of the file never change.

    Parameters
    ----------
    write
        False leaves the file unchanged: a second call with True writes the result of this one.

    Raises
    ------
    InputError
        When the file was drawn with other parameters.
    """
    file = Path(path)
    drawn = {
        "fractions": dict(fractions or {"train": 0.9, "test": 0.1}),
        "by": by,
        "stratify": stratify,
        "seed": seed,
    }
    known: dict[str, str] = {}
    if file.is_file():
        document = _read(file)
        if document["drawn"] != drawn:
            raise InputError(
                f"{file}: drawn with {_said(document['drawn'], drawn)}",
                "a split is never redrawn",
                "ask for the same again, or choose another output folder",
            )
        known = document["images"]
    split = np.array(
        [known.get(image_key(labelled, i), "") for i in range(len(labelled))] or [], dtype=object
    )
    for rows in _rows_of(units(labelled, by, same)).values() if known else ():
        if first := next((s for s in split[rows].tolist() if s), ""):
            split[rows] = [s or first for s in split[rows].tolist()]
    if rest := np.flatnonzero(split == "").tolist():
        place = {i: n for n, i in enumerate(rest)}
        groups = [[place[i] for i in group if i in place] for group in same]
        part = labelled.subset(rest)
        split[rest] = draw_split(
            part, fractions, by=by, stratify=stratify, seed=seed, same=[g for g in groups if g]
        )
        if write:
            save_split(labelled.with_columns(split=split), file, **drawn)
    return labelled.with_columns(split=split)


def _said(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Return what of two drawings differs, in words."""

    def shares(one: Any) -> str:
        named = one.items() if isinstance(one, dict) else ()
        rounded = (round(share, 3) if isinstance(share, float) else share for _, share in named)
        texts = [f"{name} {share}" for (name, _), share in zip(named, rounded, strict=True)]
        return ", ".join(texts) or str(one)

    differing = [key for key in now if before.get(key) != now[key]] or list(now)
    return "; ".join(
        f"{key} {shares(before.get(key))}, now asked for {shares(now[key])}" for key in differing
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise FormatError(
            f"{path}: not JSON ({error})", "a split file is one that this program wrote"
        ) from error
    if not isinstance(document, dict) or "superanimal_split" not in document:
        raise FormatError(f"{path}: not a split file", "a split file is one that this program wrote")
    return document
