"""An editable keypoint mapping: edits with undo, warnings, conversion to and from a table.

The mapping assigns a keypoint of a space to each keypoint of a data set, or adds a new one if the space has
no counterpart. A finished mapping is one column of a conversion table
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
"""Kind of the warning about a keypoint without a counterpart."""
UNDECIDED = ""
"""Rule of a cell with several names for which no rule has been chosen yet."""


class KeypointMapping:
    """Mapping from the keypoints of a data set to those of a space.

    Parameters
    ----------
    column
        Name of the data set, used as the column of the table.
    keypoints
        The data set's own keypoints.
    base
        The space they are mapped to. New keypoints follow its own (:attr:`space`).

    Raises
    ------
    InputError
        When the data set has no keypoints or no name.
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

    # ---------------------------------------------------------------- content

    @property
    def cells(self) -> Mapping[str, Cell]:
        """Cell of each keypoint of the space that has a counterpart."""
        return MappingProxyType(self._history[self._now])

    def target(self, keypoint: str) -> str:
        """Return the keypoint of the space that a keypoint of the data set is mapped to, or an empty text."""
        self._require_own(keypoint)
        return next((master for master, cell in self.cells.items() if keypoint in cell.names), "")

    def find(self, text: str) -> str:
        """Return the keypoint of the space with this name, or the only one that contains this text.

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
            raise InputError(problem, "a keypoint maps to one keypoint", "type more of its name")
        return found[0]

    @property
    def unmapped(self) -> tuple[str, ...]:
        """Keypoints of the data set without a counterpart."""
        mapped = {name for cell in self.cells.values() for name in cell.names}
        return tuple(name for name in self.keypoints if name not in mapped)

    @property
    def added(self) -> tuple[str, ...]:
        """New keypoints added to the space."""
        return tuple(master for master in self.cells if master not in self.base.keypoints)

    @property
    def conflicts(self) -> tuple[str, ...]:
        """Keypoints of the space to which several of the data set are mapped without a rule."""
        return tuple(master for master, cell in self.cells.items() if cell.rule == UNDECIDED)

    @property
    def space(self) -> KeypointSpace:
        """The space with the new keypoints appended."""
        return _extended(self.base, self.added, f"{self.base.name}+{self.column}")

    @property
    def modified(self) -> bool:
        """Whether there are unsaved edits."""
        return dict(self.cells) != dict(self._saved)

    def warnings(self, matching: Matching | None = None) -> dict[str, list[Doubt]]:
        """Return the warnings by keypoint of the data set; keypoints without warnings are omitted.

        Warnings are about several points mapped to one without a rule, left mapped to right, and unmapped
        points; with a matching, also about pairs that the images contradict.
        """
        found: dict[str, list[Doubt]] = {}
        for keypoint in self.keypoints:
            master = self.target(keypoint)
            doubts = []
            if not master:
                doubts.append(Doubt(NOT_MAPPED, "not mapped: the table leaves it out"))
            elif master in self.conflicts:
                others = ", ".join(name for name in self.cells[master].names if name != keypoint)
                text = f"{others} is also mapped to {master}: unmap one of them or join them"
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
        """Map a keypoint of the data set to one of the space, replacing any earlier mapping.

        Mapping a second keypoint to the same one is allowed while editing; before the table is saved, choose
        a rule (:meth:`join`) or unmap one of them.

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
        """Add a keypoint of the data set to the space, and return its name in the space.

        It keeps its own name, or is prefixed with the name of the data set if the space uses that name for
        another keypoint.

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
        """Set how several keypoints become one: their ``mean``, or the ``first`` that is labelled.

        Raises
        ------
        InputError
            When the rule is unknown, or only one keypoint is mapped to ``master``.
        """
        if rule not in RULES:
            raise InputError(f"rule {rule!r}", f"known are {' and '.join(RULES)}")
        cell = self.cells.get(master, Cell(()))
        if len(cell.names) < 2:
            raise InputError(
                f"{master!r} stands for {len(cell.names)} keypoints", "a rule joins several keypoints"
            )
        self._set({**self.cells, master: Cell(cell.names, rule)})

    def propose(self, targets: Mapping[str, str]) -> None:
        """Adopt the proposal of a matching, {keypoint of the data set: keypoint of the space}.

        All other keypoints become unmapped, except those added as new.

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
        """Propose keypoints with the same name or a synonym, for manual review."""
        (cells,) = draft_table(self.column, self.keypoints, self.base).columns.values()
        self.propose({cell.names[0]: master for master, cell in cells.items()})

    def undo(self) -> None:
        """Undo the latest edit."""
        self._now = max(0, self._now - 1)

    def redo(self) -> None:
        """Redo the edit that was undone last."""
        self._now = min(len(self._history) - 1, self._now + 1)

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to undo."""
        return self._now > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to redo."""
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
        """Return the mapping as a one-column table, with a row for each keypoint of the space.

        Raises
        ------
        InputError
            When nothing is mapped, or several keypoints map to one without a rule.
        """
        if not self.cells:
            raise InputError(
                f"no keypoint of {self.column} is mapped", "a table needs at least one mapped keypoint"
            )
        for master in self.conflicts:
            names = ", ".join(self.cells[master].names)
            raise InputError(
                f"{names} are all mapped to {master}",
                "combining several points into one requires an explicit rule",
                "unmap all but one, or join them by their mean or by the first that is labelled",
            )
        return ConversionTable(
            self.space.keypoints, {self.column: dict(self.cells)}, f"table of {self.column}"
        )

    def take(
        self, table: ConversionTable, column: str | None = None, space: KeypointSpace | None = None
    ) -> None:
        """Adopt a column of a table, as one edit.

        Parameters
        ----------
        column
            By default the one named after the data set, or the only one.
        space
            Space that defines the new keypoints of the table, if it has any.

        Raises
        ------
        NotFoundError
            When the table has no such column.
        InputError
            Listing every name in that column that the data set or the space lacks.
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
        """Adopt a column of a table file, with the space saved beside it.

        Raises
        ------
        InputError, NotFoundError
            When the file is not a table, or does not match the data set and the space.
        """
        beside = space_path(path)
        space = load_space(beside) if beside.is_file() else None
        if space is not None:
            _require_extension(space, self.base, beside)
        self.take(load_table(path), column, space)
        self._saved = dict(self.cells)

    def write(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> list[Path]:
        """Write the table, and the space beside it if it has new keypoints.

        Other columns of an existing table are kept.

        Returns
        -------
        list of pathlib.Path
            The table, and the space if there is one.

        Raises
        ------
        InputError
            When the file exists and ``overwrite`` is False, when it is not a table, or when the mapping is
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
                    f"{path} exists", "a table is never overwritten silently", "choose another name"
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
        """Save unsaved edits as a separate table, which :meth:`read` can restore later.

        Several points mapped to one keypoint without a rule are joined by ``first``, because a table requires
        a rule.

        Returns
        -------
        pathlib.Path or None
            A new file in the folder; None if the mapping is only what the names propose.
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
    """Return the path of the space of a table with new keypoints: ``mice.csv``, ``mice_space.yaml``."""
    path = Path(table)
    return path.with_name(f"{path.stem}_space.yaml")


def _with(cell: Cell | None, keypoint: str) -> Cell:
    """Return a cell with one more name, keeping its rule."""
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
            "new keypoints must follow those of the space",
            "choose the space that the table was created for, or another file name",
        )
