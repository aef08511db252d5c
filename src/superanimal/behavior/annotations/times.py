"""Tables with a row for each bout: start, end and label, in seconds or frames."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable

import pandas as pd

from superanimal.behavior.annotations.row import Row, frame_rate, warn_of_unended
from superanimal.errors import FormatError
from superanimal.formats.text import seconds_of

SECONDS = {
    "start": ("start_s", "start_sec", "start_seconds", "start_time", "start (s)", "onset_s", "begin_s"),
    "end": ("end_s", "stop_s", "end_sec", "stop_sec", "end_seconds", "end_time", "stop_time", "end (s)",
            "stop (s)", "offset_s"),
    "duration": ("duration_s", "duration (s)", "duration_sec"),
}  # fmt: skip
FRAMES = {
    "start": ("start_frame", "startframe", "start frame", "first_frame", "onset_frame"),
    "end": ("end_frame", "stop_frame", "endframe", "stopframe", "end frame", "stop frame", "last_frame",
            "offset_frame"),
}  # fmt: skip
BARE = {"start": ("start", "onset", "begin", "from"), "end": ("end", "stop", "offset", "to")}
"""Names without a unit: seconds if numbers have decimals."""
UNSAID = ("", "na", "nan", "none", "null", "-")
"""What stands for the end of a bout that has none."""
OTHERS = {
    "label": ("label", "behavior", "behaviour", "action", "type", "annotation", "event", "class", "name"),
    "individual": (
        "individual",
        "subject",
        "animal",
        "actor",
        "agent",
        "agent_id",
        "mouse",
        "id",
        "identity",
    ),
    "target": ("target", "target_id", "recipient", "receiver"),
    "rater": ("rater", "observer", "annotator", "coder", "scorer"),
    "stream": ("stream", "channel"),
    "video": ("video", "file", "media", "recording", "session", "video_id"),
}


def is_times(names: Iterable[str]) -> bool:
    """Return whether columns are those of a table of bouts."""
    names = {name.strip().lower() for name in names}
    start = any(names & set(table["start"]) for table in (SECONDS, FRAMES, BARE))
    return start and bool(names & set(OTHERS["label"]))


def read_times(table: pd.DataFrame, source: str | os.PathLike[str], fps: float | None) -> list[Row]:
    """Read a table of bouts; in frames they count from 0 and the last frame is included.

    Parameters
    ----------
    table
        Cells as text; the index says in which row of the file each stands.

    Raises
    ------
    FormatError
        When there is no end, a time cannot be read, or it is not clear whether times are seconds or frames.
    """
    columns = {str(name).strip().lower(): str(name) for name in table.columns}
    used = {kind: _column(columns, names) for kind, names in OTHERS.items()}
    start, end, in_frames = _times(columns, table, source)
    duration = None if end or in_frames else _column(columns, SECONDS["duration"])
    if end is None and duration is None:
        raise FormatError(
            f"{source}: the columns are {', '.join(columns)}", "a bout has a start and an end or a duration"
        )
    taken = {start, end, duration, *used.values()}
    spare = {columns.get(name) for name in (*SECONDS["duration"], *sum(FRAMES.values(), ()), *BARE["start"])}
    if unknown := [name for name in columns.values() if name not in taken | spare and name]:
        warnings.warn(f"{source}: columns not used: {', '.join(unknown)}", stacklevel=4)
    rate = frame_rate(fps, source) if in_frames else 1.0
    rows, unended = list[Row](), list[str]()
    for number, values in zip(table.index, table.to_dict("records"), strict=True):
        if not any(str(cell).strip() for cell in values.values()):
            continue
        first, last = seconds_of(values[start]), seconds_of(values[end or duration])
        if first == first and values[end or duration].strip().lower() in UNSAID:
            unended.append(f"row {number}, from {values[start]}")
            continue
        if first != first or last != last:
            raise FormatError(
                f"{source}, row {number}: from {values[start]!r} to {values[end or duration]!r}",
                "a bout has a start and an end",
                "write both as numbers" if in_frames else "write both in seconds",
            )
        last = last if end else first + last
        texts = {kind: str(values[name]).strip() for kind, name in used.items() if name}
        rows.append(Row(first / rate, (last + in_frames) / rate, place=f"row {number}", **texts))
    warn_of_unended(source, unended)
    return rows


def _times(
    columns: dict[str, str], table: pd.DataFrame, source: str | os.PathLike[str]
) -> tuple[str, str | None, bool]:
    """Return the columns of start and end, and whether they are in frames."""
    for names, in_frames in ((SECONDS, False), (FRAMES, True)):
        if start := _column(columns, names["start"]):
            return start, _column(columns, names["end"]), in_frames
    start, end = _column(columns, BARE["start"]), _column(columns, BARE["end"])
    assert start is not None  # is_times saw it
    cells = [str(cell) for name in (start, end) if name for cell in table[name]]
    if cells and not any(mark in cell for cell in cells for mark in ".,:"):
        raise FormatError(
            f"{source}: {start} and {end} are whole numbers, such as {cells[0]}",
            "they may be seconds or frames",
            "name the columns start_s and end_s, or start_frame and end_frame",
        )
    return start, end, False


def _column(columns: dict[str, str], names: Iterable[str]) -> str | None:
    return next((columns[name] for name in names if name in columns), None)
