"""Tables with a row for each frame: one label, or a column of 0 and 1 for each behaviour.

The latter are the target files of SimBA, in which behaviours stand after keypoints and features, or a table
of nothing else.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from superanimal.behavior.annotations.row import Row, frame_rate, runs
from superanimal.behavior.annotations.times import OTHERS
from superanimal.behavior.bouts import LATEST, frame_edges
from superanimal.errors import FormatError
from superanimal.formats.text import seconds_of

TIMES, FRAMES = ("time_s", "time", "t", "seconds", "timestamp"), ("frame", "frames", "frame_number", "index")
SIMBA = re.compile(r".+_(x|y|p)$", re.IGNORECASE)
NO_BEHAVIOR = re.compile(
    r"unnamed.*|frame.*|(low|sum)_?prob.*|sum_probabilities.*|probability_.*|.+_(x|y|p)(_shifted)?$",
    re.IGNORECASE,
)
"""Columns of SimBA that are none, even where all their values are 0 or 1."""
PREDICTED = "label"
BINARY = {"0", "1", "0.0", "1.0", "True", "False", "true", "false"}
LONGEST_STEP = 1.0
"""Seconds between two rows of a camera that drops frames; with more between them, rows are missing."""
YES = {"1", "1.0", "True", "true"}


def is_frame_table(table: pd.DataFrame) -> bool:
    """Return whether a table has a row for each frame."""
    return bool(behavior_columns(table)) or _label_column(table) is not None


def behavior_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns of 0 and 1 that are behaviours: in files of SimBA those at the end."""
    names = [str(name) for name in table.columns]
    binary = [_is_binary(table.iloc[:, k]) and not NO_BEHAVIOR.fullmatch(names[k]) for k in range(len(names))]
    if any(SIMBA.fullmatch(name) for name in names):
        first = len(names)
        while first and (binary[first - 1] or names[first - 1].lower().startswith("probability_")):
            first -= 1
        return [name for name, yes in zip(names[first:], binary[first:], strict=True) if yes]
    others = [name for name, yes in zip(names, binary, strict=True) if not yes]
    return (
        []
        if set(others) - {_time_column(table)}
        else [n for n, yes in zip(names, binary, strict=True) if yes]
    )


def read_frame_table(table: pd.DataFrame, source: str | os.PathLike[str], fps: float | None) -> list[Row]:
    """Read the bouts of a table with a row for each frame, in order.

    Parameters
    ----------
    table
        Cells as text; the index says in which row of the file each stands.

    Raises
    ------
    FormatError
        When the frame rate is unknown.
    """
    who = _individual_column(table)
    if who is not None:
        return [
            row._replace(individual=str(name))
            for name, own in table.groupby(who, sort=False)
            for row in read_frame_table(own.drop(columns=who), source, fps)
        ]
    edges, missing = _edges(table, source, fps)
    places = np.insert(np.array([f"row {number}" for number in table.index], dtype=object), missing, "")
    if behaviors := behavior_columns(table):
        columns = {name: [name if cell.strip() in YES else "" for cell in table[name]] for name in behaviors}
    else:
        label = _label_column(table)
        columns = {str(label): [cell.strip() for cell in table[label]]}
    return [
        Row(start, end, label, places[first])
        for labels in columns.values()
        for start, end, label, first in runs(np.insert(np.array(labels, dtype=object), missing, ""), edges)
    ]


def read_labels(labels: Sequence[object], source: str, fps: float | None) -> list[Row]:
    """Return the bouts of one label for each frame; None, NaN and empty texts say nothing."""
    texts = ["" if label is None or label != label else str(label).strip() for label in labels]
    edges = np.arange(len(texts) + 1) / frame_rate(fps, source)
    return [Row(start, end, label, f"frame {first}") for start, end, label, first in runs(texts, edges)]


