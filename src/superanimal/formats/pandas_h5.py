"""HDF5 files of pandas, read with h5py instead of pandas; pickles pass through the restricted unpickler.

PyTables unpickles node attributes and object arrays as soon as they are accessed, so a malicious file can run
arbitrary code in ``pandas.read_hdf``. h5py returns the bytes instead.
"""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from superanimal.errors import FormatError
from superanimal.formats import record
from superanimal.formats.unpickle import loads
from superanimal.formats.wide_table import WideTable, name_levels

KEY = "df_with_missing"
EXTRAS = "superanimal"

_MAX_TABLE_COLUMNS = 1000
_MAX_ATTRIBUTE = 60_000  # bytes; HDF5 keeps at most 64 KiB in an attribute, where pandas puts the columns


def find_frame(file: h5py.File) -> str | None:
    """Return the name of the data frame in a file: one of DeepLabCut's usual keys, else the first one."""
    return next(iter(_frames(file)), None)


def _frames(file: h5py.File) -> list[str]:
    """Return the names of the data frames in a file; only the first where it is one of DeepLabCut's."""
    names = [name for name, node in file.items() if isinstance(node, h5py.Group) and _kind(node)]
    return next(([key] for key in (KEY, "tracks", "df") if key in names), names)


def read_frame(path: str | os.PathLike[str]) -> WideTable:
    """Return the wide table in an HDF5 file written by pandas, ``fixed`` or ``table``.

    Raises
    ------
    FormatError
        When there is no data frame, its layout is not supported, or a pickle in it refers to code.
    """
    try:
        with h5py.File(path) as file:
            key = find_frame(file)
            if key is None:
                raise FormatError(f"{path}: no data frame inside", f"the file holds {list(file)}")
            if len(frames := _frames(file)) > 1:
                raise FormatError(
                    f"{path}: several data frames: {', '.join(frames)}",
                    "a file of poses has one, or one of them is called df_with_missing",
                    "write each into a file of its own",
                )
            node = file[key]
            read = _read_table if _kind(node) == "frame_table" else _read_fixed
            columns, names, index, values = read(node, path)
            extras = file.get(EXTRAS)
            known = record.parse(extras.attrs.get("record")) if extras is not None else {}
    except (OSError, KeyError, RuntimeError) as error:
        raise FormatError(
            f"{path}: damaged or unsupported HDF5 ({error})",
            "tables are stored uncompressed or compressed with zlib",
            "write the file again with pandas, compressed with zlib",
        ) from error
    return WideTable(name_levels(columns, names, path), index, values, known)


def write_frame(table: WideTable, path: Path, *, index: Any = None) -> None:
    """Write a wide table as DeepLabCut does, and its record into a group that DeepLabCut ignores.

    Parameters
    ----------
    table
        Predictions (frame numbers as index) are stored in pandas' ``table`` format, or ``fixed`` when there
        are more than 1000 columns or the column names exceed the limit of an HDF5 attribute.
    index
        A pandas index for the rows of labels, which are always ``fixed``.
    """
    import pandas as pd

    multi = table.columns[0][1] is not None
    names = ["scorer", "individuals", "bodyparts", "coords"] if multi else ["scorer", "bodyparts", "coords"]
    tuples = [tuple(part for part in column if part is not None) for column in table.columns]
    columns = pd.MultiIndex.from_tuples(tuples, names=names)
    rows: Any = table.index if index is None else index
    frame: Any = pd.DataFrame(table.values, columns=columns, index=rows)
    fits = len(tuples) <= _MAX_TABLE_COLUMNS and len(pickle.dumps(tuples, 0)) < _MAX_ATTRIBUTE
    as_table = fits and index is None
    store: Any
    with pd.HDFStore(str(path), "w") as store:
        store.put(KEY, frame, format="table" if as_table else "fixed", track_times=False)
        attributes = store.get_storer(KEY).attrs  # as the pandas of DeepLabCut's environments writes them
        attributes.pandas_version = "0.15.2"
        if as_table:
            attributes.nan_rep = "nan"
    with h5py.File(path, "r+") as file:
        file.create_group(EXTRAS).attrs["record"] = json.dumps(table.record)


def _kind(node: h5py.Group) -> str | None:
    """Return ``frame`` or ``frame_table`` for a stored data frame, else None."""
    kind = _text(node.attrs.get("pandas_type"))
    return kind if kind in ("frame", "frame_table") else None


