"""COCO keypoint files, one category or many (AP-10K has 54), with the three visibilities.

``v`` -1 (written by SuperAnimal data sets) is undefined, 0 absent, 1 hidden but labelled, 2 labelled. A
keypoint that an animal's category does not list is undefined for it.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from superanimal.errors import FormatError
from superanimal.formats import recognise
from superanimal.formats.coco_document import Annotation, read_document
from superanimal.formats.wide_table import clip_confidence
from superanimal.labels.combine import concatenate
from superanimal.labels.images import ImageRef, safe_join
from superanimal.labels.labelled_set import UNDEFINED, LabelledSet
from superanimal.labels.reading.predictions import settle


def read(
    path: Path,
    *,
    images: str | os.PathLike[str] | None = None,
    name: str | None = None,
    min_confidence: float | None = None,
) -> LabelledSet:
    """Read one json file, or a project folder with ``annotations/<split>.json``.

    Parameters
    ----------
    images
        Folder of the images; by default the usual location that holds the first image.
    """
    if path.is_file():
        return _read_file(path, Path(images) if images else None, name or path.stem, "", min_confidence)
    files = sorted(path.glob("annotations/*.json")) or sorted(path.glob("*.json"))
    files = [file for file in files if recognise(file) == "coco"]
    label = name or path.resolve().name
    splits = [file.stem if file.stem in _SPLITS else "" for file in files]
    folder = Path(images) if images else None
    parts = [_read_file(f, folder, label, s, min_confidence) for f, s in zip(files, splits, strict=True)]
    return concatenate(parts, name=label)


_SPLITS = ("train", "val", "test")


def _read_file(
    path: Path, folder: Path | None, name: str, split: str, min_confidence: float | None
) -> LabelledSet:
    document = read_document(path)
    images, annotations, keypoints = document.images, document.annotations, document.keypoints
    index = np.array([a.row for a in annotations], dtype=np.int64)
    place = {
        key: [keypoints.index(k) for k in category.keypoints if k in keypoints]
        for key, category in document.categories.items()
    }
    count = len(annotations)
    xy = np.full((count, len(keypoints), 2), np.nan, dtype=np.float32)
    visibility = np.full((count, len(keypoints)), UNDEFINED, dtype=np.int8)
    boxes = np.full((count, 4), np.nan, dtype=np.float32)
    area = np.full(count, np.nan, dtype=np.float32)
    confidence = np.full(visibility.shape, np.nan, dtype=np.float32)
    for m, annotation in enumerate(annotations):
        own = place[annotation.category]
        flags = annotation.points[:, 2].astype(np.int8)
        visibility[m, own] = flags
        xy[m, own] = np.where((flags > 0)[:, None], annotation.points[:, :2], np.nan)
        if annotation.scores is not None:
            confidence[m, own] = annotation.scores
        elif annotation.raw.get("score") is not None:  # labels of people have none
            confidence[m, own] = annotation.raw["score"]
        if annotation.box and not annotation.raw.get("bbox_is_extent"):
            boxes[m] = annotation.box
        if annotation.raw.get("area") is not None and not annotation.raw.get("area_is_box"):
            area[m] = annotation.raw["area"]
    labelled = LabelledSet(
        name=name,
        keypoints=tuple(keypoints),
        images=_references(path, images, folder),
        image_index=index,
        xy=xy,
        visibility=visibility,
        boxes=boxes,
        area=area,
        individuals=_individuals(annotations, index),  # type: ignore[arg-type]
        category=[document.categories[a.category].name for a in annotations],  # type: ignore[arg-type]
        licence=[document.licences.get(_plain(i.get("license")), "") for i in images],  # type: ignore[arg-type]
        source=[str(image.get("source", name)) for image in images],  # type: ignore[arg-type]
        split=[str(image.get("split", split)) for image in images],  # type: ignore[arg-type]
        video=[_video(image) for image in images],  # type: ignore[arg-type]
        edges=tuple(dict.fromkeys(edge for c in document.categories.values() for edge in c.edges)),
    )
    return settle(labelled, clip_confidence(confidence, path), min_confidence)


def _references(path: Path, images: list[dict[str, Any]], folder: Path | None) -> list[ImageRef]:
    for image in images:
        if not image.get("file_name"):
            raise FormatError(
                f"{path}: image {image['id']} has no file_name",
                "the image is looked up by that name",
                "add the names of the image files",
            )
    names = [str(image["file_name"]) for image in images]
    if folder is None:
        usual = [path.parent, path.parent / "images", path.parent.parent / "images", path.parent.parent]
        first = names[0] if names and ".." not in names[0] else ""
        folder = next((f for f in usual if first and (f / first).is_file()), path.parent)
    return [
        ImageRef(str(_locate(folder, name)), width=image["width"], height=image["height"])
        for name, image in zip(names, images, strict=True)
    ]


def _locate(folder: Path, name: str) -> Path:
    """Return the file of an image; one from another location or a server is looked up by its last parts."""
    parts = [part for part in name.replace("\\", "/").split("/") if part]
    elsewhere = "://" in name or PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive
    if elsewhere and ".." not in parts:
        tails = ["/".join(parts[-n:]) for n in (3, 2, 1)]
        found = next((folder / tail for tail in tails if (folder / tail).is_file()), None)
        if found is not None or "://" in name:
            return found or folder / parts[-1]
    return safe_join(folder, name)


def _plain(key: Any) -> Any:
    return key if isinstance(key, (int, str)) else None


def _video(image: dict[str, Any]) -> str:
    if image.get("video") is not None:
        return str(image["video"])
    parent = str(image.get("file_name", "")).replace("\\", "/").rpartition("/")[0]
    return str(image["video_id"]) if image.get("video_id") is not None else parent


def _individuals(annotations: list[Annotation], index: np.ndarray) -> list[str]:
    """Return the names of the animals: ``individual`` or ``track_id`` if given, else numbers in the image."""
    seen: dict[int, int] = {}
    names = []
    for i, annotation in zip(index.tolist(), annotations, strict=True):
        own = annotation.individual
        seen[i] = seen.get(i, -1) + 1
        names.append(
            str(own) if isinstance(own, str) else f"animal{seen[i]}" if own is None else f"track{own}"
        )
    return names
