"""Text files of other programs, in any encoding."""

from __future__ import annotations

import codecs
import csv
import io
import math
import os
import re
from collections.abc import Iterable
from pathlib import Path

SAMPLE = 1 << 20
"""Bytes that hold the header and the first rows of any table."""

_ABOVE = re.compile(r'(\s*"?sep=[,;\t|]"?[,;\t ]*\n)?([,;\t ]*\n)*', re.IGNORECASE)


def decode(data: bytes) -> tuple[str, str]:
    """Return (text, encoding), from the byte order mark, else UTF-8, else the Windows western code page.

    Parameters
    ----------
    data
        Whole file, or its beginning: a character truncated at the end is dropped.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return codecs.getincrementaldecoder(encoding)("replace").decode(data), encoding
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data), "utf-8"
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), "cp1252"


def table_text(data: bytes) -> tuple[str, str]:
    """Return (text, encoding) of a table with plain line ends, from its first row with a cell on.

    Excel's line ``sep=;`` and empty rows may stand above it.
    """
    text, encoding = decode(data)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text[_ABOVE.match(text).end() :], encoding  # type: ignore[union-attr]


def first_row(path: str | os.PathLike[str]) -> tuple[list[str], str]:
    """Return (cells, delimiter) of the first row of a table; the delimiter is a comma, semicolon or tab."""
    with Path(path).open("rb") as file:
        text, _ = table_text(file.read(SAMPLE))
    line = io.StringIO(text)
    found: tuple[list[str], str] = ([], ",")
    for delimiter in ",;\t":
        line.seek(0)
        try:
            row = [cell.strip() for cell in next(csv.reader(line, delimiter=delimiter), [])]
        except csv.Error:
            continue
        if len(row) > len(found[0]):
            found = row, delimiter
    return found


def decimal_mark(cells: Iterable[str], delimiter: str) -> str:
    """Return the character before the decimals of a table's numbers, from some of its cells."""
    shown = "".join(cell for cell in cells if is_number(cell))
    return "," if delimiter != "," and "," in shown and "." not in shown else "."


def is_number(text: str) -> bool:
    """Whether a cell holds a number, with a decimal point or comma."""
    try:
        float(text.replace(",", ".", 1))
    except ValueError:
        return False
    return True


def seconds_of(text: str) -> float:
    """Return a time in seconds from a number or a clock, NaN for anything else.

    >>> seconds_of("62.5"), seconds_of("0:01:02.5"), seconds_of("01:02,5"), seconds_of("soon")
    (62.5, 62.5, 62.5, nan)
    """
    sign, parts = 1, str(text).strip().replace(",", ".").split(":")
    if parts[0].startswith("-"):
        sign, parts[0] = -1, parts[0][1:]
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return math.nan
    if len(numbers) > 3 or any(number < 0 for number in numbers):
        return math.nan
    return sign * sum(number * 60**k for k, number in enumerate(reversed(numbers)))