def _edges(
    table: pd.DataFrame, source: str | os.PathLike[str], fps: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return when rows begin and the last one ends, and before which rows others are missing.

    Missing rows become one, in which nothing holds, from the end of the row before them to the one after.
    """
    name = _time_column(table)
    numbers = None if name is None else np.array([seconds_of(cell) for cell in table[name]], dtype=float)
    if numbers is None:
        return np.arange(len(table) + 1) / frame_rate(fps, source), np.zeros(0, dtype=int)
    if not np.isfinite(numbers).all():
        at = table.index[~np.isfinite(numbers)][0]
        raise FormatError(f"{source}, row {at}: {name} is {table[name][at]!r}", "it is a number")
    steps = np.diff(numbers)
    if (steps <= 0).any():
        at = table.index[np.flatnonzero(steps <= 0)[0] + 1]
        raise FormatError(
            f"{source}, row {at}: {name} is {table[name][at]}, not after that of the row before it",
            "rows are in the order of time, one for each frame",
            "sort them, or give each animal a column 'individual'",
        )
    unnamed = not _named(str(name), TIMES + FRAMES)
    whole = not any(mark in cell for cell in table[name] for mark in ".,:")
    in_frames = _named(str(name), FRAMES) or (unnamed and whole)
    times = numbers / frame_rate(fps, source) if in_frames else numbers
    outside = (times < 0) | (times > LATEST)
    if outside.any():
        at = table.index[np.flatnonzero(outside)[0]]
        raise FormatError(
            f"{source}, row {at}: {name} is {table[name][at]}",
            f"times count from frame 0, to at most {LATEST:.0f} s (three years)",
        )
    steps = np.diff(times)
    usual = float(np.median(steps)) if len(steps) else 0.0
    missing = np.flatnonzero(steps > (1.5 * usual if in_frames else max(1.5 * usual, LONGEST_STEP))) + 1
    if len(missing):
        warnings.warn(
            f"{source}: rows are missing in {len(missing)} places, first before row "
            f"{table.index[missing[0]]}; nothing counts as labelled there",
            stacklevel=5,
        )
    return np.insert(frame_edges(times), missing, times[missing - 1] + usual), missing


def _is_binary(column: pd.Series) -> bool:
    return len(column) > 0 and {cell.strip() for cell in column} <= BINARY


def _named(name: str, names: Sequence[str]) -> bool:
    return name.strip().lower() in names


def _time_column(table: pd.DataFrame) -> str | None:
    """Return the column of times or frames: by its name, or a first one without a name."""
    for name in map(str, table.columns):
        if _named(name, TIMES + FRAMES):
            return name
    first = str(table.columns[0])
    unnamed = not first.strip() or first.lower().startswith("unnamed")
    return first if unnamed and len(table.columns) > 1 else None


def _individual_column(table: pd.DataFrame) -> str | None:
    """Return the column of animals of predictions, which have a row for each frame and animal."""
    names = [str(name) for name in table.columns if _named(str(name), OTHERS["individual"])]
    return names[0] if names and PREDICTED in table.columns else None


def _label_column(table: pd.DataFrame) -> str | None:
    """Return the column of labels.

    It is the one beside the time, if it is named like a label or holds words; or it is called ``label`` and
    all others hold numbers (predictions have a probability of each label).
    """
    rest = [str(name) for name in table.columns if str(name) != _time_column(table)]
    if PREDICTED in rest:
        others = table[[name for name in rest if name not in (PREDICTED, _individual_column(table))]]
        numbers = others.apply(pd.to_numeric, errors="coerce").notna() | (others == "")
        return PREDICTED if bool(numbers.to_numpy().all()) else None
    if len(rest) != 1:
        return None
    words = pd.to_numeric(table[rest[0]], errors="coerce").isna() & (table[rest[0]].str.strip() != "")
    named = _named(rest[0], (*OTHERS["label"], "labels", "behaviors", "state"))
    return rest[0] if named or words.any() else None
