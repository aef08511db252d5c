"""VIA 3 (VGG Image Annotator): temporal segments of its projects and csv exports.

Facts of the format: a segment is a metadata entry with ``z`` (start and end in seconds; one number is a still
frame), and ``av`` maps attribute ids to the id of an option or to text. An empty option text stands for the
name of the attribute.
"""

from __future__ import annotations

import csv
import io
import json
import os
import reprlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from superanimal.behavior.annotations.row import Row
from superanimal.errors import FormatError

COLUMNS = ["metadata_id", "file_list", "flags", "temporal_coordinates", "spatial_coordinates", "metadata"]
CSV_HEADER = "# CSV_HEADER = " + ",".join(COLUMNS)


def is_via_project(document: Any) -> bool:
    """Return whether a JSON document is a project of VIA 3."""
    return isinstance(document, dict) and {"metadata", "attribute", "view", "file"} <= set(document)


def is_via_csv(text: str) -> bool:
    """Return whether the text of a table is an export of VIA 3."""
    return any(line.startswith("# CSV_HEADER") and "temporal_coordinates" in line
               for line in text.splitlines()[:50])  # fmt: skip


def read_project(document: Mapping[str, Any], path: str | os.PathLike[str]) -> list[Row]:
    """Return the temporal segments of a project; regions drawn in frames are no bouts."""
    files, views = document["file"], document["view"]
    rows = list[Row]()
    for name, entry in document["metadata"].items():
        fids = views.get(str(entry.get("vid")), {}).get("fid_list") or []
        video = str(files[str(fids[0])]["fname"]) if fids else ""
        rows += _rows(
            name, entry.get("z"), entry.get("xy"), entry.get("av"), document["attribute"], video, path
        )
    return rows


def read_csv(text: str, path: str | os.PathLike[str]) -> list[Row]:
    """Return the temporal segments of a csv export."""
    attributes: dict[str, Any] = {}
    for line in text.splitlines():
        if line.startswith("# ATTRIBUTE"):
            attributes = json.loads(line.split("=", 1)[1])
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    rows = list[Row]()
    for values in csv.reader(io.StringIO(lines)):
        if not values:
            continue
        if len(values) < len(COLUMNS):
            raise FormatError(f"{path}: {','.join(values)!r}", f"a row has {', '.join(COLUMNS)}")
        name, files, _, z, xy, av = values[: len(COLUMNS)]
        videos = json.loads(files) if files.startswith("[") else [files]
        rows += _rows(
            name,
            json.loads(z),
            json.loads(xy),
            json.loads(av),
            attributes,
            str(videos[0] if videos else ""),
            path,
        )
    return rows


def _rows(
    name: str,
    z: Any,
    xy: Any,
    av: Any,
    attributes: Mapping[str, Any],
    video: str,
    path: str | os.PathLike[str],
) -> Iterator[Row]:
    if not z or xy:  # the whole file, or a region in a still frame
        return
    place = f"segment {name!r}"
    try:
        first, *_, last = times = [float(each) for each in (z if len(z) > 1 else [*z, *z])]
    except (TypeError, ValueError, OverflowError) as error:
        raise FormatError(
            f"{path}, {place}: times {reprlib.repr(z)}", "start and end are numbers of seconds"
        ) from error
    if len(times) > 2:
        raise FormatError(f"{path}, {place}: times {z}", "a segment has a start and an end")
    for attribute, value in (av or {}).items():
        facts = attributes.get(str(attribute)) or {}
        facts = facts if isinstance(facts, Mapping) else {"aname": facts}
        options = facts.get("options") or {}
        for each in str(value).split(",") if str(facts.get("type")) == "2" else [str(value)]:
            label = str(options.get(each, each)).strip() or str(facts.get("aname", ""))
            if label:
                yield Row(first, last, label, place, video=Path(video).name)
