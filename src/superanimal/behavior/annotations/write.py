"""Writing annotations: for BORIS, as csv, or as NWB."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Literal

import pandas as pd

from superanimal.behavior.annotations import boris
from superanimal.behavior.bouts import check_bouts
from superanimal.errors import InputError, option, unknown_name
from superanimal.files import atomic_write

Kind = Literal["csv", "boris", "boris-tsv", "nwb"]
SUFFIXES: dict[str, Kind] = {".csv": "csv", ".boris": "boris", ".tsv": "boris-tsv", ".nwb": "nwb"}


def write_annotations(
    bouts: pd.DataFrame,
    path: str | os.PathLike[str],
    format: Kind | None = None,
    *,
    video: str | os.PathLike[str] = "",
    fps: float | None = None,
    session_start: datetime | None = None,
    labeling_method: Literal["manual", "automated", "curated"] = "manual",
) -> Path:
    """Write a bouts table; return the path.

    Parameters
    ----------
    bouts
        See :mod:`superanimal.behavior.bouts`.
    format
        ``"csv"`` (our columns), ``"boris"`` (a project), ``"boris-tsv"`` (aggregated events) or ``"nwb"``
        (an ``EventsTable``); by default that of the suffix ``.csv``, ``.boris``, ``.tsv`` or ``.nwb``.
    video, fps
        The video and its frame rate, where the format names them.
    session_start, labeling_method
        For NWB.

    Raises
    ------
    InputError
        When the format is unknown, or cannot hold these bouts.
    """
    path, table = Path(path), check_bouts(bouts)
    kind = format or SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise InputError(
            f"{path}: unknown kind of file {path.suffix!r}",
            f"the suffixes are {', '.join(SUFFIXES)}",
            f"rename the file or name the format{option('format', repr('csv'))}",
        )
    if kind == "csv":
        with atomic_write(path) as temporary:
            table.to_csv(temporary, index=False)
        return path
    if kind == "nwb":
        from superanimal.behavior.annotations.nwb import write_nwb

        return write_nwb(table, path, str(video), session_start, labeling_method)
    if kind not in ("boris", "boris-tsv"):
        raise unknown_name("format of annotations", str(kind), SUFFIXES.values())
    _check_for_boris(table)
    if kind == "boris":
        return boris.write_project(table, path, str(video), fps)
    return boris.write_tsv(table, path, str(video))


def _check_for_boris(table: pd.DataFrame) -> None:
    for (who, label), own in table.groupby(["individual", "label"]):
        late = own["start_s"] < own["end_s"].cummax().shift()
        if late.any():
            name = f"{label!r} of {who}" if who else repr(label)
            raise InputError(
                f"two bouts of {name} overlap at {own['start_s'][late].iloc[0]:.2f} s",
                "BORIS has one bout of a behaviour and subject at a time",
                "write each rater, target or stream into a file of its own",
            )
