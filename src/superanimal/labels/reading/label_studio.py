"""Label Studio's json export: keypoint labels in percent of the image, boxes as rectangles.

Points belong to their parent rectangle (or one linked by a relation). Points without one belong to the only
animal in the image. Percentages are measured from the image edge; here pixel centres are at integers.
"""

from __future__ import annotations

import json
import os
import re
from math import cos, isfinite, radians, sin
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

import numpy as np

from superanimal.errors import FormatError, option
from superanimal.formats.describe import describe_json
from superanimal.labels.images import ImageRef, picture_size, safe_join
from superanimal.labels.labelled_set import ABSENT, VISIBLE, LabelledSet
from superanimal.video.pictures import IMAGE_SUFFIXES

_UPLOAD = re.compile(r"^[0-9a-f]{8}-")


def read(path: Path, *, images: str | os.PathLike[str] | None = None, name: str | None = None) -> LabelledSet:
    """Read an export; of each task the annotation marked as ground truth counts, else the newest.

    Cancelled ones do not count, and tasks that nobody labelled are left out.

    Parameters
    ----------
    images
        Folder of the images; by default that of the file or ``images`` in it.

    Raises
    ------
    FormatError
        When the file is not such an export, or two points of one animal have the same label.
    """
    try:
        tasks = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: not JSON ({error})", remedy="export it again") from error
    if not isinstance(tasks, list) or not all(_is_task(task) for task in tasks):
        first: Any = (
            next((task for task in tasks if not _is_task(task)), {}) if isinstance(tasks, list) else {}
        )
        seen, remedy = describe_json([first] if isinstance(tasks, list) else tasks)
        raise FormatError(
            f"{path}: {seen}", "a Label Studio export is a list of tasks with 'annotations'", remedy
        )
    folder = Path(images) if images else path.parent
    notes: list[str] = []
    found = [
        read
        for n, task in enumerate(tasks)
        if (read := _task(task, f"{path}: task {task.get('id', n)}", folder, notes))
    ]
    if found and len(found) < len(tasks):
        notes.append(
            f"{path}: {len(tasks) - len(found)} of {len(tasks)} tasks have no labels and are left out"
        )
    files = [file for file, _, _ in found]
    if twice := sorted({file for file in files if files.count(file) > 1}):
        notes.append(f"{path}: several tasks have the image {', '.join(twice[:4])}; all are kept")
    keypoints = list(dict.fromkeys(k for _, _, animals in found for points, _ in animals for k in points))
    if not keypoints:
        predicted = sum(bool(task.get("predictions")) for task in tasks)
        raise FormatError(
            f"{path}: {len(tasks)} tasks without keypoints set by a person"
            + (f" ({predicted} have predictions, which are not labels)" if predicted else ""),
            "regions of the type keypointlabels are read",
            "label keypoints on the images and export again",
        )
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
        images=[ImageRef(file, width=width, height=height) for file, (width, height), _ in found],
        image_index=np.array(index, dtype=np.int64),
        xy=points_xy,
        visibility=np.where(np.isfinite(points_xy).all(-1), VISIBLE, ABSENT).astype(np.int8),
        boxes=np.array(boxes, dtype=np.float32).reshape(-1, 4),
        individuals=names,  # type: ignore[arg-type]
        notes=tuple(notes),
    )


_Animal = tuple[dict[str, tuple[float, float]], tuple[float, ...]]


def _is_task(task: Any) -> bool:
    return isinstance(task, dict) and ("annotations" in task or "completions" in task)


def _task(
    task: dict[str, Any], label: str, folder: Path, notes: list[str]
) -> tuple[str, tuple[int, int], list[_Animal]] | None:
    """Return (image file, (width, height), animals) of a task, None when nobody labelled it.

    What is left out goes to ``notes``.
    """
    found = task.get("annotations", task.get("completions"))
    data = task.get("data")
    if not isinstance(data, dict) or not isinstance(found, list | None):
        raise FormatError(
            f"{label}: 'data' or 'annotations' is damaged", "they must be an object and a list of objects"
        )
    valid = [a for a in found or [] if isinstance(a, dict) and not a.get("was_cancelled")]
    if not valid:
        return None
    chosen: dict[str, Any] = max(
        valid,
        key=lambda a: (a.get("ground_truth") is True, str(a.get("updated_at") or a.get("created_at") or "")),
    )
    if len(valid) > 1:
        which = "the ground truth" if chosen.get("ground_truth") is True else "the newest"
        notes.append(f"{label}: of {len(valid)} annotations {which} is read")
    regions = chosen.get("result") or []
    if not isinstance(regions, list) or not all(isinstance(region, dict) for region in regions):
        raise FormatError(f"{label}: 'result' is damaged", "it must be a list of regions")
    if any(str(region.get("type", "")).startswith("video") for region in regions):
        raise FormatError(
            f"{label}: labels on a video", "only labels on images can be read", "label its frames as images"
        )
    points = [r for r in regions if r.get("type") in ("keypointlabels", "keypoint")]
    rectangles = [r for r in regions if r.get("type") in ("rectanglelabels", "rectangle")]
    file = _locate(folder, _address(data, points + rectangles, label))
    size = _image_size(points + rectangles, file, label)
    parent: dict[str, str] = {}
    for relation in (r for r in regions if r.get("type") == "relation"):
        ends = relation.get("from_id"), relation.get("to_id")
        if isinstance(ends[0], str) and isinstance(ends[1], str):
            parent |= {ends[0]: ends[1], ends[1]: ends[0]}
        else:
            notes.append(f"{label}: a relation without its two ends is left out")
    boxes = {}
    for n, region in enumerate(rectangles):
        if (box := _percent(region, ("x", "y", "width", "height"))) is None:
            notes.append(f"{label}: a rectangle without a place is left out")
            continue
        scaled = [value / 100 * side for value, side in zip(box, size * 2, strict=True)]
        turned = region["value"].get("rotation")
        x, y, width, height = _extent(scaled, turned if isinstance(turned, (int, float)) else 0)
        boxes[str(region.get("id", n))] = (x - 0.5, y - 0.5, width, height)
    animals: dict[str, _Animal] = {key: ({}, box) for key, box in boxes.items()}
    for region in points:
        value = region.get("value")
        value = value if isinstance(value, dict) else {}
        names = value.get("keypointlabels") or value.get("labels") or []
        place = _percent(region, ("x", "y"))
        if place is None or not isinstance(names, list) or not names:
            notes.append(f"{label}: a keypoint without a {'name' if place else 'place'} is left out")
            continue
        owner = str(region.get("parentID") or parent.get(str(region.get("id")), ""))
        owner = owner if owner in animals else (next(iter(animals)) if len(boxes) == 1 else "")
        own, _ = animals.setdefault(owner, ({}, (np.nan,) * 4))
        for name in map(str, names):
            if name in own:
                raise FormatError(
                    f"{label} has two points {name!r} for one animal",
                    "several animals in an image are distinguished by their rectangles",
                    "make the points children of their animal's rectangle",
                )
            own[name] = (place[0] / 100 * size[0] - 0.5, place[1] / 100 * size[1] - 0.5)
    return str(file), size, list(animals.values())


