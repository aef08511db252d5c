"""Contacts and lifts in files: our own csv, and the events of BORIS.

In BORIS a limb in stance is a state behaviour named after the limb, such as ``left_hind``, and the animal is
the subject. Both tables that BORIS exports are read: *tabular events* (a row for each START and STOP) and
*aggregated events* (a row for each bout, with ``Start (s)`` and ``Stop (s)``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from superanimal.errors import FormatError, InputError, NotFoundError
from superanimal.formats.boris import is_boris_table, read_table, write_aggregated
from superanimal.formats.guard import reading
from superanimal.formats.text import table_text
from superanimal.gait.events import Event
from superanimal.gait.recording import Recording
from superanimal.gait.result import GaitResult
from superanimal.gait.stances import stances_of

NEEDED = ["limb", "event", "time_s"]
READ = ["individual", *NEEDED, "said", "place"]
"""What a reader gives: ``said`` is the time as it stands in the file, ``place`` its row."""


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
    with reading(path, "a csv table of events"):
        text, _ = table_text(path.read_bytes())
        if is_boris_table(text):
            table = _from_boris(path)
        else:
            table = _from_table(text, path)
    wrong = ~table["event"].isin(["contact", "lift"]) | ~np.isfinite(table["time_s"])
    if wrong.any():
        row = table[wrong].iloc[0]
        raise FormatError(
            f"{path}, {row['place']}: event {row['event']!r} at {row['said']!r}",
            "an event is contact or lift, its time a number of seconds",
        )
    return table[["individual", *NEEDED]].sort_values("time_s", kind="stable", ignore_index=True)


def write_boris(result: GaitResult, path: str | os.PathLike[str], *, end_s: float | None = None) -> Path:
    """Write the stances of one recording as aggregated events of BORIS (tab-separated); return the path.

    Those whose contact or lift was not seen are left out, but for those at the ends of the recording.

    Parameters
    ----------
    end_s
        End of the recording in seconds; by default that of the poses, without them the last event.
    """
    if "file" in result.events.columns:
        raise InputError("the result is of several files", "BORIS has a file for each observation")
    start, last = 0.0, float(result.events["time_s"].max()) if len(result.events) else 0.0
    if result.found is not None and result.found.animals:
        start, last = result.found.animals[0].recording.time[[0, -1]].tolist()
    last = last if end_s is None else end_s
    stances = stances_of(result, last, start)
    known = {*result.events["time_s"], start, last}
    stances = stances[stances["start_s"].isin(known) & stances["end_s"].isin(known)]
    name = Path(str(result.facts.get("file", ""))).stem or "gait"
    table = pd.DataFrame(
        {
            "observation": name,
            "video": str(result.facts.get("file", "")),
            "subject": stances["individual"],
            "behavior": stances["limb"],
            "category": "stance",
            "start_s": stances["start_s"],
            "end_s": stances["end_s"],
            "comment": stances["refused"],
        }
    )
    return write_aggregated(table, path)


def events_of(table: pd.DataFrame, recording: Recording, individuals: Sequence[str]) -> list[Event]:
    """Return the events of one animal's recording from a table of :func:`read_events`.

    A stance from the first frame or to the last one began before it or goes on after it: there is no contact
    in the first frame and no lift in the last one.

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
    first, last = recording.time[0] + recording.step / 2, recording.time[-1] - recording.step / 2
    contact = own["event"] == "contact"
    own = own[~(contact & (own["time_s"] < first) | ~contact & (own["time_s"] > last))]
    return sorted(
        (
            Event(limbs.index(str(limb)), bool(kind == "contact"), float(time), 0.0, 1.0)
            for limb, kind, time in own[NEEDED].to_numpy().tolist()
        ),
        key=lambda event: (event.limb, event.time),
    )


def _from_table(text: str, path: Path) -> pd.DataFrame:
    """Return :data:`READ` of our own csv."""
    header = text.split("\n", 1)[0]
    table = pd.read_csv(
        StringIO(text), sep=max(",;\t", key=header.count), dtype=str, keep_default_na=False
    ).rename(columns=lambda name: str(name).strip().lower())
    if absent := [name for name in NEEDED if name not in table.columns]:
        raise FormatError(
            f"{path}: there is no column {', '.join(absent)} among {', '.join(table.columns)}",
            "events have the columns limb, event and time_s, or are an export of BORIS",
        )
    said = table["time_s"]
    table["time_s"] = pd.to_numeric(said, errors="coerce")
    who = table["individual"] if "individual" in table.columns else ""
    return table.assign(individual=who, said=said, place=[f"row {k + 2}" for k in range(len(table))])[READ]


def _from_boris(path: Path) -> pd.DataFrame:
    """Return :data:`READ` of an export of BORIS."""
    kinds = {"START": "contact", "STOP": "lift", "POINT": "contact"}  # a stance whose lift was not seen
    rows = []
    for event in read_table(path):
        who = {"individual": event.subject, "limb": event.behavior, "place": event.place}
        if event.kind == "BOUT":
            ends = (("contact", event.time_s), ("lift", event.stop_s))
            rows += [{**who, "event": kind, "time_s": time, "said": event.said} for kind, time in ends]
        else:
            kind = kinds.get(event.kind, event.kind)
            rows.append({**who, "event": kind, "time_s": event.time_s, "said": event.said})
    return pd.DataFrame(rows, columns=READ)
