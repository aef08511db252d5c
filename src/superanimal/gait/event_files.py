"""Contacts and lifts in files: our own csv, and the events of BORIS.

In BORIS a limb in stance is a state behaviour named after the limb, such as ``left_hind``, and the animal is
the subject. Both tables that BORIS exports are read: *tabular events* (a row for each START and STOP) and
*aggregated events* (a row for each bout, with ``Start (s)`` and ``Stop (s)``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from superanimal.errors import FormatError, InputError, NotFoundError
from superanimal.files import atomic_write
from superanimal.gait.events import Event
from superanimal.gait.recording import Recording
from superanimal.gait.result import GaitResult
from superanimal.gait.stances import stances_of

NEEDED = ["limb", "event", "time_s"]


def read_events(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read contacts and lifts.

    Parameters
    ----------
    path
        A csv or tsv with the columns ``limb, event`` (``contact`` or ``lift``), ``time_s`` (seconds from
        frame 0) and, with several animals, ``individual``, such as our ``events.csv``; or an export of BORIS.

    Returns
    -------
    pandas.DataFrame
        ``individual`` (empty when the file does not say), ``limb, event, time_s``, sorted by time.

    Raises
    ------
    NotFoundError, FormatError
        No such file; other columns, or a row whose event or time cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFoundError(f"{path}: no such file of events")
    try:
        table = pd.read_csv(path, sep=None, engine="python", encoding="utf-8-sig")
    except (ValueError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: not a csv table ({error})") from error
    columns = {str(column).strip().lower(): column for column in table.columns}
    table = table.rename(columns={column: name for name, column in columns.items()})
    if "behavior" in columns:
        table = _from_boris(table, path)
    elif absent := [name for name in NEEDED if name not in columns]:
        raise FormatError(
            f"{path}: there is no column {', '.join(absent)} among {', '.join(columns)}",
            "events have the columns limb, event and time_s, or are an export of BORIS",
        )
    if "individual" not in table.columns:
        table = table.assign(individual="")
    table = table[["individual", *NEEDED]]
    times = pd.to_numeric(table["time_s"], errors="coerce")
    wrong = ~table["event"].isin(["contact", "lift"]) | ~np.isfinite(times)
    if wrong.any():
        row = table[wrong].iloc[0]
        raise FormatError(
            f"{path}, row {int(row.name) + 2}: event {row['event']!r} at {str(row['time_s'])!r}",
            "an event is contact or lift, its time a number of seconds",
        )
    table["time_s"] = times
    return table.fillna({"individual": ""}).sort_values("time_s", kind="stable", ignore_index=True)


def write_boris(result: GaitResult, path: str | os.PathLike[str], *, end_s: float | None = None) -> Path:
    """Write the stances of one recording as aggregated events of BORIS (tab-separated); return the path.

    Parameters
    ----------
    end_s
        End of the recording in seconds; by default its last event.
    """
    if "file" in result.events.columns:
        raise InputError("the result is of several files", "BORIS has a file for each observation")
    last = float(result.events["time_s"].max()) if len(result.events) else 0.0
    stances = stances_of(result, last if end_s is None else end_s)
    name = Path(str(result.facts.get("file", ""))).stem or "gait"
    table = pd.DataFrame(
        {
            "Observation id": name,
            "Media file name": str(result.facts.get("file", "")),
            "Subject": stances["individual"],
            "Behavior": stances["limb"],
            "Behavioral category": "stance",
            "Behavior type": "STATE",
            "Start (s)": stances["start_s"].round(4),
            "Stop (s)": stances["end_s"].round(4),
            "Duration (s)": (stances["end_s"] - stances["start_s"]).round(4),
            "Comment start": stances["refused"],
        }
    )
    with atomic_write(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False)
    return Path(path)


def events_of(table: pd.DataFrame, recording: Recording, individuals: Sequence[str]) -> list[Event]:
    """Return the events of one animal's recording from a table of :func:`read_events`.

    Raises
    ------
    InputError
        When the table names a limb or an animal that the poses do not have, or names none of several animals.
    """
    limbs = [limb.name for limb in recording.limbs]
    if strange := sorted(set(table["limb"].astype(str)) - set(limbs)):
        raise InputError(
            f"the events are of {', '.join(strange[:5])}", f"the limbs are {', '.join(limbs)}",
            "rename them in the table, or name the limbs alike",
        )  # fmt: skip
    names = set(table["individual"].astype(str)) - {""}
    if strange := sorted(names - set(individuals)):
        raise InputError(
            f"the events are of {', '.join(strange[:5])}", f"the animals are {', '.join(individuals)}"
        )
    if not names and len(individuals) > 1:
        raise InputError(
            f"the events do not say of which of {len(individuals)} animals they are",
            "with several animals they have a column individual",
        )
    own = table[table["individual"].astype(str).isin([recording.individual, ""])]
    return sorted(
        (
            Event(limbs.index(str(limb)), bool(kind == "contact"), float(time), 0.0, 1.0)
            for limb, kind, time in own[NEEDED].to_numpy().tolist()
        ),
        key=lambda event: (event.limb, event.time),
    )


def _from_boris(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return ``individual, limb, event, time_s`` of either export of BORIS, whose columns are lower case."""
    subject = table["subject"].astype(str) if "subject" in table.columns else ""
    who = pd.Series(subject, index=table.index).replace({"No focal subject": "", "nan": ""})
    base = pd.DataFrame({"individual": who, "limb": table["behavior"].astype(str)})
    if {"start (s)", "stop (s)"} <= set(table.columns):
        ends = (("contact", "start (s)"), ("lift", "stop (s)"))
        return pd.concat([base.assign(event=event, time_s=table[column]) for event, column in ends])
    kind = next((name for name in ("behavior type", "status") if name in table.columns), None)
    time = next((name for name in ("time", "time (s)") if name in table.columns), None)
    if kind is None or time is None:
        raise FormatError(
            f"{path}: the columns are {', '.join(map(str, table.columns))}",
            "BORIS exports Start (s) and Stop (s), or Behavior type (START, STOP) and Time",
        )
    event = table[kind].astype(str).str.upper().map({"START": "contact", "STOP": "lift"})
    return base.assign(event=event.fillna(table[kind].astype(str)), time_s=table[time])
