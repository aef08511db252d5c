"""A keypoint mapping while a person works on it: edits with undo, warnings, and the way to a table and back.

The mapping says, for each keypoint of a data set, which keypoint of a space it is, or that the space has none
like it and gets a new one. A finished mapping is one column of a conversion table
(:mod:`superanimal.keypoints.conversion_table`).
"""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from superanimal.errors import InputError, unknown_name
from superanimal.keypoints.conversion_table import (
    RULES,
    Cell,
    ConversionTable,
    draft_table,
    load_table,
    require_sound,
    save_table,
    side,
)
from superanimal.keypoints.matching.support import Doubt, doubts_about
from superanimal.keypoints.spaces import extend_space, pairs_by_name, save_space
from superanimal.poses import KeypointSpace, load_space

if TYPE_CHECKING:
    from superanimal.keypoints.matching.result import Matching

NOT_MAPPED = "not mapped"
"""Kind of the doubt about a keypoint without a counterpart."""
UNDECIDED = ""
"""Rule of a cell with several names for which nobody said yet how they become one point."""


class KeypointMapping:
    """Which keypoint of a space each keypoint of a data set is.

    Parameters
    ----------
    column
        Name of the data set, which becomes the column of the table.
    keypoints
        The data set's own keypoints.
    base
        The space they are mapped to. New keypoints come after its own (:attr:`space`).

    Raises
    ------
    InputError
        When there is no keypoint or no name of the data set.
    """

    def __init__(self, column: str, keypoints: Sequence[str], base: KeypointSpace) -> None:
        if not keypoints or not column.strip():
            raise InputError(
                f"data set {column!r} with {len(keypoints)} keypoints", "a mapping needs a name and keypoints"
            )
        self.column = column
        self.keypoints = tuple(keypoints)
        self.base = base
        self._history: list[Mapping[str, Cell]] = [{}]
        self._now = 0
        self._saved: Mapping[str, Cell] = self._history[0]

    # ---------------------------------------------------------------- what it says

    @property
    def cells(self) -> Mapping[str, Cell]:
        """What stands for each keypoint of the space; only those with a counterpart are there."""
        return MappingProxyType(self._history[self._now])

    def target(self, keypoint: str) -> str:
        """Return the keypoint of the space that a keypoint of the data set is mapped to, or nothing."""
        self._require_own(keypoint)
        return next((master for master, cell in self.cells.items() if keypoint in cell.names), "")

    def find(self, text: str) -> str:
        """Return the keypoint of the space by its name, or by a part that only one name contains.

        Raises
        ------
        NotFoundError
            When no name contains the text.
        InputError
            When several do.
        """
        names, plain = self.space.keypoints, text.strip().casefold()
        exact = [name for name in names if name.casefold() == plain]
        found = exact or [name for name in names if plain in name.casefold()]
        if not found:
            raise unknown_name(f"keypoint of space {self.base.name}", text, names)
        if len(found) > 1:
            problem = f"{text!r} may be {', '.join(found)}"
            raise InputError(problem, "a keypoint is mapped to one", "type more of its name")
        return found[0]

    @property
    def unmapped(self) -> tuple[str, ...]:
        """Keypoints of the data set without a counterpart."""
        mapped = {name for cell in self.cells.values() for name in cell.names}
        return tuple(name for name in self.keypoints if name not in mapped)

    @property
    def added(self) -> tuple[str, ...]:
        """New keypoints that the space gets."""
        return tuple(master for master in self.cells if master not in self.base.keypoints)

    @property
    def conflicts(self) -> tuple[str, ...]:
        """Keypoints of the space that stand for several of the data set without a rule."""
        return tuple(master for master, cell in self.cells.items() if cell.rule == UNDECIDED)

    @property
    def space(self) -> KeypointSpace:
        """The space with the new keypoints after its own."""
        return _extended(self.base, self.added, f"{self.base.name}+{self.column}")

    @property
    def modified(self) -> bool:
        """Whether there are edits that are not in a file."""
        return dict(self.cells) != dict(self._saved)

    def warnings(self, matching: Matching | None = None) -> dict[str, list[Doubt]]:
        """Return what is doubtful about each keypoint of the data set, by its name; only those with doubts.

        Several points on one without a rule, left mapped to right, and points that are not mapped; with a
        matching also pairs that the images speak against.
        """
        found: dict[str, list[Doubt]] = {}
        for keypoint in self.keypoints:
            master = self.target(keypoint)
            doubts = []
            if not master:
                doubts.append(Doubt(NOT_MAPPED, "not mapped: the table leaves it out"))
            elif master in self.conflicts:
                others = ", ".join(name for name in self.cells[master].names if name != keypoint)
                text = f"{others} is mapped to {master} too: unmap one of them or join them"
                doubts.append(Doubt("conflict", text))
            if {side(keypoint), side(master)} == {"left", "right"}:
                doubts.append(Doubt("left/right", f"{keypoint} is mapped to {master}: left or right?"))
            if matching is not None and master not in self.added:
                doubts += doubts_about(matching, keypoint, master)
            if doubts:
                found[keypoint] = doubts
        return found

    # ---------------------------------------------------------------- edits

    def assign(self, keypoint: str, master: str) -> None:
        """Map a keypoint of the data set to one of the space, whatever it was mapped to before.

        A second keypoint on the same one is allowed while editing; it takes a rule (:meth:`join`) or one of
        them has to go before the table is saved.

        Raises
        ------
        NotFoundError
            When the data set or the space has no such keypoint.
        """
        self._require_own(keypoint)
        if master not in self.space.keypoints:
            raise unknown_name(f"keypoint of space {self.base.name}", master, self.space.keypoints)
        self._move(keypoint, master)

    def add(self, keypoint: str) -> str:
        """Mark a keypoint of the data set as one that the space lacks, and return its name in the space.

        It keeps its own name, or takes that of the data set before it when the space means something else by
        that name.

        Raises
        ------
        NotFoundError
            When the data set has no such keypoint.
        """
        self._require_own(keypoint)
        if self.target(keypoint) in self.added:
            return self.target(keypoint)
        name = keypoint if keypoint not in self.space.keypoints else f"{self.column}_{keypoint}"
        self._move(keypoint, name)
        return name

    def unmap(self, keypoint: str) -> None:
        """Leave a keypoint of the data set without a counterpart.

        Raises
        ------
        NotFoundError
            When the data set has no such keypoint.
        """
        self._require_own(keypoint)
        self._move(keypoint, "")

    def join(self, master: str, rule: str) -> None:
        """Say how several keypoints become one: their ``mean``, or the ``first`` that is labelled.

        Raises
        ------
        InputError
            When the rule is unknown, or the keypoint does not stand for several.
        """
        if rule not in RULES:
            raise InputError(f"rule {rule!r}", f"known are {' and '.join(RULES)}")
        cell = self.cells.get(master, Cell(()))
        if len(cell.names) < 2:
            raise InputError(f"{master!r} stands for {len(cell.names)} keypoints", "a rule joins several")
        self._set({**self.cells, master: Cell(cell.names, rule)})

    def propose(self, targets: Mapping[str, str]) -> None:
        """Take the proposal of a matching over, {keypoint of the data set: keypoint of the space}.

        Everything else becomes unmapped, save for keypoints that were marked as new.

        Raises
        ------
        NotFoundError
            When the data set or the space has no such keypoint.
        """
        cells = {master: self.cells[master] for master in self.added}
        new = {name for cell in cells.values() for name in cell.names}
        for keypoint, master in targets.items():
            self._require_own(keypoint)
            if master not in self.base.keypoints:
                raise unknown_name(f"keypoint of space {self.base.name}", master, self.base.keypoints)
            if keypoint not in new:
                cells[master] = _with(cells.get(master), keypoint)
        self._set(cells)

    def propose_by_name(self) -> None:
        """Propose what carries the same name or a synonym, for a person to check."""
        (cells,) = draft_table(self.column, self.keypoints, self.base).columns.values()
        self.propose({cell.names[0]: master for master, cell in cells.items()})

    def undo(self) -> None:
        """Take the latest edit back."""
        self._now = max(0, self._now - 1)

    def redo(self) -> None:
        """Do the edit again that was undone last."""
        self._now = min(len(self._history) - 1, self._now + 1)

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return self._now > 0

    @property
    def can_redo(self) -> bool:
        """Whether an edit was taken back."""
        return self._now < len(self._history) - 1

    def _require_own(self, keypoint: str) -> None:
        if keypoint not in self.keypoints:
            raise unknown_name(f"keypoint of {self.column}", keypoint, self.keypoints)

    def _move(self, keypoint: str, master: str) -> None:
        if master == self.target(keypoint):
            return
        cells = {}
        for name, cell in self.cells.items():
            names = tuple(own for own in cell.names if own != keypoint)
            if names:
                cells[name] = Cell(names, cell.rule if len(names) > 1 else "first")
        if master:
            cells[master] = _with(cells.get(master), keypoint)
        self._set(cells)

    def _set(self, cells: Mapping[str, Cell]) -> None:
        if dict(cells) != dict(self.cells):
            self._history[self._now + 1 :] = [cells]
            self._now += 1

    # ---------------------------------------------------------------- table and file

    def to_table(self) -> ConversionTable:
        """Return the mapping as a table of one column, with a row for each keypoint of the space.

        Raises
        ------
        InputError
            When nothing is mapped, or several keypoints stand for one without a rule.
        """
        if not self.cells:
            raise InputError(
                f"no keypoint of {self.column} is mapped", "a table says at least what one keypoint is"
            )
        for master in self.conflicts:
            names = ", ".join(self.cells[master].names)
            raise InputError(
                f"{names} are all mapped to {master}",
                "several points become one only by an explicit rule",
                "unmap all but one, or join them by their mean or by the first that is labelled",
            )
        return ConversionTable(
            self.space.keypoints, {self.column: dict(self.cells)}, f"table of {self.column}"
        )

    def take(
        self, table: ConversionTable, column: str | None = None, space: KeypointSpace | None = None
    ) -> None:
        """Take a column of a table over, as one edit.

        Parameters
        ----------
        column
            By default the one named like the data set, or the only one.
        space
            Where the table's new keypoints are defined, when it has any.

        Raises
        ------
        NotFoundError
            When the table has no such column.
        InputError
            Naming everything in that column that the data set or the space does not have.
        """
        name = column or (next(iter(table.columns)) if len(table.columns) == 1 else self.column)
        cells = dict(table.column(name))
        require_sound(
            ConversionTable(tuple(cells), {name: cells}, table.name),
            space or self.base,
            {name: self.keypoints},
        )
        self._set(cells)

    def read(self, path: str | os.PathLike[str], column: str | None = None) -> None:
        """Take a column of a table file over, with the space that was saved beside it.

        Raises
        ------
        InputError, NotFoundError
            When the file is no table, or does not fit the data set and the space.
        """
        beside = space_path(path)
        space = load_space(beside) if beside.is_file() else None
        if space is not None:
            _require_extension(space, self.base, beside)
        self.take(load_table(path), column, space)
        self._saved = dict(self.cells)

    def write(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> list[Path]:
        """Write the table, and the space beside it when it has new keypoints.

        Other columns of a table that is there already are kept.

        Returns
        -------
        list of pathlib.Path
            The table, and the space if there is one.

        Raises
        ------
        InputError
            When the file exists and ``overwrite`` is False, when it is no table, or when the mapping is
            empty or has conflicts.
        StorageError
            When it cannot be written.
        """
        path, own = Path(path), self.to_table()
        columns: dict[str, Mapping[str, Cell]] = {}
        masters: Iterable[str] = ()
        if path.exists():
            if not overwrite:
                raise InputError(
                    f"{path} exists", "a table is never overwritten unasked", "choose another name"
                )
            there = load_table(path)
            columns, masters = dict(there.columns), there.masters
        columns.update(own.columns)
        beside, written = space_path(path), []
        known = load_space(beside) if beside.is_file() else self.base
        _require_extension(known, self.base, beside)
        space = _extended(known, [name for name in self.added if name not in known.keypoints], path.stem)
        rows = tuple(dict.fromkeys([*space.keypoints, *masters]))
        if len(space) > len(known):
            written.append(save_space(space, beside))
        written.insert(0, save_table(ConversionTable(rows, columns, path.name), path))
        self._saved = dict(self.cells)
        return written

    def write_draft(self, folder: str | os.PathLike[str]) -> Path | None:
        """Keep edits that are in no file as a table of their own, for :meth:`read` to take up later.

        Points that stand for one keypoint without a rule are joined as ``first``, since a table needs one.

        Returns
        -------
        pathlib.Path or None
            A new file in the folder; None when there is nothing but what the names propose.
        """
        fresh = KeypointMapping(self.column, self.keypoints, self.base)
        fresh.propose_by_name()
        if not self.modified or not self.cells or dict(self.cells) == dict(fresh.cells):
            return None
        draft = KeypointMapping(self.column, self.keypoints, self.base)
        draft.take(self._joined(), self.column, self.space)
        now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S-%f")
        stem = re.sub(r"[^\w.-]", "_", self.column)
        path = Path(folder) / f"{stem}-{now}.csv"
        draft.write(path)
        return path

    def _joined(self) -> ConversionTable:
        cells = {
            master: Cell(cell.names, "first") if cell.rule == UNDECIDED else cell
            for master, cell in self.cells.items()
        }
        return ConversionTable(self.space.keypoints, {self.column: cells}, self.column)


def space_path(table: str | os.PathLike[str]) -> Path:
    """Return where the space of a table with new keypoints lies: ``mice.csv``, ``mice_space.yaml``."""
    path = Path(table)
    return path.with_name(f"{path.stem}_space.yaml")


def _with(cell: Cell | None, keypoint: str) -> Cell:
    """Return a cell with one more name; a rule it has is kept."""
    if cell is None:
        return Cell((keypoint,))
    return Cell((*cell.names, keypoint), cell.rule if len(cell.names) > 1 else UNDECIDED)


def _extended(base: KeypointSpace, added: Sequence[str], name: str) -> KeypointSpace:
    if not added:
        return base
    return extend_space(base, name, added, pairs=pairs_by_name(added))


def _require_extension(space: KeypointSpace, base: KeypointSpace, path: Path) -> None:
    if space.keypoints[: len(base)] != base.keypoints:
        raise InputError(
            f"{path}: the space {space.name} does not begin with the keypoints of {base.name}",
            "new keypoints come after those of the space",
            "choose the space that the table was made for, or another file name",
        )
