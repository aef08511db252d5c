"""Report files, written atomically."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from superanimal.errors import StorageError
from superanimal.files import atomic_write


def report_folder(folder: Path) -> Path:
    """Return the report folder, creating it if necessary.

    Raises
    ------
    StorageError
        When the path is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise StorageError(f"{folder} is a file", "a report must be a folder", "choose another name")
    return folder


def plain(value: Any) -> Any:
    """Return a nested value with only JSON types; NaN becomes None."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value


def write_text(path: Path, text: str) -> Path:
    """Write a text file."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def write_json(path: Path, value: Any) -> Path:
    """Write a value as JSON, see :func:`plain`."""
    return write_text(path, json.dumps(plain(value), indent=1, allow_nan=False))


def write_tables(
    folder: Path, tables: Mapping[str, pd.DataFrame], record: Mapping[str, Any], *, parquet: bool = False
) -> list[Path]:
    """Write each table as ``NAME.csv`` into a report folder, and ``provenance.json``; return their paths.

    Parameters
    ----------
    record
        From :func:`superanimal.poses.make_provenance`: what made the tables, from what.
    parquet
        Write ``NAME.parquet`` as well.
    """
    place, files = report_folder(folder), list[Path]()
    for name, table in tables.items():
        for suffix in (".csv", ".parquet") if parquet else (".csv",):
            files.append(place / f"{name}{suffix}")
            with atomic_write(files[-1]) as temporary:
                table.to_csv(temporary, index=False) if suffix == ".csv" else table.to_parquet(temporary)
    return [*files, write_json(place / "provenance.json", record)]


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write rows with the same keys as CSV; NaN becomes an empty cell."""
    rows = list(rows)
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows([{key: "" if v is None else v for key, v in plain(row).items()} for row in rows])
    return path
