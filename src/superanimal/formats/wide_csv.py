"""Csv form of the wide table: one header row per column level, then one row per frame or image."""

from __future__ import annotations

import csv
import os
from itertools import takewhile
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from superanimal.errors import FormatError
from superanimal.formats import record
from superanimal.formats.wide_table import WideTable, name_levels

_LEVELS = ("scorer", "individuals", "bodyparts", "coords")
_KNOWN = {"scorer", "individual", "individuals", "bodypart", "bodyparts", "coord", "coords"}


def read_header(path: str | os.PathLike[str]) -> tuple[list[list[str]], list[str]]:
    """Return (header rows, first data row) of a csv; no header rows when it is not a wide table."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        rows: list[list[str]] = []
        try:
            for row in csv.reader(file):
                rows.append(row)
                if len(rows) == 5:
                    break
        except (csv.Error, UnicodeDecodeError):
            return [], []
    header = list(takewhile(lambda row: row and row[0].strip().lower() in _KNOWN, rows))
    complete = len(header) in (3, 4) and header[-1][0].strip().lower().startswith("coord")
    return (header, rows[len(header)] if len(rows) > len(header) else []) if complete else ([], [])


def read_wide_csv(path: str | os.PathLike[str]) -> WideTable:
    """Return the wide table in a csv file, with the record of the sidecar if there is one."""
    header, first = read_header(path)
    if not header:
        raise FormatError(
            f"{path}: no header rows 'scorer, [individuals,] bodyparts, coords'",
            "each column level of a DeepLabCut csv has its own row",
        )
    lead = 3 if first and first[1:3] and not any(header[-1][1:3]) else 1
    columns = [tuple(row[i] for row in header) for i in range(lead, len(header[-1])) if header[-1][i]]
    names = [row[0] for row in header]
    width = lead + len(columns)
    if not first:
        return WideTable(name_levels(columns, names, path), [], np.empty((0, len(columns))))
    fields = [f"f{i}" for i in range(len(first))]
    types: dict[str, Any] = dict.fromkeys(fields[lead:width], pa.float64())
    textual = lead == 3 or not _is_number(first[0])
    types.update(dict.fromkeys(fields[:lead], pa.string() if textual else pa.float64()))
    try:
        table = arrow_csv.read_csv(
            os.fspath(path),
            read_options=arrow_csv.ReadOptions(column_names=fields, skip_rows=_lines(path, len(header))),
            convert_options=arrow_csv.ConvertOptions(
                column_types=types, include_columns=fields[:width], strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise FormatError(f"{path}: {error}", "cells below the header are numbers or empty") from error
    values = np.column_stack([column.to_numpy() for column in table.columns[lead:]])
    index: Any
    if lead == 3:
        index = list(zip(*(table.column(i).to_pylist() for i in range(3)), strict=True))
    else:
        index = table.column(0).to_pylist() if textual else table.column(0).to_numpy()
    return WideTable(name_levels(columns, names, path), index, values, record.read_sidecar(path))


def write_wide_csv(table: WideTable, path: Path, index: list[tuple[str, ...]] | None = None) -> None:
    """Write a wide table as csv; absent values are empty cells.

    Parameters
    ----------
    index
        T rows of text cells that take the place of the table's frame numbers (labels).
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


def _lines(path: str | os.PathLike[str], rows: int) -> int:
    """Return how many lines the first csv rows take (a quoted name may hold line breaks)."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        for _ in range(rows):
            next(reader)
        return reader.line_num


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
