"""COCO keypoint files, one category or many (AP-10K has 54), with the three visibilities.

``v`` -1 (written by SuperAnimal data sets) is undefined, 0 absent, 1 hidden but labelled, 2 labelled. A
keypoint that an animal's category does not list is undefined for it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from superanimal.errors import FormatError
from superanimal.formats import recognise
from superanimal.keypoints.combine import concatenate
from superanimal.keypoints.images import ImageRef, safe_join
from superanimal.keypoints.labelled import UNDEFINED, LabelledSet

_BULKY = ("segmentation", "caption")


def read(path: Path, *, images: str | os.PathLike[str] | None = None, name: str | None = None) -> LabelledSet:
    """Read one json file, or a project folder with ``annotations/<split>.json``.

    Parameters
    ----------
    images
        Folder of the images; by default the one of the usual places that holds the first image.
    """
    if path.is_file():
        return _read_file(path, Path(images) if images else None, name or path.stem, "")
    files = sorted(path.glob("annotations/*.json")) or sorted(path.glob("*.json"))
    files = [file for file in files if recognise(file) == "coco"]
    label = name or path.resolve().name
    splits = [file.stem if file.stem in _SPLITS else "" for file in files]
    folder = Path(images) if images else None
    return concatenate(
        [_read_file(f, folder, label, s) for f, s in zip(files, splits, strict=True)], name=label
    )


_SPLITS = ("train", "val", "test")


def _read_file(path: Path, folder: Path | None, name: str, split: str) -> LabelledSet:
    document = _parse(path)
    names = {c["id"]: [str(k) for k in c.get("keypoints", ())] for c in document["categories"]}
    kinds = {c["id"]: str(c.get("name", "animal")) for c in document["categories"]}
    annotations = [a for a in document["annotations"] if a.get("keypoints") is not None]
    used = list(dict.fromkeys(a["category_id"] for a in annotations)) or list(names)[:1]
    rows = {image["id"]: i for i, image in enumerate(document["images"])}
    try:
        keypoints = list(dict.fromkeys(k for category in used for k in names[category]))
        index = np.array([rows[a["image_id"]] for a in annotations], dtype=np.int64)
    except KeyError as error:
        raise FormatError(f"{path}: an annotation refers to the unknown id {error}") from error
    if not keypoints:
        raise FormatError(f"{path}: no category lists keypoints", "boxes alone are no poses")
    place = {category: [keypoints.index(k) for k in names[category]] for category in used}
    count = len(annotations)
    xy = np.full((count, len(keypoints), 2), np.nan, dtype=np.float32)
    visibility = np.full((count, len(keypoints)), UNDEFINED, dtype=np.int8)
    boxes = np.full((count, 4), np.nan, dtype=np.float32)
    area = np.full(count, np.nan, dtype=np.float32)
    for m, annotation in enumerate(annotations):
        own = place[annotation["category_id"]]
        points = np.asarray(annotation["keypoints"], dtype=np.float32)
        if points.size != 3 * len(own):
            raise FormatError(
                f"{path}: annotation {annotation.get('id')} has {points.size} numbers",
                f"each of its {len(own)} keypoints has x, y and a visibility",
            )
        points = points.reshape(-1, 3)
        flags = np.clip(points[:, 2], -1, 2).astype(np.int8)
        visibility[m, own] = flags
        xy[m, own] = np.where((flags > 0)[:, None], points[:, :2], np.nan)
        if annotation.get("bbox") and not annotation.get("bbox_is_extent"):
            boxes[m] = annotation["bbox"]
        if annotation.get("area") is not None and not annotation.get("area_is_box"):
            area[m] = annotation["area"]
    return LabelledSet(
        name=name,
        keypoints=tuple(keypoints),
        images=_references(path, document["images"], folder),
        image_index=index,
        xy=xy,
        visibility=visibility,
        boxes=boxes,
        area=area,
        individuals=_individuals(annotations, index),  # type: ignore[arg-type]
        category=[kinds[a["category_id"]] for a in annotations],  # type: ignore[arg-type]
        licence=_licences(document),  # type: ignore[arg-type]
        source=[str(image.get("source", name)) for image in document["images"]],  # type: ignore[arg-type]
        split=[str(image.get("split", split)) for image in document["images"]],  # type: ignore[arg-type]
        video=[_video(image) for image in document["images"]],  # type: ignore[arg-type]
    )


def _parse(path: Path) -> dict[str, Any]:
    """Read the json; keypoints become small arrays while it is read, for they are most of it."""

    def lean(item: dict[str, Any]) -> dict[str, Any]:
        if "image_id" in item:
            for key in _BULKY:
                item.pop(key, None)
            if isinstance(item.get("keypoints"), list):
                item["keypoints"] = np.array(item["keypoints"], dtype=np.float32)
        return item

    try:
        document = json.loads(path.read_bytes(), object_hook=lean)
    except (ValueError, TypeError) as error:
        raise FormatError(f"{path}: not JSON ({error})") from error
    if not isinstance(document, dict) or not {"images", "annotations", "categories"} <= document.keys():
        raise FormatError(f"{path}: no lists images, annotations and categories", "COCO json has all three")
    return document


def _references(path: Path, images: list[dict[str, Any]], folder: Path | None) -> list[ImageRef]:
    names = [str(image.get("file_name", "")) for image in images]
    if folder is None:
        usual = [path.parent, path.parent / "images", path.parent.parent / "images", path.parent.parent]
        first = names[0] if names and ".." not in names[0] else ""
        folder = next((f for f in usual if first and (f / first).is_file()), path.parent)
    return [
        ImageRef(
            str(safe_join(folder, name)), width=int(i.get("width") or 0), height=int(i.get("height") or 0)
        )
        for name, i in zip(names, images, strict=True)
    ]


def _licences(document: dict[str, Any]) -> list[str]:
    known = {item.get("id"): str(item.get("name") or "") for item in document.get("licenses") or []}
    return [known.get(image.get("license"), "") for image in document["images"]]


def _video(image: dict[str, Any]) -> str:
    if image.get("video") is not None:
        return str(image["video"])
    parent = str(image.get("file_name", "")).replace("\\", "/").rpartition("/")[0]
    return str(image["video_id"]) if image.get("video_id") is not None else parent


def _individuals(annotations: list[dict[str, Any]], index: np.ndarray) -> list[str]:
    """Return the animals' names: ``individual`` or ``track_id`` where given, else numbers in the image."""
    seen: dict[int, int] = {}
    names = []
    for i, annotation in zip(index.tolist(), annotations, strict=True):
        own = annotation.get("individual", annotation.get("track_id"))
        seen[i] = seen.get(i, -1) + 1
        names.append(
            str(own) if isinstance(own, str) else f"animal{seen[i]}" if own is None else f"track{own}"
        )
    return names
