"""The wide table as csv: one header row per column level, then one row per frame or image.

Tables saved by a spreadsheet or pandas are read as well: semicolons or tabs, decimal commas, UTF-16 or
Windows text, capital ``X``, spaces after commas, columns without a header, a row that names the index, empty
rows at the end. Columns are found by their header, never by position.
"""

from __future__ import annotations

import csv
import io
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from superanimal.errors import FormatError
from superanimal.formats import record
from superanimal.formats.deeplabcut_project import LABELED_DATA
from superanimal.formats.text import SAMPLE, decimal_mark, is_number, table_text
from superanimal.formats.wide_table import WideTable, name_levels

_LEVELS = ("scorer", "individuals", "bodyparts", "coords")
_KNOWN = {"scorer", "individual", "individuals", "bodypart", "bodyparts", "coord", "coords"}
_EMPTY = [
    "", "nan", "NaN", "NAN", "-nan", "None", "none", "NA", "N/A",
    "n/a", "#N/A", "<NA>", "NULL", "null", "-",
]  # fmt: skip
_ROWS = 10_000
"""Rows of the sample that are looked at for decimal commas."""


@dataclass(frozen=True)
class Layout:
    """The layout of a csv.

    Attributes
    ----------
    names
        Names of the header rows.
    columns
        C tuples with the header cells of each column of values.
    places
        Indices of these C columns in a row.
    notes
        Indices of columns known to hold something else.
    lead
        Number of leading cells that form the index of a row: a frame number, or the parts of an image path.
    skip
        Rows before the first one with values.
    first
        The first row with values; empty when there is none.
    delimiter, decimal
        Cell separator and decimal separator.
    """

    names: list[str]
    columns: list[tuple[str, ...]]
    places: list[int]
    notes: list[int]
    lead: int
    skip: int
    first: list[str]
    delimiter: str
    decimal: str

    @property
    def is_labels(self) -> bool:
        """Whether rows are images rather than frame numbers."""
        return bool(self.first) and (self.lead > 1 or not is_number(self.first[0]))


def find_layout(path: str | os.PathLike[str]) -> Layout | None:
    """Return the layout of a csv, or None when it is not a wide table."""
    with Path(path).open("rb") as file:
        text, _ = table_text(file.read(SAMPLE))
    for delimiter in ",;\t":
        rows = _rows(text, delimiter)
        header = list(takewhile(lambda row: row[0].lower() in _KNOWN, islice(rows, 5)))
        names = [row[0].lower() for row in header]
        if len(header) in (3, 4) and names[-1].startswith("coord"):
            rows = islice(_rows(text, delimiter), len(header), _ROWS)
            return _layout(names, header, list(rows), delimiter)
    return None


def read_wide_csv(path: str | os.PathLike[str]) -> WideTable:
    """Return the wide table in a csv file, with the record from its sidecar file if there is one.

    Columns without a header are skipped, with a warning if they are not empty.

    Raises
    ------
    FormatError
        When the header is incomplete or a cell is not a number; the message names row and column.
    """
    layout = find_layout(path)
    if layout is None:
        raise FormatError(
            f"{path}: no header rows 'scorer, [individuals,] bodyparts, coords'",
            "each column level of a DeepLabCut csv has its own row",
        )
    _check_header(layout, path)
    columns = name_levels(layout.columns, layout.names, path)
    if not layout.first:
        return WideTable(columns, [], np.empty((0, len(columns))))
    text, encoding = table_text(Path(path).read_bytes())
    if encoding == "cp1252":
        warnings.warn(f"{path} is not UTF-8 text and was read as Windows text: check the names", stacklevel=2)
    fields = [f"f{i}" for i in range(max(len(layout.first), layout.places[-1] + 1))]
    types: dict[str, Any] = dict.fromkeys(fields, pa.string())
    types |= {fields[i]: pa.float64() for i in layout.places}
    if not layout.is_labels:
        types[fields[0]] = pa.float64()
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(_body(text, layout)),
            read_options=arrow_csv.ReadOptions(column_names=fields),
            parse_options=arrow_csv.ParseOptions(delimiter=layout.delimiter),
            convert_options=arrow_csv.ConvertOptions(
                column_types=types,
                strings_can_be_null=False,
                null_values=_EMPTY,
                decimal_point=layout.decimal,
            ),
        )
    except (pa.ArrowInvalid, ValueError) as error:
        raise _located(path, text, layout, len(fields)) or FormatError(f"{path}: {error}") from error
    values = np.column_stack([table.column(i).to_numpy() for i in layout.places])
    index: Any
    if layout.is_labels:
        parts = [[cell.strip() for cell in table.column(i).to_pylist()] for i in range(layout.lead)]
        index = list(zip(*parts, strict=True)) if layout.lead > 1 else parts[0]
        named = np.array([cell != "" for cell in parts[0]])
    else:
        index = table.column(0).to_numpy()
        named = ~np.isnan(index)
    if (nameless := np.flatnonzero(~np.isnan(values).all(1) & ~named)).size:
        raise FormatError(
            f"{path}: row {nameless[0] + 1} below the header has values but its first cell is empty",
            "each row begins with a frame number or an image",
        )
    _warn_left_out(path, layout, table)
    index = (
        [row for row, kept in zip(index, named, strict=True) if kept] if layout.is_labels else index[named]
    )
    return WideTable(columns, index, values[named], record.read_sidecar(path))


