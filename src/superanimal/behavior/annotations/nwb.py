"""NWB: bouts in an ``EventsTable`` of the core schema: no extension is needed to write or read them."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from superanimal.behavior.annotations.row import Row
from superanimal.errors import FormatError
from superanimal.files import atomic_write
from superanimal.formats.guard import reading
from superanimal.formats.nwb.writing import SUBJECT
from superanimal.poses.provenance import software

HDF5 = b"\x89HDF\r\n\x1a\n"
TEXTS = {
    "individual": "Animal that does it; empty where nothing is said.",
    "target": "Animal to which it is done; empty where nothing is said.",
    "stream": "Set of labels that exclude each other; empty where there is one.",
    "rater": "Who says so; empty where nothing is said.",
}


def write_nwb(
    bouts: pd.DataFrame, path: Path, video: str, session_start: datetime | None, labeling_method: str
) -> Path:
    """Write bouts as the table ``Behavior`` of the file's events; those without a duration have NaN there."""
    from pynwb import NWBHDF5IO, NWBFile
    from pynwb.core import VectorData
    from pynwb.event import DurationVectorData, EventsTable, TimestampVectorData
    from pynwb.file import Subject

    animals = [name for name in pd.unique(bouts["individual"]) if name]
    nwb = NWBFile(
        session_description=f"behaviour in {Path(video).name}" if video else "behaviour",
        identifier=str(uuid.uuid4()),
        session_start_time=session_start or datetime(1970, 1, 1, tzinfo=UTC),
        subject=Subject(subject_id="-".join(animals) or "unknown", **SUBJECT),
    )
    starts, lengths = bouts["start_s"].to_numpy(float), (bouts["end_s"] - bouts["start_s"]).to_numpy(float)
    times = [
        TimestampVectorData(name="timestamp", description="Start in seconds.", data=starts),
        DurationVectorData(
            name="duration", description="Seconds.", data=np.where(lengths > 0, lengths, np.nan)
        ),
    ]
    texts = [
        VectorData(name=column, description=words, data=bouts[column].to_numpy("U"))
        for column, words in {"label": "Behaviour.", **TEXTS}.items()
    ]
    table = EventsTable(
        name="Behavior",
        description=f"bouts of behaviour, {labeling_method}",
        source_description=f"{labeling_method}, {software()}",
        columns=[*times, *texts],
    )
    nwb.add_events_table(table)
    with atomic_write(path) as temporary:
        temporary.unlink()
        with NWBHDF5IO(str(temporary), "w") as file:
            file.write(nwb)
    return path


def read_nwb(path: str | os.PathLike[str]) -> list[Row]:
    """Return the bouts of all tables with start, stop (or duration) and label, as those of ndx-ethogram."""
    from pynwb import NWBHDF5IO

    rows, found = list[Row](), False
    with reading(path, "NWB"), NWBHDF5IO(str(path), "r", load_namespaces=True) as file:
        for table in file.read().objects.values():
            names = getattr(table, "colnames", None) or ()
            if "label" not in names or not {"start_time", "timestamp"} & set(names):
                continue
            found = True
            frame = table.to_dataframe().reset_index(drop=True)
            starts = frame["start_time"] if "start_time" in names else frame["timestamp"]
            ends = frame["stop_time"] if "stop_time" in names else starts
            if "duration" in names and "stop_time" not in names:
                ends = (starts + frame["duration"].fillna(0.0)).round(9)  # without the error of the sum
            annotator = str(getattr(table, "annotator", None) or "")
            for k in range(len(frame)):
                texts = {name: str(frame[name][k]) for name in TEXTS if name in names}
                place = f"table {table.name!r}, row {k}"
                label = str(frame["label"][k])
                facts = {"rater": annotator, **texts}
                rows.append(Row(float(starts[k]), float(ends[k]), label, place, **facts))
    if not found:
        raise FormatError(
            f"{path}: no table of behaviour",
            "it has a label and start_time and stop_time, or timestamp and duration",
        )
    return rows
