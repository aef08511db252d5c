"""Label Studio's json export: keypoint labels in percent of the image, boxes as rectangles.

Points belong to the rectangle they name as parent (or are joined to by a relation). Points without one are
the image's only animal. Percents count from the edge of the image; here pixel centres are at integers.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

import numpy as np

from superanimal.errors import FormatError
from superanimal.keypoints.images import ImageRef, safe_join
from superanimal.keypoints.labelled import ABSENT, VISIBLE, LabelledSet

_UPLOAD = re.compile(r"^[0-9a-f]{8}-")


def read(path: Path, *, images: str | os.PathLike[str] | None = None, name: str | None = None) -> LabelledSet:
    """Read an export; the newest annotation of each task that was not cancelled counts.

    Parameters
    ----------
    images
        Folder of the images; by default that of the file or ``images`` in it.

    Raises
    ------
    FormatError
        When it is no such export, or two points of one animal have the same label.
    """
    try:
        tasks = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise FormatError(f"{path}: not JSON ({error})") from error
    if not isinstance(tasks, list) or not all(isinstance(t, dict) and "annotations" in t for t in tasks):
        raise FormatError(f"{path}: not a Label Studio export", "it is a list of tasks with annotations")
    found = [_task(task, path) for task in tasks]
    keypoints = list(dict.fromkeys(k for _, _, animals in found for points, _ in animals for k in points))
    if not keypoints:
        raise FormatError(f"{path}: no keypoint labels", "regions of the type keypointlabels are read")
    folder = Path(images) if images else path.parent
    index, boxes, xy = [], [], []
    for i, (_, _, animals) in enumerate(found):
        for points, box in animals:
            index.append(i)
            boxes.append(box)
            xy.append([points.get(k, (np.nan, np.nan)) for k in keypoints])
    points_xy = np.array(xy, dtype=np.float32).reshape(-1, len(keypoints), 2)
    count = np.zeros(len(found), dtype=int)
    names = []
    for i in index:
        names.append(f"animal{count[i]}")
        count[i] += 1
    return LabelledSet(
        name=name or path.stem,
        keypoints=tuple(keypoints),
        images=[
            ImageRef(str(_locate(folder, url)), width=width, height=height)
            for url, (width, height), _ in found
        ],
        image_index=np.array(index, dtype=np.int64),
        xy=points_xy,
        visibility=np.where(np.isfinite(points_xy).all(-1), VISIBLE, ABSENT).astype(np.int8),
        boxes=np.array(boxes, dtype=np.float32).reshape(-1, 4),
        individuals=names,  # type: ignore[arg-type]
    )


_Animal = tuple[dict[str, tuple[float, float]], tuple[float, ...]]


def _task(task: dict[str, Any], path: Path) -> tuple[str, tuple[int, int], list[_Animal]]:
    """Return (image, (width, height), animals) of a task."""
    data = task.get("data") or {}
    url = next((str(data[key]) for key in ("image", "img", "url") if key in data), "")
    url = url or next((str(value) for value in data.values() if isinstance(value, str)), "")
    valid = [a for a in task["annotations"] if not a.get("was_cancelled")]
    newest: dict[str, Any] = max(
        valid, key=lambda a: str(a.get("updated_at") or a.get("created_at") or ""), default={}
    )
    results = newest.get("result") or []
    size = next(
        ((r["original_width"], r["original_height"]) for r in results if "original_width" in r), (0, 0)
    )
    parent = {r["from_id"]: r["to_id"] for r in results if r.get("type") == "relation"}
    parent |= {r["to_id"]: r["from_id"] for r in results if r.get("type") == "relation"}
    boxes = {r["id"]: _box(r, size) for r in results if r.get("type") in ("rectanglelabels", "rectangle")}
    animals: dict[str, _Animal] = {key: ({}, box) for key, box in boxes.items()}
    for region in results:
        if region.get("type") not in ("keypointlabels", "keypoint"):
            continue
        value = region.get("value") or {}
        labels = value.get("keypointlabels") or value.get("labels") or []
        owner = region.get("parentID") or parent.get(region.get("id"), "")
        owner = owner if owner in animals else (next(iter(animals)) if len(boxes) == 1 else "")
        points, _ = animals.setdefault(owner, ({}, (np.nan,) * 4))
        for label in labels:
            if label in points:
                raise FormatError(
                    f"{path}: task {task.get('id')} has two points {label!r} for one animal",
                    "several animals of an image are told apart by their rectangles",
                    "make the points children of their animal's rectangle",
                )
            points[str(label)] = (value["x"] / 100 * size[0] - 0.5, value["y"] / 100 * size[1] - 0.5)
    return url, (int(size[0]), int(size[1])), list(animals.values())


def _box(region: dict[str, Any], size: tuple[int, int]) -> tuple[float, ...]:
    value = region["value"]
    scale = (size[0] / 100, size[1] / 100) * 2
    box = tuple(value[key] * s for key, s in zip(("x", "y", "width", "height"), scale, strict=True))
    return (box[0] - 0.5, box[1] - 0.5, *box[2:])


def _locate(folder: Path, url: str) -> Path:
    """Return the file of an image address such as ``/data/upload/1/3f2a99c1-mouse.png``."""
    parts = urlparse(url)
    name = unquote((parse_qs(parts.query).get("d") or [parts.path])[0]).replace("\\", "/")
    names = [name.lstrip("/"), name.rsplit("/", 1)[-1]]
    names.append(_UPLOAD.sub("", names[-1]))
    candidates = [safe_join(base, n) for base in (folder, folder / "images") for n in names]
    return next((file for file in candidates if file.is_file()), candidates[1])
