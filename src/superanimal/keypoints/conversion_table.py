"""Conversion tables: which keypoint of a data set is which keypoint of a space.

A table is a CSV in the layout published with SuperAnimal: one column per data set, last column ``MasterName``
with the keypoints of the space, one row per keypoint, cells with the data set's own names, empty if it has
none. Lookup is strictly by column, because one name may mean different points in two data sets (``spine1``
does). A cell may also combine several points by an explicit rule: ``mean(left ear; right ear)`` or
``first(paw; hoof)``.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from superanimal.errors import InputError, NotFoundError, nearest, unknown_name
from superanimal.files import atomic_write
from superanimal.poses import KeypointSpace

MASTER = "MasterName"
RULES = ("mean", "first")
_JOINED = re.compile(r"^(\w+)\((.*)\)$")
_SHIPPED = "tables"


@dataclass(frozen=True)
class Cell:
    """The keypoints of one data set that correspond to one keypoint of the space.

    Attributes
    ----------
    names
        The data set's own keypoints.
    rule
        ``mean``: the average, if all are labelled; ``first``: the first one that is labelled. With one name
        both are that point.
    """

    names: tuple[str, ...]
    rule: str = "first"

    def __str__(self) -> str:
        return self.names[0] if len(self.names) == 1 else f"{self.rule}({'; '.join(self.names)})"


@dataclass(frozen=True)
class Problem:
    """One error in a table: its location and description. ``serious`` ones make the table unusable."""

    column: str
    row: str
    text: str
    serious: bool = True

    def __str__(self) -> str:
        where = [f"column {self.column!r}" if self.column else "", f"row {self.row}" if self.row else ""]
        return f"{', '.join(part for part in where if part) or 'table'}: {self.text}"


@dataclass(frozen=True)
class ConversionTable:
    """A conversion table in memory.

    Attributes
    ----------
    masters
        Keypoints of the space, in row order; may be a subset of the space.
    columns
        For each data set, its non-empty cells by keypoint of the space.
    name
        File name, for messages.
    """

    masters: tuple[str, ...]
    columns: Mapping[str, Mapping[str, Cell]] = field(default_factory=dict)
    name: str = "table"

    def column(self, source: str) -> Mapping[str, Cell]:
        """Return the cells of a data set.

        Raises
        ------
        NotFoundError
            When the table has no such column.
        """
        if source not in self.columns:
            near = unknown_name(f"column of {self.name}", source, self.columns)
            raise NotFoundError(near.problem, near.remedy, "name the data set after its column: COLUMN=PATH")
        return self.columns[source]


def table_names() -> list[str]:
    """Return the names of the tables that ship with the package."""
    folder = resources.files("superanimal.keypoints") / _SHIPPED
    return sorted(f.name.removesuffix(".csv") for f in folder.iterdir() if f.name.endswith(".csv"))


def load_table(name_or_path: str | os.PathLike[str]) -> ConversionTable:
    """Load a shipped table by name, or a table from a CSV file.

    Raises
    ------
    NotFoundError
        When neither exists.
    InputError
        Naming every row and column that breaks a rule.

    Examples
    --------
    >>> table = load_table("topviewmouse")
    >>> len(table.masters)
    27
    """
    if str(name_or_path) in table_names():
        file = resources.files("superanimal.keypoints") / _SHIPPED / f"{name_or_path}.csv"
        return parse_table(file.read_text("utf-8"), f"{name_or_path}.csv")
    path = Path(name_or_path)
    if not path.is_file():
        if path.suffix:
            raise NotFoundError(f"{path}: no such conversion table")
        raise unknown_name("conversion table", str(name_or_path), table_names())
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a UTF-8 text file", "a conversion table is a CSV file") from None
    return parse_table(text, str(path))


def table_notes(name: str) -> str:
    """Return the notes on a shipped table: origin, corrections, omissions."""
    file = resources.files("superanimal.keypoints") / _SHIPPED / f"{name}.txt"
    return file.read_text("utf-8") if file.is_file() else ""


def parse_table(text: str, name: str = "table") -> ConversionTable:
    """Read the text of a table.

    Raises
    ------
    InputError
        Naming every row and column that breaks a rule.
    """
    rows = [
        [cell.strip() for cell in row] for row in csv.reader(io.StringIO(text)) if any(map(str.strip, row))
    ]
    if not rows or MASTER not in rows[0]:
        raise InputError(
            f"{name}: the first line is {','.join(rows[0]) if rows else '(empty)'!s}",
            f"it names the data sets and ends with {MASTER}",
            f"example: my-mice,{MASTER}",
        )
    header = rows[0]
    problems = [
        Problem("", "1", f"column {n!r} appears {c} times") for n, c in Counter(header).items() if c > 1
    ]
    if "" in header:
        problems.append(Problem(str(header.index("") + 1), "1", "has no name"))
    own = header.index(MASTER)
    seen: dict[str, int] = {}
    columns: dict[str, dict[str, Cell]] = {source: {} for source in header if source and source != MASTER}
    if not columns:
        problems.append(Problem("", "1", f"there is no column besides {MASTER}"))
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            problems.append(Problem("", str(number), f"has {len(row)} cells, the first line {len(header)}"))
            continue
        master = row[own]
        if not master:
            problems.append(Problem(MASTER, str(number), "is empty, but the row has names"))
            continue
        if master in seen:
            problems.append(Problem(MASTER, str(number), f"{master!r} is already in row {seen[master]}"))
            continue
        seen[master] = number
        for source, cell in zip(header, row, strict=True):
            if source in columns and source != MASTER and cell:
                try:
                    columns[source][master] = parse_cell(cell)
                except InputError as error:
                    problems.append(Problem(source, f"{number} ({master})", error.problem))
    table = ConversionTable(tuple(seen), columns, name)
    problems += _repeated(table)
    _raise(name, problems)
    return table


def parse_cell(text: str) -> Cell:
    """Read ``name``, ``mean(a; b)`` or ``first(a; b)``.

    Raises
    ------
    InputError
        When the rule is unknown or names fewer than two points.
    """
    joined = _JOINED.match(text)
    if joined and joined.group(1) in RULES:
        names = tuple(part.strip() for part in joined.group(2).split(";"))
        if len(names) < 2 or "" in names:
            raise InputError(f"{text!r} combines fewer than two names; write {joined.group(1)}(a; b)")
        return Cell(names, joined.group(1))
    if ";" in text:
        raise InputError(f"{text!r} names several points without a rule; write mean(a; b) or first(a; b)")
    return Cell((text,))


def format_table(table: ConversionTable) -> str:
    """Return the CSV text of a table in the published layout."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*table.columns, MASTER])
    for master in table.masters:
        writer.writerow([*(str(column.get(master, "")) for column in table.columns.values()), master])
    return out.getvalue()


