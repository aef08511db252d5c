"""Recognise the format of a pose file by its content, never by its name alone."""

from __future__ import annotations

import json
import mmap
import os
import re
from pathlib import Path

from superanimal.formats.deeplabcut_project import (
    CONFIG,
    LABEL_FILES,
    LABELED_DATA,
    TABLE,
    has_tables,
    is_project,
)
from superanimal.formats.text import first_row, is_number

_HDF5 = b"\x89HDF\r\n\x1a\n"
_PICKLE_NAME = re.compile(r"_(full|assemblies|el|bx|sk|ctd)\.pickle$")


def recognise(path: str | os.PathLike[str]) -> str | None:
    """Return the name of the format of a file or folder, or None; reads little and never raises."""
    try:
        return _recognise(Path(path))
    except Exception:  # whatever is wrong with it, it is not a pose file
        return None


def is_labelled(path: Path) -> bool:
    """Return whether a path is a DeepLabCut project, its configuration, or a folder or file of labels.

    Folders and ``config.yaml`` files of other programs are not.
    """
    if path.is_dir():
        return (
            is_project(path / CONFIG)
            or any(any(path.glob(pattern)) for pattern in LABEL_FILES[1:])
            or (path.name == LABELED_DATA and has_tables(path))
        )
    if path.suffix.lower() in (".yaml", ".yml"):
        return is_project(path)
    return path.name.startswith(TABLE) and path.is_file() and recognise(path) == "dlc-labels"


def _recognise(path: Path) -> str | None:
    if path.is_dir():
        try:
            attributes = json.loads((path / "zarr.json").read_text("utf-8")).get("attributes", {})
        except (OSError, ValueError, AttributeError):  # a damaged run says how to go on
            return "superanimal-zarr" if path.name.endswith(".poses.zarr") else None
        return "superanimal-zarr" if attributes.get("kind") == "superanimal-poses" else None
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(_HDF5):
        return _recognise_hdf5(path)
    if head.startswith(b"CDF"):
        return "movement"
    if head.startswith(b"PAR1"):
        return _recognise_parquet(path)
    if head.startswith(b"\x93NUMPY"):
        return "array"
    if head.startswith(b"\x80"):
        return "dlc-pickle" if _PICKLE_NAME.search(path.name) else None
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"{", b"[")):
        return _recognise_json(path, text)
    return _recognise_csv(path) if path.suffix.lower() == ".csv" else None


def _recognise_hdf5(path: Path) -> str | None:
    import h5py

    with h5py.File(path) as file:
        names = set(file)
        if {"frames", "instances", "metadata", "pred_points"} <= names:
            return "slp"
        if {"tracks", "node_names"} <= names:
            return "sleap-analysis-h5"
        if "nwb_version" in file.attrs:
            from superanimal.formats.nwb import find_containers

            return "nwb" if find_containers(file) else None
        if {"position", "time", "space"} <= names:
            return "movement"
        from superanimal.formats.pandas_h5 import find_frame

        key = find_frame(file)
        if key is None:
            return None
        node = file[key]
        if "table" in node:
            return "dlc-labels" if node["table"].dtype["index"].kind == "S" else "dlc-h5"
        numbered = "axis1" in node and node["axis1"].dtype.kind in "iuf"
        return "dlc-h5" if numbered else "dlc-labels"


def _recognise_parquet(path: Path) -> str | None:
    from pyarrow import parquet

    return "parquet" if _is_tidy([name.lower() for name in parquet.read_schema(path).names]) else None


def _recognise_json(path: Path, text: bytes) -> str | None:
    if text.startswith(b"["):
        return "superanimal-json" if b'"bodyparts"' in text else None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        keys = (b'"images"', b'"annotations"', b'"categories"', b'"keypoints"')
        return "coco" if all(content.find(key) >= 0 for key in keys) else None


def _recognise_csv(path: Path) -> str | None:
    from superanimal.formats.wide_csv import find_layout

    layout = find_layout(path)
    if layout is not None:
        if layout.columns and re.search(r"_tracker(\.\d+)?$", layout.columns[0][0]):
            return "lightning-pose"
        return "dlc-labels" if layout.is_labels else "dlc-csv"
    row, _ = first_row(path)
    if _is_tidy([cell.lower() for cell in row]):
        return "csv"
    return "array" if len(row) > 1 and all(map(is_number, row)) else None


def _is_tidy(names: list[str]) -> bool:
    return {"keypoint", "x", "y"} <= set(names) and bool({"frame", "time", "image"} & set(names))
