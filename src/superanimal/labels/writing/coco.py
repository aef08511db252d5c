"""COCO project: ``images/`` and ``annotations/<split>.json``, written annotation by annotation.

Undefined keypoints are (-1, -1, -1), absent ones (0, 0, 0). Extra keys that other programs ignore:
``individual``, ``bbox_is_extent`` and ``area_is_box`` of an annotation; ``source``, ``video`` and ``split``
of an image.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TextIO

import numpy as np

from superanimal.files import atomic_write
from superanimal.labels.labelled_set import LabelledSet
from superanimal.labels.writing.job import Materialized, Target, file_names, numbers, size_of
from superanimal.poses import KeypointSpace, make_provenance
from superanimal.progress import Progress


def write(target: Target, *, space: KeypointSpace | None, progress: Progress) -> Materialized:
    """Write a COCO project folder."""
    labelled = target.labelled
    names = [f"{folder}/{name}" for folder, name in file_names(labelled)]
    target.place_images([f"images/{name}" for name in names], progress)
    files = []
    stems = np.array([_file_stem(split) for split in labelled.split.tolist()], dtype=object)
    progress.start(len(labelled), "writing annotations", "images")
    for stem in dict.fromkeys(stems.tolist()):
        file = target.path / "annotations" / f"{stem}.json"
        file.parent.mkdir(exist_ok=True)
        with atomic_write(file) as temporary, temporary.open("w", encoding="utf-8") as out:
            _write_json(out, labelled, np.flatnonzero(stems == stem), names, space, progress)
        files.append(file)
    progress.finish()
    return Materialized(target.path, tuple(files), ())


def _file_stem(split: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in split) or "train"


def _write_json(
    out: TextIO,
    labelled: LabelledSet,
    rows: np.ndarray,
    names: list[str],
    space: KeypointSpace | None,
    progress: Progress,
) -> None:
    licences = list(dict.fromkeys(labelled.licence.tolist()))
    kinds = list(dict.fromkeys(labelled.category.tolist())) or ["animal"]
    place = {name: i + 1 for i, name in enumerate(labelled.keypoints)}
    edges = [[place[a], place[b]] for a, b in labelled.skeleton(space)]
    head = {
        "description": labelled.name,
        "superanimal": {"record": {"provenance": make_provenance("materialize", name=labelled.name)}},
    }
    out.write('{"info": ' + json.dumps(head))
    out.write(', "licenses": ' + json.dumps([{"id": i, "name": text} for i, text in enumerate(licences)]))
    categories: list[dict[str, Any]] = [
        {
            "id": i + 1,
            "name": kind,
            "supercategory": "animal",
            "keypoints": list(labelled.keypoints),
            "skeleton": edges,
        }
        for i, kind in enumerate(kinds)
    ]
    if space is not None and space.keypoints == labelled.keypoints:
        categories = [{**category, "sigmas": space.sigmas.tolist()} for category in categories]
    out.write(', "categories": ' + json.dumps(categories))
    out.write(', "images": [')
    _stream(out, (_image(labelled, i, names[i], licences, progress) for i in rows.tolist()))
    out.write('], "annotations": [')
    extent = labelled.boxes_or_extent()
    animals = (m for i in rows.tolist() for m in labelled.animals_of(i).tolist())
    _stream(out, (_annotation(labelled, m, extent, kinds) for m in animals))
    out.write("]}\n")


def _stream(out: TextIO, items: Iterable[dict[str, Any]]) -> None:
    for n, item in enumerate(items):
        out.write((",\n" if n else "\n") + json.dumps(item))


def _image(
    labelled: LabelledSet, i: int, name: str, licences: list[str], progress: Progress
) -> dict[str, Any]:
    progress.check()
    progress.advance()
    width, height = size_of(labelled.images[i])
    return {
        "id": i,
        "file_name": name,
        "width": width,
        "height": height,
        "license": licences.index(labelled.licence[i]),
        "source": labelled.source[i],
        "video": labelled.video[i],
        "split": labelled.split[i],
    }


def _annotation(labelled: LabelledSet, m: int, extent: np.ndarray, kinds: list[str]) -> dict[str, Any]:
    flags = labelled.visibility[m]
    xyv = np.empty((len(flags), 3), dtype=np.float32)
    xyv[:, :2] = np.where((flags > 0)[:, None], labelled.xy[m], np.minimum(flags, 0)[:, None])
    xyv[:, 2] = flags
    annotation: dict[str, Any] = {
        "id": m + 1,
        "image_id": int(labelled.image_index[m]),
        "category_id": kinds.index(labelled.category[m]) + 1,
        "individual": labelled.individuals[m],
        "iscrowd": 0,
        "num_keypoints": int((flags > 0).sum()),
        "keypoints": numbers(xyv.ravel()),
    }
    box = extent[m]
    if np.isfinite(box).all():
        annotation["bbox"] = numbers(box)
        annotation["area"] = float(box[2]) * float(box[3])
        annotation["area_is_box"] = True
    if not np.isfinite(labelled.boxes[m]).all():
        annotation["bbox_is_extent"] = True
    if np.isfinite(labelled.area[m]):
        annotation["area"] = numbers(labelled.area[m : m + 1])[0]
        annotation["area_is_box"] = False
    return annotation
