"""BORIS: bouts from its events, and projects for it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from superanimal.behavior.annotations.row import Row, warn_of_unended
from superanimal.behavior.bouts import LATEST
from superanimal.errors import FormatError
from superanimal.formats.boris import KINDS, BorisEvent, write_aggregated
from superanimal.reports.files import write_json

STATE, POINT = "State event", "Point event"


def bouts_from(events: Sequence[BorisEvent], path: str | os.PathLike[str]) -> list[Row]:
    """Return the bouts of events: START with the next STOP of the subject, behaviour and modifier.

    Those without a start or an end are left out, with a warning.

    Raises
    ------
    FormatError
        When an event has no behaviour or its time cannot be read.
    """
    rows, running, faults = list[Row](), dict[tuple[str, ...], BorisEvent](), list[str]()
    for event in sorted(events, key=lambda event: (event.observation, event.time_s)):
        name = f"{event.behavior!r} at {event.said} s"
        times = [event.time_s, event.stop_s] if event.kind == "BOUT" else [event.time_s]
        if not event.behavior or not all(0 <= time <= LATEST for time in times):
            raise FormatError(
                f"{path}, {event.place}: behaviour {event.behavior!r} at {event.said!r}",
                f"an event has a behaviour and a time in seconds, from 0 to {LATEST:.0f} (three years)",
            )
        key = (event.observation, event.subject, event.behavior, event.modifier)
        if event.kind in ("BOUT", "POINT"):
            rows.append(_row(event, event.stop_s if event.kind == "BOUT" else event.time_s, event))
        elif event.kind == "START":
            if key in running:
                faults.append(f"{event.place}: {name} starts again before its end")
            running[key] = event
        elif event.kind == "STOP":
            if key in running:
                start = running.pop(key)
                rows.append(_row(start, event.time_s, start))
            else:
                faults.append(f"{event.place}: {name} stops without a start")
        else:
            raise FormatError(
                f"{path}, {event.place}: {name} is {event.kind!r}", f"it is {', '.join(KINDS)} or a bout"
            )
    faults += [f"{event.place}: {event.behavior!r} starts at {event.said} s and never ends"
               for event in running.values()]  # fmt: skip
    warn_of_unended(path, faults)
    if any(event.modifier for event in events):
        warnings.warn(f"{path}: modifiers of behaviours are not used", stacklevel=4)
    return rows


def _row(event: BorisEvent, end_s: float, start: BorisEvent) -> Row:
    return Row(
        event.time_s, end_s, event.behavior, start.place, individual=event.subject,
        video=event.video or event.observation,
    )  # fmt: skip


def write_tsv(bouts: pd.DataFrame, path: Path, video: str) -> Path:
    """Write aggregated events; stream and rater stand in category and comment."""
    table = pd.DataFrame(
        {
            "observation": Path(video).stem or path.stem,
            "video": video,
            "subject": bouts["individual"],
            "behavior": bouts["label"],
            "category": bouts["stream"],
            "start_s": bouts["start_s"],
            "end_s": bouts["end_s"],
            "comment": [_comment(row) for row in bouts.itertuples()],
        }
    )
    return write_aggregated(table, path)


def write_project(bouts: pd.DataFrame, path: Path, video: str, fps: float | None) -> Path:
    """Write a project with one observation, to be opened in BORIS."""
    labels = sorted(bouts["label"].unique())
    durations = bouts["end_s"] - bouts["start_s"]
    points = {label for label in labels if (durations[bouts["label"] == label] == 0).all()}
    subjects = sorted(set(bouts["individual"]) - {""})
    now = datetime.now().isoformat(timespec="seconds")
    events = list[tuple[float, str, str, str, str]]()
    for row in bouts.itertuples():
        who = (str(row.individual), str(row.label), "", _comment(row))
        events.append((round(float(row.start_s), 4), *who))  # type: ignore[arg-type]
        if row.label not in points:
            events.append((round(float(row.end_s), 4), *who[:3], ""))  # type: ignore[arg-type]
    name = Path(video).stem or path.stem
    end = float(bouts["end_s"].max()) if len(bouts) else 0.0
    media: dict[str, Any] = {"length": {video: end}, "fps": {video: fps}, "hasVideo": {video: True}}
    document = {
        "time_format": "hh:mm:ss",
        "project_date": now,
        "project_name": name,
        "project_description": "",
        "project_format_version": "7.0",
        "subjects_conf": {
            str(k): {"key": "", "name": subject, "description": ""} for k, subject in enumerate(subjects)
        },
        "behaviors_conf": {
            str(k): {
                "type": POINT if label in points else STATE, "key": "", "code": label, "description": "",
                "category": "", "modifiers": "", "excluded": "", "coding map": "",
            }
            for k, label in enumerate(labels)
        },
        "observations": {
            name: {
                "file": {"1": [video] if video else []} | {str(k): [] for k in range(2, 9)},
                "type": "MEDIA",
                "date": now,
                "description": "",
                "time offset": 0.0,
                "events": [list(event) for event in sorted(events, key=lambda event: event[0])],
                "observation time interval": [0, 0],
                "independent_variables": {},
                "media_info": media if video and fps else {},
                "close_behaviors_between_videos": False,
            }
        },
        "behavioral_categories": [],
        "independent_variables": {},
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
    }  # fmt: skip
    return write_json(path, document)


def _comment(row: Any) -> str:
    said = {"to": row.target, "rater": row.rater, "stream": row.stream}
    return ", ".join(f"{name} {text}" for name, text in said.items() if text)