def save_table(table: ConversionTable, path: str | os.PathLike[str]) -> Path:
    """Write a table as CSV, atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(format_table(table), encoding="utf-8")
    return Path(path)


def table_from_mapping(
    source: str, mapping: Mapping[str, str], masters: Sequence[str] | None = None
) -> ConversionTable:
    """Build a one-column table from {keypoint of the data set: keypoint of the space}.

    Parameters
    ----------
    masters
        Rows of the table; by default the mapped keypoints.

    Raises
    ------
    InputError
        When two keypoints of the data set map to one of the space, which requires an explicit rule.

    Examples
    --------
    >>> table = table_from_mapping("my_mice", {"snout": "nose", "tail": "tail_base"})
    >>> table.masters
    ('nose', 'tail_base')
    """
    masters = tuple(masters) if masters is not None else tuple(dict.fromkeys(mapping.values()))
    cells: dict[str, Cell] = {}
    for own, master in mapping.items():
        if master in cells:
            raise InputError(
                f"{source}: {cells[master]} and {own!r} both map to {master!r}",
                "combining several points into one requires an explicit rule",
                f"write mean({cells[master]}; {own}) or first({cells[master]}; {own}) into the table",
            )
        if master not in masters:
            raise unknown_name("keypoint of the space", master, masters)
        cells[master] = Cell((own,))
    return ConversionTable(masters, {source: cells}, f"table of {source}")


def identity_table(source: str, keypoints: Iterable[str], space: KeypointSpace) -> ConversionTable:
    """Return the table of a data set whose keypoints have the names of the space."""
    same = {name: Cell((name,)) for name in space.keypoints if name in set(keypoints)}
    return ConversionTable(space.keypoints, {source: same}, f"names of {source}")


def draft_table(source: str, keypoints: Sequence[str], space: KeypointSpace) -> ConversionTable:
    """Propose a table from names and synonyms, for manual review: one name may mean several points.

    An exact name takes precedence over one that differs in case or underscores, and that over a synonym.

    Examples
    --------
    >>> from superanimal.poses import load_space
    >>> draft = draft_table("my_mice", ["Nose", "LeftEar", "implant"], load_space("topviewmouse"))
    >>> {master: cell.names for master, cell in draft.column("my_mice").items()}
    {'nose': ('Nose',), 'left_ear': ('LeftEar',)}
    """
    exact = {name: name for name in space.keypoints}
    names = {_plain(name): name for name in space.keypoints}
    synonyms = {_plain(word): name for name in space.keypoints for word in space.synonyms.get(name, ())}
    synonyms = {word: name for word, name in synonyms.items() if word not in names}
    cells: dict[str, Cell] = {}
    for known, key in ((exact, str), (names, _plain), (synonyms, _plain)):
        for own in keypoints:
            if (master := known.get(key(own))) is not None:
                cells.setdefault(master, Cell((own,)))
    return ConversionTable(space.keypoints, {source: cells}, f"draft for {source}")


def join_tables(tables: Sequence[ConversionTable]) -> ConversionTable:
    """Return one table with the columns of all tables.

    Raises
    ------
    InputError
        When two tables have columns with the same name but different content.
    """
    columns: dict[str, Mapping[str, Cell]] = {}
    for table in tables:
        for source, cells in table.columns.items():
            if source in columns and dict(columns[source]) != dict(cells):
                raise InputError(
                    f"column {source!r} of {table.name} differs from that of another table",
                    "each data set has one column",
                    "remove it from one of them",
                )
            columns[source] = cells
    masters = tuple(dict.fromkeys(master for table in tables for master in table.masters))
    return ConversionTable(masters, columns, " + ".join(table.name for table in tables))


def check_table(
    table: ConversionTable, space: KeypointSpace, data_sets: Mapping[str, Sequence[str]] | None = None
) -> list[Problem]:
    """Return every error in a table with respect to a space and data sets.

    Parameters
    ----------
    data_sets
        Keypoints of each data set, by column name.
    """
    problems = [
        Problem(
            MASTER,
            master,
            f"{master!r} is not a keypoint of the space {space.name}{_did_you_mean(master, space.keypoints)}",
        )
        for master in table.masters
        if master not in space.keypoints
    ]
    for source, cells in table.columns.items():
        if not cells:
            problems.append(Problem(source, "", "is empty: the data set would have no keypoint"))
        for master, cell in cells.items():
            for own in cell.names:
                if {side(own), side(master)} == {"left", "right"}:
                    problems.append(
                        Problem(
                            source, master, f"left/right disagreement: {own!r} is mapped to {master!r}", False
                        )
                    )
    for source, keypoints in (data_sets or {}).items():
        if source not in table.columns:
            problems.append(
                Problem(source, "", f"is not in the table{_did_you_mean(source, list(table.columns))}")
            )
            continue
        used = [name for cell in table.columns[source].values() for name in cell.names]
        for master, cell in table.columns[source].items():
            for own in cell.names:
                if own not in keypoints:
                    problems.append(
                        Problem(
                            source,
                            master,
                            f"the data set has no keypoint {own!r}{_did_you_mean(own, keypoints)}",
                        )
                    )
        for own in keypoints:
            if own not in used:
                problems.append(Problem(source, "", f"keypoint {own!r} of the data set is not mapped", False))
    return problems


def require_sound(
    table: ConversionTable, space: KeypointSpace, data_sets: Mapping[str, Sequence[str]]
) -> None:
    """Raise one error that lists all serious problems.

    Raises
    ------
    InputError
        When there is one.
    """
    used = ConversionTable(
        table.masters, {s: c for s, c in table.columns.items() if s in data_sets}, table.name
    )
    _raise(table.name, [problem for problem in check_table(used, space, data_sets) if problem.serious])


_LEFT = re.compile(r"(?i:left|(^|[_\s-])l([_\s-]|$)|^near)|[a-z]L\d*$")
_RIGHT = re.compile(r"(?i:right|(^|[_\s-])r([_\s-]|$)|^off)|[a-z]R\d*$")


def side(name: str) -> str:
    """Return ``left``, ``right`` or an empty text for the side in a name (near is left, off is right)."""
    left, right = bool(_LEFT.search(name)), bool(_RIGHT.search(name))
    return "left" if left and not right else "right" if right and not left else ""


def _repeated(table: ConversionTable) -> list[Problem]:
    problems = []
    for source, cells in table.columns.items():
        first: dict[str, str] = {}
        for master, cell in cells.items():
            for own in cell.names:
                if own in first:
                    problems.append(
                        Problem(
                            source,
                            master,
                            f"{own!r} is already mapped to {first[own]!r}; a point maps to one keypoint",
                        )
                    )
                first.setdefault(own, master)
    return problems


def _raise(name: str, problems: Sequence[Problem]) -> None:
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise InputError(
            f"{name}: {len(problems)} fault{'s' if len(problems) > 1 else ''}\n{listed}",
            remedy="correct the table; superanimal tables check shows the same list",
        )


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    near = nearest(name, known, alike=0.6)
    return f" (did you mean {' or '.join(near)}?)" if near else ""


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name.lower())
