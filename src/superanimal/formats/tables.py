"""Tidy tables, csv and Parquet: one row per frame, individual and keypoint.

Columns: ``frame, time, individual, keypoint, x, y, confidence`` and, when the data set has them, ``z, edited,
image, box_x, box_y, box_width, box_height, box_confidence`` (the box of the individual, repeated for each of
its keypoints). Absent values are empty cells. Rows may be in any order; ``frame`` or ``time`` may be missing,
but not both.
"""

from __future__ import annotations

import csv
import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xarray as xr
from pyarrow import compute, parquet
from pyarrow import csv as arrow_csv

from superanimal.errors import FormatError
from superanimal.files import atomic_write
from superanimal.formats import record
from superanimal.formats.frame_times import in_seconds, place_frames
from superanimal.formats.text import SAMPLE, decimal_mark, first_row, table_text
from superanimal.formats.wide_table import clip_confidence, frame_numbers
from superanimal.poses import make_poses
from superanimal.poses.dataset import SPACE

REQUIRED = ("keypoint", "x", "y")

_BOX = ("box_x", "box_y", "box_width", "box_height")
_META = b"superanimal"
_KNOWN = frozenset((*REQUIRED, *_BOX, "", "frame", "time", "individual", "z", "confidence", "edited", "image",
                    "box_confidence"))  # fmt: skip
_INDEX = ("unnamed:", "index", "level_0", "__index_level")  # what pandas calls an index without a name
_CONFIDENCE = ("likelihood", "score")
"""What other programs call the confidence."""
ROUNDED = 1e-3
"""Times in tables are often rounded to milliseconds; seconds."""


