"""Text of other programs, whatever its encoding."""

from __future__ import annotations

import codecs
import csv
import io
import os
from pathlib import Path


def decode(data: bytes) -> tuple[str, str]:
    """Return (text, encoding): by its byte order mark, else UTF-8, else Windows' western code page.

    Parameters
    ----------
    data
        Whole file, or its beginning: a character cut at the end is left out.
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


def first_row(path: str | os.PathLike[str]) -> tuple[list[str], str]:
    """Return (cells, delimiter) of the first row of a table; the delimiter is a comma, semicolon or tab."""
    with Path(path).open("rb") as file:
        text, _ = decode(file.read(1 << 20))
    line = io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n"))
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


def is_number(text: str) -> bool:
    """Whether a cell holds a number, with a decimal point or comma."""
    try:
        float(text.replace(",", ".", 1))
    except ValueError:
        return False
    return True