def _address(data: dict[str, Any], regions: list[dict[str, Any]], label: str) -> str:
    """Return the address of the image of a task; refuse several images, and one that was turned."""
    images = sorted({str(region.get("to_name", "")) for region in regions})
    items = sorted({str(region.get("item_index", 0)) for region in regions})
    if len(images) > 1 or len(items) > 1:
        raise FormatError(
            f"{label}: regions on several images ({', '.join(images if len(images) > 1 else items)})",
            "each task has one image",
            "label each image in a task of its own",
        )
    if turned := next((r["image_rotation"] for r in regions if r.get("image_rotation")), None):
        raise FormatError(
            f"{label}: the image was turned by {turned} degrees while it was labelled",
            "positions belong to the image as it is stored",
            "turn it back in Label Studio, check the labels and export again",
        )
    sizes = {(r["original_width"], r.get("original_height")) for r in regions if r.get("original_width")}
    if len(sizes) > 1:
        raise FormatError(f"{label}: regions of images of different sizes", "a task's image has one size")
    texts = {key: value for key, value in data.items() if isinstance(value, str) and value}
    pictures = [key for key, value in texts.items() if value.lower().endswith(IMAGE_SUFFIXES)]
    named = next((key for key in (*images, "image", "img", "url") if key in texts), None)
    if named is None and len(pictures) > 1:
        raise FormatError(
            f"{label}: several images ({', '.join(pictures)}), and no region says on which it is",
            "each task has one image",
            "label each image in a task of its own",
        )
    if named is None and not texts:
        raise FormatError(f"{label}: no image", "the data of a task must name its image")
    return texts[named or next(iter(pictures or texts))]


def _extent(box: list[float], degrees: float) -> tuple[float, float, float, float]:
    """Return the upright box round a rectangle that was turned clockwise about its top left corner."""
    x, y, width, height = box
    along, down = cos(radians(degrees)), sin(radians(degrees))
    corners = [(a * along - b * down, a * down + b * along) for a in (0, width) for b in (0, height)]
    left, top = min(a for a, _ in corners), min(b for _, b in corners)
    return x + left, y + top, max(a for a, _ in corners) - left, max(b for _, b in corners) - top


def _image_size(regions: list[dict[str, Any]], file: Path, label: str) -> tuple[int, int]:
    """Return (width, height) in pixels, to which percentages of regions refer; (0, 0) without regions."""
    for region in regions:
        size = region.get("original_width"), region.get("original_height")
        if all(isinstance(side, (int, float)) and 0 < side < 1e6 for side in size):
            return int(size[0]), int(size[1])  # type: ignore[arg-type]
    if not regions:
        return 0, 0
    if not file.is_file():
        raise FormatError(
            f"{label}: neither original_width and original_height nor the image {file}",
            "positions are percentages of the image, so its size must be known",
            f"put the images next to the export, or name their folder{option('images', 'FOLDER')}",
        )
    return picture_size(file.read_bytes(), str(file))


def _percent(region: dict[str, Any], keys: tuple[str, ...]) -> list[float] | None:
    """Return numbers from the value of a region, or None if one is missing."""
    value = region.get("value")
    numbers = [value.get(key) for key in keys] if isinstance(value, dict) else [None]
    valid = all(isinstance(n, (int, float)) and not isinstance(n, bool) and isfinite(n) for n in numbers)
    return numbers if valid else None  # type: ignore[return-value]


def _locate(folder: Path, url: str) -> Path:
    """Return the file for an image address such as ``/data/upload/1/3f2a99c1-mouse.png``."""
    parts = urlparse(url)
    name = unquote((parse_qs(parts.query).get("d") or [parts.path])[0]).replace("\\", "/")
    names = [name.lstrip("/"), name.rsplit("/", 1)[-1]]
    names.append(_UPLOAD.sub("", names[-1]))
    candidates = [safe_join(base, n) for base in (folder, folder / "images") for n in names]
    return next((file for file in candidates if file.is_file()), candidates[1])