def read_csv(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a tidy csv file."""
    names, delimiter = first_row(path)
    names = [name.lower() for name in names]
    if repeated := sorted({name for name in names if names.count(name) > 1 and name}):
        raise FormatError(f"{path}: two columns are named {repeated[0]!r}", "column names are unique")
    text = dict.fromkeys(("keypoint", "individual", "image"), pa.dictionary(pa.int32(), pa.string()))
    content, encoding = table_text(Path(path).read_bytes())
    if encoding == "cp1252":
        warnings.warn(f"{path} is not UTF-8 text and was read as Windows text: check the names", stacklevel=3)
    sample = csv.reader(io.StringIO(content[:SAMPLE]), delimiter=delimiter)
    options = arrow_csv.ConvertOptions(
        column_types=text,
        strings_can_be_null=False,
        decimal_point=decimal_mark((cell.strip() for row in sample for cell in row), delimiter),
    )
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(content.encode()),
            read_options=arrow_csv.ReadOptions(column_names=names, skip_rows=1),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter),
            convert_options=options,
        )
    except pa.ArrowInvalid as error:
        raise FormatError(f"{path}: {error}", "a tidy table has one header row") from error
    for name in set(text) & set(names):  # other programs write a space after each comma
        trimmed = compute.utf8_trim_whitespace(table[name].cast(pa.string())).dictionary_encode()
        table = table.set_column(names.index(name), name, trimmed)
    return _to_poses(table, record.read_sidecar(path), path)


def write_csv(ds: xr.Dataset, path: str | os.PathLike[str]) -> list[Path]:
    """Write a tidy csv file and the record beside it."""
    table = _to_table(ds, path)
    decoded = [
        column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    with atomic_write(path) as temporary:
        arrow_csv.write_csv(pa.table(decoded, names=table.column_names), temporary)
    return [Path(path), record.write_sidecar(ds, path)]


def read_parquet(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a tidy Parquet file."""
    try:
        table = parquet.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise FormatError(f"{path}: not a readable Parquet file ({error})") from error
    return _to_poses(table, record.parse((table.schema.metadata or {}).get(_META)), path)


def write_parquet(ds: xr.Dataset, path: str | os.PathLike[str]) -> list[Path]:
    """Write a tidy Parquet file, the record in its schema."""
    table = _to_table(ds, path).replace_schema_metadata({_META: record.dump(ds).encode()})
    with atomic_write(path) as temporary:
        parquet.write_table(table, temporary, compression="zstd")
    return [Path(path)]


def _to_table(ds: xr.Dataset, path: str | os.PathLike[str]) -> pa.Table:
    times, keypoints, individuals = (ds.sizes[dim] for dim in ("time", "keypoint", "individual"))
    if not keypoints or not individuals:
        raise FormatError(
            f"{path}: {individuals} individuals with {keypoints} keypoints",
            "a tidy table has one row per keypoint and needs at least one",
            "save as movement netCDF instead",
        )
    each = keypoints * individuals

    def per_frame(values: Any) -> np.ndarray:
        return np.repeat(values, each)

    def per_point(values: np.ndarray) -> pa.Array:  # (T, K, N) -> rows by frame, individual, keypoint
        return pa.array(np.swapaxes(values, 1, 2).ravel(), from_pandas=values.dtype.kind == "f")

    def per_animal(values: np.ndarray) -> pa.Array:  # (T, N)
        return pa.array(np.repeat(values.ravel(), keypoints), from_pandas=True)

    def names(values: Any, codes: np.ndarray) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(codes.astype(np.int32), pa.array([str(v) for v in values]))

    position = ds["position"]
    columns: dict[str, Any] = {
        "frame": per_frame(ds["frame"].values),
        "time": per_frame(ds["time"].values),
        "individual": names(
            ds["individual"].values, np.tile(np.repeat(np.arange(individuals), keypoints), times)
        ),
        "keypoint": names(ds["keypoint"].values, np.tile(np.arange(keypoints), times * individuals)),
        **{str(axis): per_point(position.sel(space=axis).values) for axis in position["space"].values},
        "confidence": per_point(ds["confidence"].values),
    }
    if "edited" in ds:
        columns["edited"] = per_point(ds["edited"].values)
    if "image" in ds.coords:
        columns["image"] = names(ds["image"].values, per_frame(np.arange(times)))
    if "boxes" in ds:
        columns |= {name: per_animal(ds["boxes"].values[:, i]) for i, name in enumerate(_BOX)}
    if "box_confidence" in ds:
        columns["box_confidence"] = per_animal(ds["box_confidence"].values)
    return pa.table(columns)


def _to_poses(table: pa.Table, known: dict[str, Any], path: str | os.PathLike[str]) -> xr.Dataset:
    table = _with_our_names(table, path)
    missing = [name for name in REQUIRED if name not in table.column_names]
    clock = next((name for name in ("frame", "time", "image") if name in table.column_names), None)
    if missing or clock is None:
        raise FormatError(
            f"{path}: columns {table.column_names}",
            "a tidy table has keypoint, x, y and frame or time; individual and confidence are optional",
        )
    table = _without_empty_rows(table, clock, path)
    keypoints, k = _codes(table, "keypoint")
    individuals, n = (
        _codes(table, "individual")
        if "individual" in table.column_names
        else (["animal0"], np.zeros(table.num_rows, dtype=np.int64))
    )
    instants = _column(table, clock, path) if clock != "image" else np.array(table["image"].to_pylist())
    if clock == "image":
        _, first, t = np.unique(instants, return_index=True, return_inverse=True)
        first, t = np.sort(first), np.argsort(np.argsort(first))[t]
    else:
        _, first, t = np.unique(instants, return_index=True, return_inverse=True)
    shape = (len(first), len(keypoints), len(individuals))
    flat = np.ravel_multi_index((t, k, n), shape)
    counts = np.bincount(flat, minlength=1)
    if counts.max() > 1:
        row = int(np.flatnonzero(counts[flat] > 1)[0])
        raise FormatError(
            f"{path}: two rows for keypoint {keypoints[k[row]]!r} of {individuals[n[row]]!r} "
            f"at {clock} {instants[row]}",
            "each point has one row",
            "where they are of several animals, call the column of their names 'individual'; of several "
            "videos, keep the rows of one",
        )

    def points(name: str, fill: Any = np.nan, dtype: Any = np.float32) -> np.ndarray:
        values = np.full(shape, fill, dtype=dtype)
        values.ravel()[flat] = _column(table, name, path)
        return values

    def animals(name: str) -> np.ndarray:
        values = np.full((shape[0], shape[2]), np.nan, dtype=np.float32)
        values[t, n] = _column(table, name, path)
        return values

    def optional(make: Callable[[], np.ndarray], *needed: str) -> np.ndarray | None:
        return make() if set(needed) <= set(table.column_names) else None

    frames, times, fields = None, None, record.fields_of(known, "")
    if clock == "frame":
        frames = frame_numbers(instants[first], path)
        if "time" in table.column_names:
            clocked = _column(table, "time", path)[first]
            fields["fps"] = fields["fps"] or _rate(frames, clocked, path)
            times = _measured(frames, clocked, fields["fps"], ours=bool(known))
    elif clock == "time":
        frames, fields["fps"], times = _count_frames(instants[first], fields["fps"], path)
    confidence = optional(lambda: points("confidence"), "confidence")
    return make_poses(
        np.stack([points(axis) for axis in SPACE if axis in table.column_names], axis=1),
        None if confidence is None else clip_confidence(confidence, path),
        keypoints=keypoints,
        individuals=individuals,
        frames=frames,
        times=times,
        images=table["image"].take(pa.array(first)).to_pylist() if "image" in table.column_names else None,
        edited=optional(lambda: points("edited", False, bool), "edited"),
        boxes=optional(lambda: np.stack([animals(name) for name in _BOX], axis=1), *_BOX),
        box_confidence=optional(lambda: animals("box_confidence"), "box_confidence"),
        source_file=str(path),
        **fields,
    )


def _with_our_names(table: pa.Table, path: Any) -> pa.Table:
    """Return the table with the columns that are read, in small letters; a warning names the others."""
    names = [name.strip().lower() for name in table.column_names]
    if len(set(names)) < len(names):
        return table
    if "confidence" not in names:
        names = ["confidence" if name in _CONFIDENCE else name for name in names]
    if unread := [name for name in names if name not in _KNOWN and not name.startswith(_INDEX)]:
        warnings.warn(f"{path}: columns that are not read: {', '.join(unread)}", stacklevel=4)
    return table.rename_columns(names)


def _codes(table: pa.Table, name: str) -> tuple[list[str], np.ndarray]:
    """Return the distinct values of a text column in order of appearance, and their index for each row."""
    column = table[name].combine_chunks()
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks else pa.DictionaryArray.from_arrays([], [])
    codes, texts = column.indices.to_numpy(zero_copy_only=False), column.dictionary.to_pylist()
    present, first = np.unique(codes, return_index=True)
    order = present[np.argsort(first)]
    rank = np.zeros(len(texts), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return [str(texts[i]) for i in order], rank[codes]


def _without_empty_rows(table: pa.Table, clock: str, path: Any) -> pa.Table:
    """Return the table without rows that have neither a keypoint nor a frame or time.

    Raises
    ------
    FormatError
        When a row has only one of them.
    """
    filled = []
    for name in ("keypoint", clock):
        cells = table[name]
        there = cells.is_valid()
        if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
            there = compute.and_(there, compute.not_equal(compute.utf8_trim_whitespace(cells), "")).fill_null(
                False
            )
        elif pa.types.is_dictionary(cells.type):
            texts = cells.cast(pa.string())
            there = compute.and_(there, compute.not_equal(compute.utf8_trim_whitespace(texts), "")).fill_null(
                False
            )
        filled.append(there.to_numpy())
    if (partial := np.flatnonzero(filled[0] != filled[1])).size:
        row = int(partial[0])
        raise FormatError(
            f"{path}: row {row + 1} below the header has no {'keypoint' if filled[1][row] else clock}",
            f"each row needs a keypoint and a {clock}",
        )
    return table if filled[0].all() else table.filter(pa.array(filled[0]))


def _column(table: pa.Table, name: str, path: Any) -> np.ndarray:
    """Return a column of numbers; empty cells are NaN."""
    values = table[name].to_numpy()
    if values.dtype.kind != "O":
        return values
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise FormatError(f"{path}: column {name!r}: {error}", "cells are numbers or empty") from error


def _rate(frames: np.ndarray, times: np.ndarray, path: Any) -> float | None:
    """Return the frame rate that converts frame numbers to times; None if times are frame numbers."""
    moving = frames != 0
    if not moving.any() or np.array_equal(frames, times):
        return None
    rates = frames[moving] / times[moving]
    rate = float(np.round(np.median(rates), 6))
    if rate < 0.5 and np.array_equal(times, np.round(times)):
        warnings.warn(
            f"{path}: {rate:g} frames per second, if the times are seconds; divide them by 1000 where they "
            "are milliseconds",
            stacklevel=4,
        )
    return rate if np.allclose(rates, rate, rtol=1e-4) else None


def _measured(frames: np.ndarray, times: np.ndarray, fps: float | None, *, ours: bool) -> np.ndarray | None:
    """Return times in seconds if they do not follow from frame number and rate, else None.

    Rounding by other programs is tolerated.
    """
    expected = frames if fps is None else frames / fps
    rtol, atol = (1e-9, 1e-6) if ours else (1e-4, 1e-3)
    finite = times.dtype.kind in "iuf" and np.isfinite(times).all()
    return None if not finite or np.allclose(times, expected, rtol=rtol, atol=atol) else times


def _count_frames(
    times: np.ndarray, fps: float | None, path: Any
) -> tuple[np.ndarray, float | None, np.ndarray | None]:
    """Return (frame numbers, fps, times where the two do not tell them) of sorted times in seconds."""
    times = in_seconds(times)
    if times.dtype.kind not in "iuf":
        raise FormatError(f"{path}: column 'time' is {times.dtype}", "times are seconds")
    whole = len(times) > 1 and bool((times == np.round(times)).all())
    if whole and np.median(np.diff(times)) != 1:
        raise FormatError(
            f"{path}: the times are whole numbers such as {times[0]:g}, {times[1]:g}",
            "times are seconds; these may be frame numbers or milliseconds",
            "call the column 'frame' when they are frame numbers, divide them by 1000 when milliseconds",
        )
    if len(times) == 1 and times[0] != round(times[0]) and not fps:
        raise FormatError(
            f"{path}: a single time, {times[0]} s",
            "the frame number cannot be derived",
            "add a column 'frame'",
        )
    frames, fps, own = place_frames(times.astype(np.float64), fps, path, rounding=ROUNDED)
    return frames, fps, times if own else None
