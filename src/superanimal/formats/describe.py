"""Description of a file of unknown format: one sentence for error messages."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from superanimal.errors import FormatError
from superanimal.formats.text import SAMPLE, first_row, table_text

_SHOWN = 6
_TIDY = "write it as a tidy table with the columns frame, keypoint, x, y (and individual, confidence)"


def unknown_file(path: str | os.PathLike[str], wanted: str) -> FormatError:
    """Build the error for a file that is not recognised: what it contains, and what to do.

    Parameters
    ----------
    wanted
        What the caller can read.
    """
    seen, remedy = describe(path)
    return FormatError(
        f"{path}: not recognised: {seen}",
        wanted,
        remedy or "export it in one of these formats from the program that created it",
    )


def describe(path: str | os.PathLike[str]) -> tuple[str, str]:
    """Return (what a file seems to be, the remedy or an empty text); never raises."""
    try:
        return _describe(Path(path))
    except Exception as error:  # the file is broken beyond further diagnosis
        return f"it cannot be read ({type(error).__name__}: {error})", ""


def _describe(path: Path) -> tuple[str, str]:
    if path.is_dir():
        names = sorted(child.name for child in path.iterdir())
        return f"a folder with {_some(names) or 'nothing in it'}", ""
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if not head:
        return "the file is empty", "export it again"
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return _hdf5(path)
    if head.startswith(b"PAR1"):
        from pyarrow import parquet

        return f"a Parquet table with the columns {_some(parquet.read_schema(path).names)}", _TIDY
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in (b"{", b"["):
        return _json(path)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or not _is_binary(head):
        return _table(path)
    return "it is not text, HDF5, JSON or any other known kind of data", ""


def _is_binary(head: bytes) -> bool:
    control = sum(byte < 32 and byte not in b"\t\n\r\f" for byte in head[:4096])
    return control > 0


def _hdf5(path: Path) -> tuple[str, str]:
    import h5py

    with h5py.File(path) as file:
        if "nwb_version" in file.attrs:
            return "an NWB file without a PoseEstimation (ndx-pose)", ""
        return f"an HDF5 file with {_some(list(file)) or 'nothing in it'}", ""


def _json(path: Path) -> tuple[str, str]:
    try:
        content: Any = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return f"JSON that is damaged ({error})", "export it again"
    return describe_json(content)


def describe_json(content: Any) -> tuple[str, str]:
    """Return (what the content of a JSON file seems to be, the remedy or an empty text)."""
    if isinstance(content, dict):
        return f"a JSON object with the keys {_some(list(content)) or '(none)'}", ""
    if not isinstance(content, list):
        return f"JSON with a single {type(content).__name__}", ""
    if not content:
        return "an empty JSON list", ""
    first = content[0]
    if not isinstance(first, dict):
        return f"a JSON list of {type(first).__name__}", ""
    if {"image_id", "keypoints"} <= first.keys():
        return (
            "COCO results (a list of image_id, keypoints and score), without image and keypoint names",
            "use the annotation file they belong to, or save the predictions as poses",
        )
    if any(_is_region(value) for value in first.values()):
        return "Label Studio's short export (JSON-MIN)", "export as JSON"
    return f"a JSON list of objects with the keys {_some(list(first)) or '(none)'}", ""


def _is_region(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(v, dict) and "keypointlabels" in v for v in value)


def _table(path: Path) -> tuple[str, str]:
    row, delimiter = first_row(path)
    names = [name.lower() for name in row]
    if names and names[0] in ("bodyparts", "individuals", "coords"):
        return (
            f"a table that begins with the row {names[0]!r}",
            "put the row 'scorer' with its name in each column on top: a DeepLabCut csv has the header rows "
            "scorer, [individuals,] bodyparts, coords",
        )
    with path.open("rb") as file:
        below = table_text(file.read(SAMPLE))[0].lower().split("\n")[1:4]
    coords = any({"x", "y"} <= {cell.strip() for cell in line.split(delimiter)} for line in below)
    if "scorer" in names[1:] or coords:
        return (
            "the header rows of a DeepLabCut table, but not from the first cell on",
            "the first column names the header rows (scorer, [individuals,] bodyparts, coords), then frames: "
            "remove what stands above or before it, or put the column back "
            "(pandas: read_csv(path, header=[0, 1, 2], index_col=0))",
        )
    columns = f"a table with the columns {_some(row)}"
    if len(row) < 2:
        columns = f"text that begins with {row[0][:40]!r}" if row else "empty rows"
    if "mastername" in names:
        return f"{columns}: a conversion table, not poses", "use it where a conversion table is expected"
    if "frame_idx" in names:
        return f"{columns}: a SLEAP csv", "open the .slp project, or export it from SLEAP as analysis HDF5"
    if len(row) > 1 and {"x", "y"} & {name.rsplit(end, 1)[-1] for name in names for end in "_."}:
        return columns, _TIDY
    return columns, ""


def _some(names: list[Any]) -> str:
    shown = ", ".join(str(name)[:40] or "''" for name in names[:_SHOWN])
    return f"{shown}, ... ({len(names)} in all)" if len(names) > _SHOWN else shown
