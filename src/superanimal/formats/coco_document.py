"""The content of a COCO keypoint json, checked entry by entry.

Every fault names the entry. An annotation without keypoints (a box alone) is left out, with a warning,
and so is a crowd (``iscrowd``), which is no animal.
"""

from __future__ import annotations

import json
import math
import os
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from superanimal.errors import FormatError
from superanimal.formats.describe import describe_json
from superanimal.formats.wide_table import clip_confidence

_BULKY = ("segmentation", "caption")
_LISTS = ("images", "annotations", "categories")
_FLAGS = (-1, 0, 1, 2)

Id = int | str


@dataclass(frozen=True)
class Category:
    """A kind of animal: its name and its K keypoints."""

    name: str
    keypoints: list[str]
    edges: list[tuple[str, str]]


@dataclass(frozen=True)
class Annotation:
    """One animal.

    Attributes
    ----------
    row
        Index of its image.
    category
        Key of its category.
    points
        Shape (K, 3), float32: x, y and visibility (-1, 0, 1 or 2); x and y are finite where visibility > 0.
    scores
        Shape (K,), float32: ``keypoint_scores``, the confidence of a model, NaN where null; or None.
    box
        x, y, width, height, or None.
    individual
        ``individual`` (text) or ``track_id`` as given in the file, or None.
    raw
        The entry itself.
    """

    row: int
    category: Id
    points: np.ndarray
    scores: np.ndarray | None
    box: list[float] | None
    individual: Id | None
    raw: dict[str, Any]


@dataclass(frozen=True)
class Document:
    """A checked COCO file.

    Attributes
    ----------
    images
        I entries as given in the file; ``width`` and ``height`` are integers, 0 when unknown.
    keypoints
        Names of the categories that are used, in order of appearance.
    """

    images: list[dict[str, Any]]
    annotations: list[Annotation]
    categories: dict[Id, Category]
    keypoints: list[str]
    info: dict[str, Any]
    licences: dict[Any, str]


def read_document(path: str | os.PathLike[str]) -> Document:
    """Read and check a file.

    Raises
    ------
    FormatError
        Naming the first entry that breaks a rule.
    """
    content = _parse(path)
    images, rows = _images(content["images"], path)
    categories = _categories(content["categories"], path)
    annotations, bare, crowds = [], 0, 0
    for n, entry in enumerate(content["annotations"]):
        label = _label("annotation", entry, n, path)
        if entry.get("keypoints") is None or len(np.atleast_1d(entry["keypoints"])) == 0:
            bare += 1
            continue
        if entry.get("iscrowd") in (1, True):
            crowds += 1
            continue
        annotations.append(_annotation(entry, label, rows, categories))
    if bare:
        warnings.warn(
            f"{path}: {bare} annotations without keypoints (boxes alone) are left out", stacklevel=3
        )
    if crowds:
        warnings.warn(f"{path}: {crowds} annotations of crowds (iscrowd) are left out", stacklevel=3)
    used = list(dict.fromkeys(a.category for a in annotations)) or list(categories)[:1]
    keypoints = list(dict.fromkeys(k for category in used for k in categories[category].keypoints))
    if not keypoints:
        raise FormatError(f"{path}: no category lists keypoints", "boxes alone are not poses")
    info = content.get("info")
    licences = content.get("licenses")
    return Document(
        images,
        annotations,
        categories,
        keypoints,
        info if isinstance(info, dict) else {},
        {
            item["id"]: str(item.get("name") or "")
            for item in (licences if isinstance(licences, list) else [])
            if isinstance(item, dict) and isinstance(item.get("id"), (int, str))
        },
    )


