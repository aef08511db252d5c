"""The journal of manual corrections to poses, written as they are made.

A journal is an append-only text file of JSON lines, so that a crash loses at most the edit being written. It
is stored in the run (``clip_model.poses.zarr/edits/journal.jsonl``), beside a pose file
(``clip.h5.edits.jsonl``), or in the user's state folder if neither is writable::

    {"kind": "superanimal-edits", "version": 1, "keypoints": ["nose", ...], "individuals": [...], "of": ""}
    {"op": "edit", "at": "2026-11-27T15:40:12+00:00", "points": [[120, 0, 3, 81.25, 40.5, 1.0]]}
    {"op": "edit", "at": "...", "points": [[120, 0, 4, null, null, null]]}
    {"op": "undo", "at": "...", "points": [[120, 0, 3]]}
    {"op": "saved", "at": "...", "files": ["/data/clip.h5"]}

A point is ``[when, individual, keypoint, x, y, confidence]``. ``when`` is the frame, or the image name for
poses of labelled images; individual and keypoint are indices into the names of the last preceding head line.
Values are those after the step, null if absent: a deleted point is all null. An entry without values means
that the point has its original value, because its edit was undone. Later lines take precedence, and ``edit``,
``undo`` and ``redo`` all carry values, so the state can be read regardless of the kind of step. ``of`` is the
SHA-256 of the corrected pose file; a run needs none.

Saving keeps the net result and drops the preceding steps.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from superanimal.errors import FormatError, StorageError
from superanimal.files import atomic_write, sha256_of, storage_error

KIND = "superanimal-edits"
VERSION = 1
STEPS = ("edit", "undo", "redo")

When = int | str
#: Where a point is: frame or image, individual, keypoint.
Place = tuple[When, str, str]
#: x, y and confidence of a point after it was edited; None where absent.
Value = tuple[float | None, float | None, float | None]


class JournalWarning(UserWarning):
    """Some corrections could not be kept or shown."""


@dataclass
class _Content:
    """The content of a journal: the net result, the one at the last save, and unreadable lines."""

    net: dict[Place, Value] = field(default_factory=dict)
    saved: dict[Place, Value] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    of: str = ""
    damaged: int = 0


class Journal:
    """The corrections to one run or pose file. Nothing is written before the first edit.

    Parameters
    ----------
    poses
        The run's folder, or the pose file.
    ds
        The poses, for their names and the frame or image of each row.

    Attributes
    ----------
    home : Path
        The run's folder, or the pose file.
    """

    def __init__(self, poses: str | os.PathLike[str], ds: xr.Dataset) -> None:
        self.home = Path(poses)
        self.when = times_of(ds)
        self.keypoints = [str(name) for name in ds[ds["position"].dims[2]].values]
        self.individuals = [str(name) for name in ds[ds["position"].dims[3]].values]
        self._headed: Path | None = None  # the file with the current head line

    @property
    def paths(self) -> tuple[Path, Path]:
        """Possible locations of the journal: with the poses, and in the user's state folder."""
        return journal_paths(self.home)

    # ---------------------------------------------------------------- writing

    def append(
        self,
        step: str,
        points: tuple[np.ndarray, np.ndarray, np.ndarray],
        xy: np.ndarray,
        confidence: np.ndarray,
        edited: np.ndarray,
    ) -> None:
        """Append one step and flush it to disk.

        Parameters
        ----------
        step
            "edit", "undo" or "redo".
        points
            Time, individual and keypoint indices of n points, each of shape (n,).
        xy, confidence, edited
            Their values after the step, shapes (n, 2) in pixels, (n,) and (n,). A point left unmarked by undo
            has its original value.

        Raises
        ------
        StorageError
            When neither the location of the poses nor the user's state folder is writable.
        """
        entries = []
        for t, i, k, position, score, mark in zip(*points, xy, confidence, edited, strict=True):
            back = not mark and step != "edit"
            values = [] if back else [_number(v) for v in (*position, score)]
            entries.append([self.when[int(t)], int(i), int(k), *values])
        self._write({"op": step, "at": _now(), "points": entries})

    def saved(self, files: Iterable[str | os.PathLike[str]]) -> None:
        """Record that the poses were saved; preceding steps are merged into one.

        If the pose file itself was saved, it holds the corrections and the journal is removed.
        """
        names = [str(Path(file).resolve()) for file in files]
        if str(self.home.resolve()) in names:
            self._remove()
            return
        content = self._read()
        there = [path for path in self.paths if path.exists()]
        note = {"op": "saved", "at": _now(), "files": names}
        if len(there) == 1 and not content.damaged:
            self._rewrite(there[0], content.net, note)
        elif there:
            self._write(note)

    def discard(self) -> None:
        """Discard all corrections since the last save."""
        content = self._read()
        there = [path for path in self.paths if path.exists()]
        self._headed = None
        if content.damaged:  # unreadable lines may hold more than the discarded corrections
            for path in there:
                _move(path)
            return
        if content.saved and there:
            note = {"op": "saved", "at": _now(), "files": content.files}
            self._rewrite(there.pop(0), content.saved, note)
        for path in there:
            path.unlink()

    def _write(self, record: dict[str, Any]) -> None:
        if not self.home.exists():
            raise StorageError(
                f"{self.home} no longer exists", "corrections are stored with it", "save the poses to a file"
            )
        for path in self.paths:
            headed = self._headed == path and path.exists()
            try:
                _append(path, [record] if headed else [self._head(), record])
            except OSError as error:
                if path == self.paths[-1]:
                    raise storage_error(path, error) from error
            else:
                self._headed = path
                return

    def _rewrite(self, path: Path, net: dict[Place, Value], note: dict[str, Any]) -> None:
        individual = {name: i for i, name in enumerate(self.individuals)}
        keypoint = {name: k for k, name in enumerate(self.keypoints)}
        heads = [self._head()]
        strangers = [place for place in net if place[1] not in individual or place[2] not in keypoint]
        for _, who, what in strangers:  # keep corrections that do not match these poses
            individual.setdefault(who, len(individual))
            keypoint.setdefault(what, len(keypoint))
        if strangers:
            heads = [{**heads[0], "keypoints": [*keypoint], "individuals": [*individual]}]
        points = [[when, individual[i], keypoint[k], *net[when, i, k]] for when, i, k in net]
        records = [*heads, {"op": "edit", "at": _now(), "points": points}, note]
        with atomic_write(path) as file:
            file.write_text("".join(_line(record) for record in records), encoding="utf-8")
        self._headed = None if strangers else path

    def _remove(self) -> None:
        for path in self.paths:
            path.unlink(missing_ok=True)
        self._headed = None

    def _head(self) -> dict[str, Any]:
        return {
            "kind": KIND,
            "version": VERSION,
            "keypoints": self.keypoints,
            "individuals": self.individuals,
            "of": sha256_of(self.home) if self.home.is_file() else "",
        }

    # ---------------------------------------------------------------- reading

    def unsaved(self) -> bool:
        """Return whether there are corrections that are not in a saved file."""
        content = self._read()
        return content.net != content.saved

    def apply(self, ds: xr.Dataset) -> xr.Dataset:
        """Return the poses with corrections applied and marked as ``edited``; unchanged if there are none.

        If the content of the pose file has changed since, its journal is moved aside under a dated name.

        Raises
        ------
        FormatError
            When the journal was written by a newer version.

        Warns
        -----
        JournalWarning
            When corrections cannot be read, do not match, or belong to an earlier file.
        """
        content = self._read()
        if content.damaged:
            _warn(
                f"{content.damaged} lines of the journal of {self.home.name} cannot be read and are ignored"
            )
        if not content.net:
            return ds
        if content.of and content.of != sha256_of(self.home):
            kept = [_move(path) for path in self.paths if path.exists()]
            _warn(
                f"{self.home.name} is not the file that was corrected: the {len(content.net)} corrections of "
                f"the earlier one are not shown, and kept in {', '.join(map(str, kept))}"
            )
            return ds
        at = {when: t for t, when in enumerate(self.when)}
        individual = {name: i for i, name in enumerate(self.individuals)}
        keypoint = {name: k for k, name in enumerate(self.keypoints)}
        fitting = [p for p in content.net if p[0] in at and p[1] in individual and p[2] in keypoint]
        if len(fitting) < len(content.net):
            _warn(
                f"{len(content.net) - len(fitting)} of {len(content.net)} corrections belong to frames or "
                f"names that {self.home.name} does not have; they remain in its journal"
            )
        if not fitting:
            return ds
        t = [at[when] for when, _, _ in fitting]
        i = [individual[name] for _, name, _ in fitting]
        k = [keypoint[name] for _, _, name in fitting]
        values = np.array([content.net[place] for place in fitting], dtype=np.float32)  # None becomes NaN
        position, confidence = ds["position"].copy(), ds["confidence"].copy()
        edited = ds["edited"].copy() if "edited" in ds else xr.zeros_like(ds["confidence"], dtype=bool)
        position.values[t, :, k, i] = values[:, :2]
        confidence.values[t, k, i] = values[:, 2]
        edited.values[t, k, i] = True
        return ds.assign(position=position, confidence=confidence, edited=edited)

    def _read(self) -> _Content:
        content = _Content()
        for path in self.paths:
            try:
                lines = path.read_bytes().splitlines()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise storage_error(path, error) from error
            _take(content, lines, path)
        return content


