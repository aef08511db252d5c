"""COCO keypoint json: images, annotations (one per animal) and categories with the keypoint names.

Extra keys, which other programs ignore: ``individual``, ``keypoint_scores`` and ``bbox_is_extent`` of an
annotation, ``frame_index`` of an image, ``info.superanimal`` (record and names of the individuals).
Visibility: 0 is read as absent; 1 (labelled but hidden) and 2 are kept in the variable ``visibility``.
"""

from __future__ import annotations

import json
import os
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from superanimal.files import atomic_write
from superanimal.formats import record
from superanimal.formats.coco_document import Annotation, read_document
from superanimal.formats.loss import LossWarning
from superanimal.formats.wide_table import clip_confidence, frames_of_images
from superanimal.poses import make_poses, space_for

_INFO = "superanimal"


def read(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read COCO keypoints; images become the time axis, in the order of the file.

    Annotations of an image are identified by ``individual`` or ``track_id`` if they have one; otherwise they
    are numbered in order, and an individual need not be the same animal in every image.
    """
    document = read_document(path)
    images, annotations, keypoints = document.images, document.annotations, document.keypoints
    info = document.info.get(_INFO)
    info = info if isinstance(info, dict) else {}
    t = np.array([a.row for a in annotations], dtype=np.int64)
    individuals, n = _individuals(annotations, t, info.get("individuals", []), path)

    shape = (len(images), len(keypoints), len(individuals))
    xyv = np.zeros((*shape, 3))
    confidence = np.full(shape, np.nan, dtype=np.float32)
    boxes = np.full((shape[0], shape[2], 4), np.nan, dtype=np.float32)
    scores = np.full((shape[0], shape[2]), np.nan, dtype=np.float32)
    place = {name: k for k, name in enumerate(keypoints)}
    for row, individual, annotation in zip(t.tolist(), n.tolist(), annotations, strict=True):
        own = [place[name] for name in document.categories[annotation.category].keypoints]
        xyv[row, own, individual] = annotation.points
        if annotation.scores is not None:
            confidence[row, own, individual] = annotation.scores
        if annotation.box and not annotation.raw.get("bbox_is_extent"):
            boxes[row, individual] = annotation.box
        if annotation.raw.get("score") is not None:
            scores[row, individual] = annotation.raw["score"]
    visibility = np.clip(xyv[..., 2], 0, 2).astype(np.uint8)
    absent = visibility == 0
    xyv[absent] = confidence[absent] = np.nan
    files = [str(image.get("file_name", image["id"])) for image in images]
    frames = [image.get("frame_index") for image in images]
    numbered = None not in frames and (info or len(set(frames)) == len(frames))
    ds = make_poses(
        np.moveaxis(xyv[..., :2], -1, 1),
        confidence,
        keypoints=keypoints,
        individuals=individuals,
        frames=np.array(frames, dtype=np.int64) if numbered else frames_of_images(files),
        images=None if info.get("images_are_frames") else files,
        boxes=boxes.swapaxes(1, 2) if np.isfinite(boxes).any() else None,
        box_confidence=clip_confidence(scores, path) if np.isfinite(scores).any() else None,
        source_file=str(path),
        **record.fields_of(info.get("record", {}), "COCO"),
    )
    if not info.get("visibility_is_presence"):
        ds["visibility"] = (("time", "keypoint", "individual"), visibility)
    return ds


def write(
    ds: xr.Dataset,
    path: str | os.PathLike[str],
    *,
    image_size: tuple[int, int] | None = None,
    category: str | None = None,
) -> list[Path]:
    """Write COCO keypoints.

    Parameters
    ----------
    image_size
        Width and height of every image in pixels; left out of the file when not given.
    category
        Name of the category; by default the keypoint space's name, else ``animal``.
    """
    keypoints = [str(name) for name in ds["keypoint"].values]
    individuals = [str(name) for name in ds["individual"].values]
    frames = ds["frame"].values.tolist()
    files = (
        [str(image) for image in ds["image"].values]
        if "image" in ds.coords
        else [f"frame_{frame:06d}.png" for frame in frames]
    )
    if "image" not in ds.coords and files and not (Path(path).parent / files[0]).exists():
        warnings.warn(
            f"{path} names pictures such as {files[0]} that are not there, where other programs look for "
            "them: write the frames of the video under these names, or convert to a COCO project, which does",
            LossWarning,
            stacklevel=3,
        )
    size = {} if image_size is None else {"width": int(image_size[0]), "height": int(image_size[1])}
    space = space_for(keypoints)
    inside = {name: i + 1 for i, name in enumerate(keypoints)}
    edges = space.edges if space else ()
    document = {
        "info": {
            "description": "animal poses",
            _INFO: {
                "record": record.record_of(ds),
                "individuals": individuals,
                "images_are_frames": "image" not in ds.coords,
                "visibility_is_presence": "visibility" not in ds,
            },
        },
        "images": [
            {"id": t, "file_name": name, "frame_index": frame, **size}
            for t, (name, frame) in enumerate(zip(files, frames, strict=True))
        ],
        "annotations": _annotations(ds, individuals),
        "categories": [
            {
                "id": 1,
                "name": category or (space.name if space else "animal"),
                "supercategory": "animal",
                "keypoints": keypoints,
                "skeleton": [[inside[a], inside[b]] for a, b in edges if a in inside and b in inside],
            }
        ],
    }
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(document), encoding="utf-8")
    return [Path(path)]


def _individuals(
    annotations: list[Annotation], t: np.ndarray, known: list[str], path: str | os.PathLike[str]
) -> tuple[list[str], np.ndarray]:
    """Return the names of the individuals and the index of each annotation's individual."""
    marks = [a.individual for a in annotations]
    keys = list(zip(t.tolist(), marks, strict=True))
    if annotations and None not in marks and len(set(keys)) == len(keys):
        found = [m if isinstance(m, str) else f"track{m}" for m in marks]
        names = list(dict.fromkeys([*known, *found]))
        return names, np.array([names.index(name) for name in found], dtype=np.int64)
    if nameless := marks.count(None):
        why = f"{nameless} of {len(marks)} annotations name no individual or track" if any(marks) else ""
    else:
        twice = Counter(keys).most_common(1)
        why = f"individual or track {twice[0][0][1]!r} stands twice in an image" if twice else ""
    if why:
        warnings.warn(f"{path}: {why}; animals are numbered in each image instead", stacklevel=3)
    counts: dict[int, int] = {}
    n = []
    for row in t.tolist():
        n.append(counts.get(row, 0))
        counts[row] = n[-1] + 1
    most = max(counts.values(), default=0)
    return known or [f"animal{i}" for i in range(most)], np.array(n, dtype=np.int64)


def _annotations(ds: xr.Dataset, individuals: list[str]) -> list[dict[str, Any]]:
    position = ds["position"].values.transpose(0, 3, 2, 1).astype(float)  # (T, N, K, 2)
    confidence = ds["confidence"].values.transpose(0, 2, 1)
    present = np.isfinite(position).all(-1)
    visibility = 2.0 * present
    if "visibility" in ds:
        visibility = np.where(present, ds["visibility"].values.transpose(0, 2, 1), 0)
    xyv = np.concatenate([np.where(present[..., None], position, 0), visibility[..., None]], axis=-1)
    scored = np.isfinite(confidence)
    boxes = ds["boxes"].values.transpose(0, 2, 1).astype(float) if "boxes" in ds else None
    box_scores = ds["box_confidence"].values if "box_confidence" in ds else None
    boxed = np.isfinite(boxes).all(-1) if boxes is not None else np.zeros(present.shape[:2], dtype=bool)
    annotations: list[dict[str, Any]] = []
    for t, n in np.argwhere(present.any(-1) | boxed).tolist():
        annotation: dict[str, Any] = {
            "id": len(annotations) + 1,
            "image_id": t,
            "category_id": 1,
            "individual": individuals[n],
            "iscrowd": 0,
            "num_keypoints": int(present[t, n].sum()),
            "keypoints": xyv[t, n].ravel().tolist(),
        }
        if scored[t, n].any():
            annotation["keypoint_scores"] = [
                float(score) if ok else None for score, ok in zip(confidence[t, n], scored[t, n], strict=True)
            ]
        if boxes is not None and boxed[t, n]:
            annotation["bbox"] = boxes[t, n].tolist()
            annotation["area"] = float(boxes[t, n, 2] * boxes[t, n, 3])
            if box_scores is not None and np.isfinite(box_scores[t, n]):
                annotation["score"] = float(box_scores[t, n])
        else:  # other programs expect a box: the extent of the points, marked so that it is not read back
            low, high = position[t, n][present[t, n]].min(0), position[t, n][present[t, n]].max(0)
            annotation |= {"bbox": [*low.tolist(), *(high - low).tolist()], "bbox_is_extent": True}
            annotation["area"] = float(np.prod(high - low))
        annotations.append(annotation)
    return annotations