def _read_table(node: h5py.Group, path: Any) -> tuple[list[Any], list[Any] | None, Any, np.ndarray]:
    data = node["table"]
    rows = data[:]
    blocks = [name for name in rows.dtype.names if name.startswith("values_block")]
    if "index" not in rows.dtype.names or not blocks:
        raise FormatError(
            f"{path}: table columns {rows.dtype.names}", "expected 'index' and 'values_block_0'"
        )
    _refuse_times(data.attrs.get("index_kind"), path)
    columns: list[Any] = []
    for block in blocks:
        columns += loads(_bytes(data.attrs[f"{block}_kind"]), path)
    parts = [rows[block].reshape(len(rows), -1) for block in blocks]
    values = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    information = loads(_bytes(node.attrs["info"]), path)
    names = next((value.get("names") for value in information.values() if "names" in value), None)
    return columns, names, _strings(rows["index"], node), values


def _read_fixed(node: h5py.Group, path: Any) -> tuple[list[Any], list[Any] | None, Any, np.ndarray]:
    columns, names = _read_axis(node, "axis0", path)
    index, _ = _read_axis(node, "axis1", path)
    if "axis1" in node:
        _refuse_times(node["axis1"].attrs.get("kind"), path)
    if not columns or not isinstance(columns[0], tuple):
        raise FormatError(
            f"{path}: plain columns {list(columns)[:4]}", "DeepLabCut tables have header levels"
        )
    place = {column: i for i, column in enumerate(columns)}
    values = np.full((len(index), len(columns)), np.nan)
    for block in range(int(node.attrs["nblocks"])):
        items, _ = _read_axis(node, f"block{block}_items", path)
        stored = node[f"block{block}_values"]
        array = stored[:] if stored.attrs.get("transposed") else stored[:].T
        if len(items) and array.size:
            if block == 0 and len(items) == len(columns) and np.issubdtype(array.dtype, np.floating):
                values = np.empty_like(array)
            values[:, [place[item] for item in items]] = array
    return list(columns), names, index, values


def _refuse_times(kind: Any, path: Any) -> None:
    """Reject an index of dates or durations, which pandas stores as whole numbers."""
    kind = _text(kind.decode() if isinstance(kind, bytes) else kind)
    if kind.startswith(("datetime", "timedelta")):
        raise FormatError(
            f"{path}: rows are {kind}",
            "rows are frame numbers or image names",
            "use the frame number as the index of the table",
        )


def _read_axis(node: h5py.Group, axis: str, path: Any) -> tuple[Any, list[Any] | None]:
    if _text(node.attrs.get(f"{axis}_variety")) != "multi":
        return _array(node[axis], node, path), None
    levels = range(int(node.attrs[f"{axis}_nlevels"]))
    stored = [node[f"{axis}_level{i}"] for i in levels]
    parts = []
    for i in levels:
        values = np.array(list(_array(stored[i], node, path)), dtype=object)
        parts.append(values[node[f"{axis}_label{i}"][:].astype(int)] if len(values) else [])
    return list(zip(*parts, strict=True)), [_text(level.attrs.get("name")) for level in stored]


def _array(data: h5py.Dataset, node: h5py.Group, path: Any) -> Any:
    """Return a stored one-dimensional index; object arrays are pickled item by item or as a whole."""
    if h5py.check_vlen_dtype(data.dtype) is not None:
        return list(loads(data[0].tobytes(), path)) if len(data) else []
    if data.attrs.get("shape") is not None and "value_type" in data.attrs:
        return []  # pandas' mark for an empty array
    return _strings(data[:], node)


def _strings(values: np.ndarray, node: h5py.Group) -> Any:
    if values.dtype.kind != "S":
        return values
    encoding = _text(node.attrs.get("encoding")) or "utf-8"
    return [text.decode(encoding) for text in values.tolist()]


def _text(value: Any) -> str:
    """Return an attribute as text; a pickled None (``N.``) and a missing one are empty."""
    if isinstance(value, bytes):
        value = value.decode("utf-8")
    return value if isinstance(value, str) and value != "N." else ""


def _bytes(value: Any) -> bytes:
    return value.encode("latin1") if isinstance(value, str) else bytes(value)
