"""Reading annotations: which format a file is in, by its content, and its bouts."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from superanimal.behavior.annotations import boris, caltech, frame_tables, jabs, nwb, times, via
from superanimal.behavior.annotations.row import Row
from superanimal.behavior.bouts import COLUMNS, check_bouts
from superanimal.errors import FormatError, InputError, NotFoundError, option
from superanimal.formats import boris as boris_files
from superanimal.formats.guard import reading
from superanimal.formats.text import table_text

Source: TypeAlias = str | os.PathLike[str] | pd.DataFrame | pd.Series | np.ndarray | Sequence[str]
FORMATS = (
    "BORIS (project, tabular or aggregated events), SimBA targets, Caltech annotator, Bento, VIA 3, JABS, "
    "NWB, a table with start_s, end_s and label, or a row for each frame"
)


def read_annotations(
    source: Source, *, fps: float | None = None, video: str | os.PathLike[str] | None = None
) -> pd.DataFrame:
    """Read the bouts that a person or program labelled in one video.

    Parameters
    ----------
    source
        A file in one of :data:`FORMATS`; a data frame with a row for each bout or frame; or one label for
        each frame.
    fps
        Frames per second, for files that count in frames and do not state it.
    video
        Which video of a file that labels several.

    Returns
    -------
    pandas.DataFrame
        A bouts table, see :mod:`superanimal.behavior.bouts`.

    Raises
    ------
    NotFoundError, FormatError, InputError
        No such file or video; not a format we know, or a row that cannot be right; no frame rate.
    """
    tables = annotations_by_video(source, fps=fps)
    said = _said(source)
    if video is None:
        if len(tables) > 1:
            raise InputError(
                f"{said} holds labels of {len(tables)} videos: {', '.join(list(tables)[:5])}",
                "the labels of one video are read",
                f"name it{option('video', repr(next(iter(tables))))}",
            )
        return next(iter(tables.values()))
    if list(tables) == [""]:
        return tables[""]
    wanted = Path(video).stem
    fitting = [name for name in tables if Path(name).stem == wanted] or [
        name for name in tables if name and wanted.startswith(Path(name).stem)
    ]
    if len(fitting) != 1:
        raise NotFoundError(
            f"{said} has {'several' if fitting else 'no'} labels of a video {wanted!r}",
            f"its videos are {', '.join(list(tables)[:10])}",
        )
    return tables[fitting[0]]


def annotations_by_video(source: Source, *, fps: float | None = None) -> dict[str, pd.DataFrame]:
    """Read the bouts of every video that a source labels; as :func:`read_annotations`.

    Returns
    -------
    dict of str to pandas.DataFrame
        Video, empty where the source does not say, to its bouts table; at least one.
    """
    said = _said(source)
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if not path.is_file():
            raise NotFoundError(f"{path}: no such file of annotations")
        with reading(path, "annotations of behaviour"):
            rows = _rows_of_file(path, fps)
    elif isinstance(source, pd.DataFrame):
        rows = _rows_of_table(_texts(source), said, fps)
    else:
        rows = frame_tables.read_labels(list(source), said, fps)
    columns = {name: [getattr(row, name) for row in rows] for name in (*COLUMNS, "video")}
    places = [row.place for row in rows]
    table = check_bouts(pd.DataFrame(columns), source=said, places=places, also=["video"])
    if not rows:
        return {"": table[list(COLUMNS)]}
    return {
        str(video): table.loc[table["video"] == video, list(COLUMNS)].reset_index(drop=True)
        for video in dict.fromkeys(columns["video"])
    }


def _said(source: Source) -> str:
    return str(source) if isinstance(source, str | os.PathLike) else "the labels"


def _texts(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with cells as text; numbers of animals that a gap made decimals are whole again."""
    texts = table.astype(object).where(table.notna(), "").astype(str)
    for name in table.columns:
        if str(name).lower() in (*times.OTHERS["individual"], *times.OTHERS["target"]):
            texts[name] = texts[name].str.removesuffix(".0")
    return texts


def _rows_of_file(path: Path, fps: float | None) -> list[Row]:
    with path.open("rb") as file:
        start = file.read(8)
    if start == nwb.HDF5:
        return nwb.read_nwb(path)
    text, _ = table_text(path.read_bytes())
    head = text[:200].lstrip().lower()
    if head.startswith(("{", "[")):
        return _rows_of_json(json.loads(text), path, fps)
    if head.startswith(caltech.CALTECH):
        return caltech.read_caltech(text, path, fps)
    if head.startswith(caltech.BENTO):
        return caltech.read_bento(text, path, fps)
    if via.is_via_csv(text):
        return via.read_csv(text, path)
    if boris_files.is_boris_table(text):
        return boris.bouts_from(boris_files.read_table(path), path)
    if not text.strip():
        raise FormatError(f"{path} is empty", f"annotations are {FORMATS}")
    return _rows_of_table(_table(text, path), str(path), fps)


def _table(text: str, path: Path) -> pd.DataFrame:
    """Return the cells of a table as text; the index is the number of the row."""
    header = text.splitlines()[0]
    delimiter = max(",;\t", key=header.count)
    width = len(next(csv.reader([header], delimiter=delimiter)))
    for number, row in enumerate(csv.reader(StringIO(text), delimiter=delimiter), start=1):
        if any(cell.strip() for cell in row[width:]):
            raise FormatError(
                f"{path}, row {number}: {len(row)} cells under {width} columns",
                "a row has a cell for each column",
                "name every column in the first row, and put cells that hold the delimiter in quotes",
            )
    table = pd.read_csv(
        StringIO(text), sep=delimiter, dtype=str, keep_default_na=False, skip_blank_lines=False,
        index_col=False, usecols=range(width),
    )  # fmt: skip
    table.index = pd.RangeIndex(2, len(table) + 2)
    return table


def _rows_of_json(document: Any, path: Path, fps: float | None) -> list[Row]:
    if boris_files.is_boris_project(document):
        return boris.bouts_from(boris_files.read_project(path, document), path)
    if via.is_via_project(document):
        return via.read_project(document, path)
    if jabs.is_jabs(document):
        return jabs.read_jabs(document, path, fps)
    raise FormatError(f"{path}: JSON of another kind", f"annotations are {FORMATS}")


def _rows_of_table(table: pd.DataFrame, source: str, fps: float | None) -> list[Row]:
    if times.is_times(map(str, table.columns)):
        return times.read_times(table, source, fps)
    if len(table) and frame_tables.is_frame_table(table):
        return frame_tables.read_frame_table(table, source, fps)
    names = ", ".join(map(str, list(table.columns)[:8]))
    raise FormatError(f"{source}: the columns are {names}", f"annotations are {FORMATS}")