def write_wide_csv(table: WideTable, path: Path, index: list[tuple[str, ...]] | None = None) -> None:
    """Write a wide table as csv; absent values are empty cells.

    Parameters
    ----------
    index
        T rows of text cells that replace the frame numbers of the table (labels).
    """
    lead = len(index[0]) if index else 1
    levels = range(4) if table.columns[0][1] is not None else (0, 2, 3)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for level in levels:
            writer.writerow(
                [_LEVELS[level], *[""] * (lead - 1), *(column[level] for column in table.columns)]
            )
        if index is not None:  # labels: few rows, text among the cells
            for images, row in zip(index, table.values.tolist(), strict=True):
                writer.writerow([*images, *("" if isnan(value) else value for value in row)])
            return
    cells = [pa.array(table.index), *(pa.array(column, from_pandas=True) for column in table.values.T)]
    with path.open("ab") as file:
        arrow_csv.write_csv(
            pa.table(cells, names=[f"f{i}" for i in range(len(cells))]),
            file,
            arrow_csv.WriteOptions(include_header=False),
        )


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the non-empty rows, with surrounding spaces stripped from the cells."""
    try:
        for row in csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True):
            if row:
                yield [cell.strip() for cell in row]
    except csv.Error:
        return


def _layout(
    names: list[str],
    header: list[list[str]],
    rows: list[list[str]],
    delimiter: str,
) -> Layout:
    width = max(map(len, header))
    cells = [tuple(row[i] if i < len(row) else "" for row in header) for i in range(width)]
    places = [i for i, cell in enumerate(cells) if i and cell[-1]]
    skip = len(header)
    rows = [row for row in rows if any(row)]
    lead = _lead(cells, rows, places)
    if rows and _names_index(rows[0], rows[1] if len(rows) > 1 else [], places, lead):
        rows, skip = rows[1:], skip + 1
        lead = _lead(cells, rows, places)
    first = rows[0] if rows else []
    decimal = decimal_mark((row[i] for row in rows for i in places if i < len(row)), delimiter)
    columns = [cells[i] for i in places]
    notes = [i for i, cell in enumerate(cells) if cell[0] == "set"]  # Lightning Pose: train, validation, test
    return Layout(names, columns, places, notes, lead, skip, first, delimiter, decimal)


def _check_header(layout: Layout, path: str | os.PathLike[str]) -> None:
    if not layout.places:
        raise FormatError(f"{path}: the header names no columns", "each keypoint has columns x and y")
    for place, column in zip(layout.places, layout.columns, strict=True):
        if not column[-2]:
            raise FormatError(
                f"{path}: column {place + 1} has the coordinate {column[-1]!r} but no name in the row "
                f"{layout.names[-2]!r}",
                "each column repeats the name of its keypoint",
                "fill the empty cells of the header (merged cells of a spreadsheet lose their text)",
            )


def _lead(cells: list[tuple[str, ...]], rows: list[list[str]], places: list[int]) -> int:
    """Return 3 or 2 if the image path is split over the first cells, which then have no header."""
    free = next((i for i, cell in enumerate(cells[1:4]) if any(cell)), len(cells) - 1)
    row = rows[0] if rows else []
    parts = [cell for cell in row[: min(free, 2) + 1] if cell]
    divided = len(parts) > 1 and not is_number(parts[-1]) and (not is_number(row[0]) or "." in parts[-1])
    return len(parts) if divided else 1


def _names_index(row: list[str], following: list[str], places: list[int], lead: int) -> bool:
    """Whether a row names the index, as pandas writes it: text in the first cell, the rest empty."""
    if not row or any(row[i] for i in places if i < len(row)) or is_number(row[0]):
        return False
    proper = not following or is_number(following[0]) or _names_image(following[:lead])
    return proper and not _names_image(row[:lead])


def _names_image(parts: list[str]) -> bool:
    return LABELED_DATA in parts or any(set("/\\.") & set(part) for part in parts)


def _body(text: str, layout: Layout) -> bytes:
    """Return the rows with values as UTF-8."""
    reader = csv.reader(io.StringIO(text), delimiter=layout.delimiter, skipinitialspace=True)
    seen = 0
    while seen < layout.skip:  # a quoted name may hold line breaks
        seen += bool(next(reader))
    start = 0
    for _ in range(reader.line_num):
        start = text.find("\n", start) + 1 or len(text)
    return text[start:].encode()


def _located(path: str | os.PathLike[str], text: str, layout: Layout, width: int) -> FormatError | None:
    """Return the error for the first row or cell that cannot be read."""
    wanted = len(layout.first)
    for number, row in enumerate(islice(_rows(text, layout.delimiter), layout.skip, None), 1):
        if len(row) not in (width, wanted):
            return FormatError(
                f"{path}: row {number} below the header has {len(row)} cells",
                f"the row above it has {wanted}",
                "complete or remove it",
            )
        if not any(row):
            continue
        if not layout.is_labels and row[0] and not is_number(row[0]):
            return FormatError(
                f"{path}: row {number} below the header begins with {row[0]!r}",
                "other rows begin with a frame number",
            )
        for place, column in zip(layout.places, layout.columns, strict=True):
            cell = row[place].replace(layout.decimal, ".")
            if cell not in _EMPTY and not _is_float(cell):
                return FormatError(
                    f"{path}: row {number} below the header has {row[place]!r} under {'/'.join(column[1:])}",
                    "cells below the header are numbers or empty",
                )
    return None


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _warn_left_out(path: str | os.PathLike[str], layout: Layout, table: pa.Table) -> None:
    """Warn about non-empty columns that are skipped because their header is incomplete."""
    used = {*range(layout.lead), *layout.places, *layout.notes}
    extra = [
        str(i + 1)
        for i in range(table.num_columns)
        if i not in used and any(cell.strip() for cell in table.column(i).to_pylist())
    ]
    if extra:
        warnings.warn(
            f"{path}: column{'s' if len(extra) > 1 else ''} {', '.join(extra)} skipped, because the header "
            "gives no keypoint and coordinate",
            stacklevel=3,
        )
