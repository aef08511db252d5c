"""Events of BORIS: tabular and aggregated exports, and whole projects.

Facts of the formats: a *tabular* export has a row for each START, STOP and POINT, an *aggregated* one a row
for each bout; either may stand below lines that describe the observation. A project (``.boris``) is JSON, in
which a state event is one key press; the next one of that subject, behaviour and modifier ends the bout.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from superanimal.errors import FormatError
from superanimal.files import atomic_write
from superanimal.formats.text import seconds_of, table_text

NOBODY = "No focal subject"
KINDS = ("START", "STOP", "POINT")
HEADER_ROWS = 200
"""The header of a table stands in one of this many first rows."""


class BorisEvent(NamedTuple):
    """A row of a file of BORIS.

    ``kind`` is START, STOP or POINT, or BOUT for a row that has both ends; otherwise what the file says.
    ``stop_s`` is NaN unless it is a bout. ``place`` says where the row stands, such as ``row 12``.
    """

    observation: str
    video: str
    subject: str
    behavior: str
    modifier: str
    kind: str
    time_s: float
    stop_s: float
    said: str
    place: str


def is_boris_table(text: str) -> bool:
    """Return whether the text of a table is an export of BORIS."""
    return _header(_cells(text)) is not None


def is_boris_project(document: Any) -> bool:
    """Return whether a JSON document is a project of BORIS."""
    return isinstance(document, dict) and {"behaviors_conf", "observations"} <= set(document)


def read_table(path: str | os.PathLike[str]) -> list[BorisEvent]:
    """Read tabular or aggregated events.

    Raises
    ------
    FormatError
        When there is no table of events, or it lacks a column.
    """
    cells = _cells(table_text(Path(path).read_bytes())[0])
    at = _header(cells)
    if at is None:
        raise FormatError(f"{path}: no table of events", "an export of BORIS has a column Behavior")
    names = [name.strip().lower() for name in cells[at]]
    above = {row[0].strip().lower(): row[1].strip() for row in cells[:at] if len(row) > 1}
    bouts = {"start (s)", "stop (s)"} <= set(names)
    kind = _first(names, "behavior type", "status")
    time = _first(names, "time", "time (s)", "start (s)")
    if not bouts and (kind is None or time is None):
        raise FormatError(
            f"{path}: the columns are {', '.join(filter(None, names))}",
            "BORIS exports Start (s) and Stop (s), or Behavior type (START, STOP) and Time",
        )
    events = list[BorisEvent]()
    offsets = set[str]()
    for number, row in enumerate(cells[at + 1 :], start=at + 2):
        if not any(cell.strip() for cell in row):
            continue
        values = dict(zip(names, (cell.strip() for cell in row), strict=False))
        said = values.get("start (s)" if bouts else str(time), "")
        word = values.get(kind or "", "").upper()
        whole = bouts and word != "POINT"
        stop = values.get("stop (s)", "")
        offsets.add(values.get("time offset (s)", above.get("time offset (s)", "")))
        videos = _value(values, "media file name", "media file path", "media file") or above.get("player #1")
        events.append(
            BorisEvent(
                values.get("observation id", above.get("observation id", "")),
                videos or "",
                _who(values.get("subject", "")),
                values.get("behavior", ""),
                _value(values, "modifiers", "modifier #1", "modifier 1"),
                "BOUT" if whole else word,
                seconds_of(said),
                seconds_of(stop) if whole else math.nan,
                f"{said} to {stop}" if whole else said,
                f"row {number}",
            )
        )
    _warn_of_offsets(path, offsets)
    return events


def read_project(path: str | os.PathLike[str], document: dict[str, Any]) -> list[BorisEvent]:
    """Read the events of all observations of a project; ``document`` is its JSON.

    Raises
    ------
    FormatError
        When a behaviour is in no ethogram.
    """
    kinds = {str(b["code"]): str(b["type"]).lower() for b in document["behaviors_conf"].values()}
    events, offsets = list[BorisEvent](), set[str]()
    for name, observation in document["observations"].items():
        media = [file for files in (observation.get("file") or {}).values() for file in files]
        offsets.add(str(observation.get("time offset", "")))
        running = set[tuple[str, str, str]]()
        for number, event in enumerate(observation.get("events") or (), start=1):
            said, subject, behavior, modifier = ([str(each) for each in event] + [""] * 4)[:4]
            place = f"observation {name!r}, event {number}"
            if behavior not in kinds:
                raise FormatError(
                    f"{path}, {place}: the behaviour {behavior!r} is not in the ethogram",
                    f"the ethogram has {', '.join(kinds)}",
                )
            key, kind = (subject, behavior, modifier), "POINT"
            if kinds[behavior].startswith("state"):
                kind = "STOP" if key in running else "START"
                running ^= {key}
            events.append(
                BorisEvent(
                    str(name), str(media[0]) if media else "", _who(subject), behavior, modifier, kind,
                    seconds_of(said), math.nan, said, place,
                )
            )  # fmt: skip
    _warn_of_offsets(path, offsets)
    return events


def load_project(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Return the JSON of a file if it is a project of BORIS, else None."""
    try:
        document = json.loads(table_text(Path(path).read_bytes())[0])
    except ValueError:
        return None
    return document if is_boris_project(document) else None


def write_aggregated(bouts: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write bouts as aggregated events (tab-separated); return the path.

    Parameters
    ----------
    bouts
        ``observation, video, subject, behavior, category, start_s, end_s, comment``; a point event ends when
        it starts.
    """
    duration = bouts["end_s"] - bouts["start_s"]
    point = duration == 0
    table = pd.DataFrame(
        {
            "Observation id": bouts["observation"],
            "Media file name": bouts["video"],
            "Subject": bouts["subject"].where(bouts["subject"] != "", NOBODY),
            "Behavior": bouts["behavior"],
            "Behavioral category": bouts["category"],
            "Behavior type": ["POINT" if each else "STATE" for each in point],
            "Start (s)": bouts["start_s"].round(4),
            "Stop (s)": bouts["end_s"].round(4),
            "Duration (s)": duration.round(4),
            "Comment start": bouts["comment"],
        }
    )
    with atomic_write(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False)
    return Path(path)


def _cells(text: str) -> list[list[str]]:
    sample = "\n".join(text.splitlines()[:HEADER_ROWS]).lower()
    header = next((line for line in sample.splitlines() if "behavior" in line), sample)
    return list(csv.reader(io.StringIO(text), delimiter=max(",;\t", key=header.count)))


def _header(cells: Sequence[Sequence[str]]) -> int | None:
    for number, row in enumerate(cells[:HEADER_ROWS]):
        names = {cell.strip().lower() for cell in row}
        if "behavior" in names and (
            names & {"subject", "observation id", "behavior type", "status", "media file path", "start (s)"}
        ):
            return number
    return None


def _first(names: Sequence[str], *wanted: str) -> str | None:
    return next((name for name in wanted if name in names), None)


def _value(values: dict[str, str], *names: str) -> str:
    return next((values[name] for name in names if values.get(name)), "")


def _who(subject: str) -> str:
    return "" if subject in (NOBODY, "nan") else subject


def _warn_of_offsets(path: str | os.PathLike[str], offsets: set[str]) -> None:
    others = sorted(offset for offset in offsets if offset and seconds_of(offset) != 0)
    if others:
        warnings.warn(
            f"{path}: observations have a time offset ({', '.join(others[:3])}); times are used as they "
            "stand, so check one event against the video",
            stacklevel=4,
        )