def _parse(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the json; keypoints, the bulk of it, become small arrays while it is read."""

    def lean(item: dict[str, Any]) -> dict[str, Any]:
        if "image_id" in item:
            for key in _BULKY:
                item.pop(key, None)
            if isinstance(item.get("keypoints"), list):
                with suppress(TypeError, ValueError):  # reported by the check of this annotation
                    item["keypoints"] = np.array(item["keypoints"], dtype=np.float32)
        return item

    try:
        content = json.loads(Path(path).read_bytes().decode("utf-8-sig"), object_hook=lean)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: not JSON ({error})", remedy="export it again") from error
    if not isinstance(content, dict):
        seen, remedy = describe_json(content)
        raise FormatError(f"{path}: {seen}", f"a COCO file has the lists {', '.join(_LISTS)}", remedy)
    for key in _LISTS:
        if not isinstance(content.get(key), list):
            found = f"{key!r} is {_kind(content[key])}" if key in content else f"there is no {key!r}"
            raise FormatError(f"{path}: {found}", f"a COCO file has the lists {', '.join(_LISTS)}")
    return content


def _images(entries: list[Any], path: Any) -> tuple[list[dict[str, Any]], dict[Id, int]]:
    """Return the images and the number of each by its id."""
    rows: dict[Id, int] = {}
    files: dict[str | None, Id] = {}
    images: list[dict[str, Any]] = []
    for n, entry in enumerate(entries):
        label = _label("image", entry, n, path)
        key = _id(entry.get("id"), "id", label)
        name = entry.get("file_name")
        if name is not None and not isinstance(name, str):
            raise FormatError(f"{label}: file_name is {_kind(name)}", "it must be text")
        if key in rows:
            first = images[rows[key]].get("file_name")
            raise FormatError(
                f"{label}: the id {key!r} belongs to {first!r} and to {name!r}",
                "image ids are unique, otherwise labels end up on the wrong image",
                "renumber the images, for example after merging two files",
            )
        rows[key] = n
        if name and name in files:
            warnings.warn(
                f"{label}: it is the file {name!r} of image {files[name]!r} again; both are kept, each with "
                "its own annotations",
                stacklevel=4,
            )
        files.setdefault(name, key)
        size = {side: _size(entry.get(side), side, label) for side in ("width", "height")}
        frame = entry.get("frame_index")
        if frame is not None and (isinstance(frame, bool) or not isinstance(frame, int)):
            raise FormatError(f"{label}: frame_index is {frame!r}", "it must be a whole number")
        images.append({**entry, **size})
    return images, rows


def _categories(entries: list[Any], path: Any) -> dict[Id, Category]:
    categories: dict[Id, Category] = {}
    for n, entry in enumerate(entries):
        label = _label("category", entry, n, path)
        key = _id(entry.get("id"), "id", label)
        if key in categories:
            raise FormatError(f"{label}: the id {key!r} is used twice", "category ids are unique")
        keypoints = entry.get("keypoints")
        keypoints = [] if keypoints is None else keypoints
        if not isinstance(keypoints, list) or not all(isinstance(k, (str, int, float)) for k in keypoints):
            raise FormatError(f"{label}: keypoints is {_kind(keypoints)}", "it must be a list of names")
        names = [str(k) for k in keypoints]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise FormatError(
                f"{label}: keypoint {repeated[0]!r} is listed twice", "keypoint names are unique"
            )
        categories[key] = Category(str(entry.get("name") or "animal"), names, _edges(entry, names))
    return categories


def _edges(entry: dict[str, Any], names: list[str]) -> list[tuple[str, str]]:
    """Return the skeleton by name; joints are numbered from 1, and invalid entries are skipped."""
    skeleton = entry.get("skeleton")
    pairs = [pair for pair in skeleton if isinstance(pair, list)] if isinstance(skeleton, list) else []
    places = range(1, len(names) + 1)
    return [
        (names[pair[0] - 1], names[pair[1] - 1])
        for pair in pairs
        if len(pair) == 2 and all(type(joint) is int and joint in places for joint in pair)
    ]


def _annotation(
    entry: dict[str, Any], label: str, rows: dict[Id, int], categories: dict[Id, Category]
) -> Annotation:
    image, category = (_id(entry.get(key), key, label) for key in ("image_id", "category_id"))
    for what, key, known in (("image_id", image, rows), ("category_id", category, categories)):
        if key not in known:
            some = ", ".join(map(repr, list(known)[:3])) or "(none)"
            raise FormatError(
                f"{label}: {what} {key!r} is unknown", f"known are {some}{', ...' if len(known) > 3 else ''}"
            )
    names = categories[category].keypoints
    if not names:
        raise FormatError(
            f"{label}: it has keypoints, but its category {categories[category].name!r} lists none",
            "a category gives the names of the keypoints in 'keypoints'",
        )
    points = _points(entry["keypoints"], names, label)
    box = entry.get("bbox") or None
    if box is not None and not _is_box(box):
        raise FormatError(f"{label}: bbox is {box!r}", "it is [x, y, width, height] in pixels")
    for key in ("area", "score"):
        if entry.get(key) is not None and not _is_number(entry[key]):
            raise FormatError(f"{label}: {key} is {entry[key]!r}", "it is a number")
    attributes = entry.get("attributes")
    track = attributes.get("track_id") if isinstance(attributes, dict) else None
    individual = entry.get("individual", entry.get("track_id", track))
    if individual is not None:
        individual = _id(individual, "individual or track_id", label)
    scores = _scores(entry.get("keypoint_scores"), len(names), label)
    return Annotation(rows[image], category, points, scores, box, individual, entry)


def _points(values: Any, names: list[str], label: str) -> np.ndarray:
    try:
        points = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise FormatError(f"{label}: keypoints is not a list of numbers ({error})") from error
    if points.size != 3 * len(names) or points.ndim > 2 or (points.ndim == 2 and points.shape[1] != 3):
        raise FormatError(
            f"{label}: {points.size} numbers",
            f"each of its {len(names)} keypoints has x, y and a visibility",
        )
    points = points.reshape(-1, 3)
    flags = points[:, 2]
    if (strange := np.flatnonzero(~np.isin(flags, _FLAGS))).size:
        k = int(strange[0])
        raise FormatError(
            f"{label}: the visibility of {names[k]!r} is {flags[k]:g}",
            "it is 0 (absent), 1 (hidden) or 2 (visible); -1 where the keypoint is not defined",
            "if these are scores of a network, move them to 'keypoint_scores' and write 2 in their place",
        )
    if (lost := np.flatnonzero((flags > 0) & ~np.isfinite(points[:, :2]).all(1))).size:
        k = int(lost[0])
        raise FormatError(
            f"{label}: {names[k]!r} has visibility {flags[k]:g} at ({points[k, 0]:g}, {points[k, 1]:g})",
            "a visible keypoint has coordinates",
            "set its visibility to 0",
        )
    return points


def _scores(values: Any, count: int, label: str) -> np.ndarray | None:
    if values is None:
        return None
    try:
        scores = np.array(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise FormatError(f"{label}: keypoint_scores is not a list of numbers ({error})") from error
    if scores.shape != (count,):
        raise FormatError(f"{label}: {scores.size} keypoint_scores", f"it has {count} keypoints")
    return clip_confidence(scores, label)


def _label(what: str, entry: Any, n: int, path: Any) -> str:
    """Return the name of an entry for messages."""
    if not isinstance(entry, dict):
        raise FormatError(f"{path}: {what} number {n} is {_kind(entry)}", "it is an object")
    key = entry.get("id")
    return f"{path}: {what} {key}" if isinstance(key, (int, str)) else f"{path}: {what} number {n}"


def _id(value: Any, what: str, label: str) -> Id:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        found = "missing" if value is None else repr(value)[:60]
        raise FormatError(f"{label}: {what} is {found}", "it is a number or text")
    return value


def _size(value: Any, side: str, label: str) -> int:
    try:
        size = int(value or 0)
    except (TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"{label}: {side} is {value!r}", "it is a number of pixels") from error
    if size < 0:
        raise FormatError(f"{label}: {side} is {size}", "it is a number of pixels")
    return size


def _is_box(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(map(_is_number, value)) and min(value[2:]) >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) < 40 else text[:37] + '...'}"