def journal_paths(poses: Path) -> tuple[Path, Path]:
    """Return the path of the journal of a run or pose file, and the fallback path if that is read-only."""
    if poses.is_dir():
        beside = poses / "edits" / "journal.jsonl"
    else:
        beside = poses.with_name(f"{poses.name}.edits.jsonl")
    key = hashlib.sha256(str(poses.resolve()).encode()).hexdigest()[:12]
    return beside, _state_folder() / f"{poses.name[:100]}-{key}.edits.jsonl"


def times_of(ds: xr.Dataset) -> list[When]:
    """Return identifiers of the rows of poses: image names, frames, or else their index."""
    for coordinate in ("image", "frame"):
        if coordinate in ds.coords:
            values: list[When] = ds[coordinate].values.tolist()
            if len(set(values)) == len(values):
                return values
    return list(range(ds.sizes["time"]))


def _take(content: _Content, lines: Sequence[bytes], path: Path) -> None:
    """Read the lines of one file into ``content``."""
    head: dict[str, Any] | None = None
    for line in filter(None, lines):
        try:
            record = json.loads(line)
            if record.get("kind") == KIND:
                if record["version"] > VERSION:
                    raise FormatError(
                        f"{path} has version {record['version']}",
                        f"this software reads corrections of version {VERSION}",
                        "update napari-superanimal, or move the file away to open the poses without them",
                    )
                head, content.of = record, str(record["of"])
            elif record["op"] == "saved":
                content.saved, content.files = dict(content.net), list(record["files"])
            elif record["op"] not in STEPS or head is None:
                content.damaged += 1
            else:
                for place, value in [_point(point, head) for point in record["points"]]:
                    if value is None:
                        content.net.pop(place, None)
                    else:
                        content.net[place] = value
        except (ValueError, LookupError, TypeError, AttributeError):
            content.damaged += 1


