"""NWB: bouts as ``EthogramBouts`` of ndx-ethogram, events without a duration in an ``EventsTable``."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from superanimal.behavior.annotations.row import Row
from superanimal.errors import FormatError
from superanimal.extras import require
from superanimal.files import atomic_write
from superanimal.formats.guard import reading
from superanimal.poses.provenance import software

MODULE, HDF5 = "behavior", b"\x89HDF\r\n\x1a\n"
TEXTS = {
    "individual": "Animal that does it; empty where nothing is said.",
    "target": "Animal to which it is done; empty where nothing is said.",
    "stream": "Set of labels that exclude each other; empty where there is one.",
}


def write_nwb(
    bouts: pd.DataFrame, path: Path, video: str, session_start: datetime | None, labeling_method: str
) -> Path:
    """Write bouts, a table for each rater.

    Raises
    ------
    InputError
        When the extra is not installed.
    """
    require("behavior", ("ndx_ethogram",), "writing behaviour to NWB", "write csv or BORIS")
    from ndx_ethogram import EthogramBouts
    from pynwb import NWBHDF5IO, NWBFile
    from pynwb.event import EventsTable

    nwb = NWBFile(
        session_description=f"behaviour in {Path(video).name}" if video else "behaviour",
        identifier=str(uuid.uuid4()),
        session_start_time=session_start or datetime(1970, 1, 1, tzinfo=UTC),
    )
    module = nwb.create_processing_module(MODULE, "bouts of behaviour")
    point = bouts["start_s"] == bouts["end_s"]
    for number, (rater, own) in enumerate(bouts[~point].groupby("rater", sort=True)):
        name = "EthogramBouts" if number == 0 else f"EthogramBouts{number}"
        facts = {"annotator": str(rater)} if rater else {}
        table: Any = EthogramBouts(
            name=name, description="bouts of behaviour", labeling_method=labeling_method,
            source_software=software(), **facts,
        )  # fmt: skip
        for column, words in TEXTS.items():
            table.add_column(column, words)
        for row in own.itertuples():
            table.add_row(
                start_time=row.start_s, stop_time=row.end_s, label=row.label, individual=row.individual,
                target=row.target, stream=row.stream,
            )  # fmt: skip
        module.add(table)
    if point.any():
        events = EventsTable(name="EthogramEvents", description="behaviour without a duration")
        for column, words in {"label": "Behaviour.", "rater": "Who says so.", **TEXTS}.items():
            events.add_column(column, words)
        for row in bouts[point].itertuples():
            texts = {name: getattr(row, name) for name in ("label", "rater", *TEXTS)}
            events.add_row(timestamp=row.start_s, **texts)
        module.add(events)
    with atomic_write(path) as temporary:
        temporary.unlink()
        with NWBHDF5IO(str(temporary), "w") as file:
            file.write(nwb)
    return path


def read_nwb(path: str | os.PathLike[str]) -> list[Row]:
    """Return the bouts of all tables with start, stop and label, and events with a label."""
    require("behavior", ("ndx_ethogram",), "reading behaviour from NWB")
    import ndx_ethogram  # noqa: F401  registers the types
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
            annotator = str(getattr(table, "annotator", None) or "")
            for k in range(len(frame)):
                texts = {name: str(frame[name][k]) for name in TEXTS if name in names}
                rater = str(frame["rater"][k]) if "rater" in names else annotator
                place = f"table {table.name!r}, row {k}"
                label = str(frame["label"][k])
                rows.append(Row(float(starts[k]), float(ends[k]), label, place, rater=rater, **texts))
    if not found:
        raise FormatError(
            f"{path}: no table of behaviour",
            "it has the columns start_time, stop_time and label, as EthogramBouts",
        )
    return rows
