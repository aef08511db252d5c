"""Caltech behavior annotator (``.txt``) and Bento (``.annot``).

Facts of the formats: both count frames from 1, the last frame of a bout included. The annotator has streams
``S1:``, ``S2:``, ... with rows ``start end type``. Bento has channels ``NAME----------`` with behaviours
``>NAME`` and rows ``start stop duration``, in seconds if any number has decimals.
"""

from __future__ import annotations

import os
import re

from superanimal.behavior.annotations.row import Row, frame_rate
from superanimal.errors import FormatError
from superanimal.formats.text import seconds_of

CALTECH, BENTO = "caltech behavior annotator", "bento annotation file"
_STREAM = re.compile(r"(S\d+):\s*start\s+end\s+type", re.IGNORECASE)
_CHANNEL = re.compile(r"(.*?)-{10,}")


def read_caltech(text: str, path: str | os.PathLike[str], fps: float | None) -> list[Row]:
    """Read the streams of a Caltech annotator file.

    Raises
    ------
    FormatError
        When the frame rate is unknown, or a row is not ``start end type``.
    """
    rate, stream, rows = frame_rate(fps, path), "", list[Row]()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _STREAM.match(line.strip()):
            stream = header[1].upper()
        elif stream and (cells := line.split()) and set(line.strip()) != {"-"}:
            if len(cells) != 3 or not (cells[0].isdigit() and cells[1].isdigit()):
                raise FormatError(
                    f"{path}, line {number}: {line.strip()!r}", "a row has start frame, end frame and type"
                )
            start, end = float(cells[0]), float(cells[1])
            _check(start, end, cells[2], path, number)
            place = f"line {number}"
            rows.append(Row((start - 1) / rate, end / rate, cells[2], place, stream=stream))
    if not stream:
        raise FormatError(f"{path}: no stream", "it has a line such as 'S1: start end type'")
    return rows


def read_bento(text: str, path: str | os.PathLike[str], fps: float | None) -> list[Row]:
    """Read the channels of a Bento file.

    Raises
    ------
    FormatError
        When a row is not ``start stop duration``, or frames have no rate.
    """
    lines = text.splitlines()
    stated, video = None, ""
    found = list[tuple[str, str, str, str, int]]()
    channel = behavior = ""
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        if line.lower().startswith("annotation framerate:"):
            stated = seconds_of(line.split(":", 1)[1])
        elif line.lower().startswith("movie file(s):"):
            video = line.split(":", 1)[1].strip() or (lines[number].strip() if number < len(lines) else "")
        elif header := _CHANNEL.fullmatch(line):
            channel, behavior = header[1].strip(), ""
        elif channel and line.startswith(">"):
            behavior = line[1:].strip()
        elif behavior and line and not line.lower().startswith("start"):
            cells = line.split()
            if len(cells) < 2:
                raise FormatError(f"{path}, line {number}: {line!r}", "a row has start, stop and duration")
            found.append((cells[0], cells[1], behavior, channel, number))
    in_seconds = any("." in cell for each in found for cell in each[:2])
    rows = list[Row]()
    for first, last, label, name, number in found:
        start, end = seconds_of(first), seconds_of(last)
        place = f"line {number}"
        if not in_seconds:
            rate = frame_rate(fps, path, stated)
            _check(start, end, label, path, number)
            start, end = (start - 1) / rate, end / rate
        rows.append(Row(start, end, label, place, stream=name, video=video))
    return rows


def _check(start: float, end: float, label: str, path: str | os.PathLike[str], number: int) -> None:
    if not 1 <= start <= end:
        raise FormatError(
            f"{path}, line {number}: {label!r} from frame {start:g} to frame {end:g}",
            "frames count from 1, and a bout ends after it starts",
        )