def _point(point: list[Any], head: dict[str, Any]) -> tuple[Place, Value | None]:
    when, i, k, *values = point
    if not isinstance(when, (int, str)) or i < 0 or k < 0 or len(values) not in (0, 3):
        raise ValueError(point)
    place = (when, str(head["individuals"][i]), str(head["keypoints"][k]))
    x, y, score = [None if v is None else float(v) for v in values] if values else (None, None, None)
    return place, (x, y, score) if values else None


def _append(path: Path, records: list[dict[str, Any]]) -> None:
    """Append lines to a file and flush them; a line truncated by a crash is terminated first."""
    path.parent.mkdir(exist_ok=True, parents=path.is_relative_to(_state_folder()))
    text = "".join(map(_line, records)).encode()
    with path.open("ab+") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                text = b"\n" + text
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n"


def _number(value: Any) -> float | None:
    """Return a float32 as the shortest number that round-trips, and NaN as None."""
    return float(str(np.float32(value))) if np.isfinite(value) else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _state_folder() -> Path:
    import platformdirs

    root = os.environ.get("SUPERANIMAL_STATE") or platformdirs.user_state_path("superanimal")
    return Path(root) / "edits"


def _dated(path: Path) -> Path:
    """Return an unused path beside ``path`` with date and time before its suffix."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = (f"{path.stem}.{stamp}{n}{path.suffix}" for n in ("", *(f"-{i}" for i in range(2, 1000))))
    return next(free for name in names if not (free := path.with_name(name)).exists())


def _move(path: Path) -> Path:
    return path.rename(_dated(path))


def _warn(text: str) -> None:
    warnings.warn(text, JournalWarning, stacklevel=3)
