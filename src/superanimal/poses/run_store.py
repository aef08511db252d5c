"""A run on disk: a zarr group that grows by whole chunks, so that finished work is never lost.

Layout of ``<video>_<model>.poses.zarr`` (zarr version 3, T frames, N individuals, K keypoints)::

    position        (T, N, K, 2) float32   x, y in pixels of the original frame, NaN = absent
    confidence      (T, N, K)    float32   0..1
    boxes           (T, N, 4)    float32   x, y, width, height in pixels
    box_confidence  (T, N)       float32   0..1
    frame           (T,)         int64     index of each row in the video
    chunks/000000.npz ...                  raw estimates of a chunk, see superanimal.poses.raw_estimates
    chunks/000000.json ...                 one marker per chunk of 256 rows with linked results
    edits/journal.jsonl                    manual corrections, see superanimal.poses.journal

Raw estimates of a chunk do not depend on other chunks. Results do: identities and legs are linked in order,
from the state at the end of the previous chunk. A chunk is therefore valid only with its marker, which is
written last, by an atomic rename. The marker holds that state and the number of finished rows, which is
smaller than the chunk if a run was stopped or is extended to more frames. A killed run resumes at the first
missing row and ends with the same bytes as an uninterrupted run; a run with raw estimates can be relinked
with other options without running the networks.

Version 1 had no raw estimates. Such stores can be read, and resume at the unfinished chunk.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from filelock import FileLock, Timeout

from superanimal.errors import FormatError, NotFoundError, StorageError, SuperAnimalError, option
from superanimal.files import atomic_write, storage_error
from superanimal.poses import make_poses
from superanimal.poses.journal import Journal
from superanimal.poses.raw_estimates import RawEstimates, read_raw, write_raw

SUFFIX = ".poses.zarr"
"""Ending of the folder of a run."""

CHUNK = 256
"""Frames per chunk."""
LEFT_OVER_S = 3600.0
"""Seconds after which a file of raw estimates that is not in place yet counts as that of a killed process."""
KIND = "superanimal-poses"
VERSION = 2

_REMEDY = (
    "files exported earlier are not affected; for a complete store, start the analysis of the video "
    f"over{option('resume', 'False', '--overwrite')}: the existing store is then kept under another name"
)
_RESULTS = ("position", "confidence", "boxes", "box_confidence")


class RunStore:
    """A pose run on disk, opened with :meth:`create` or :meth:`open`.

    Attributes
    ----------
    path : Path
        The folder.
    attrs : dict
        keypoints, individuals, fps, video_path, identity (which must match to resume), provenance.
    """

    def __init__(self, path: Path, group: zarr.Group) -> None:
        self.path = path
        self.group = group
        self.attrs: dict[str, Any] = dict(group.attrs)

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        *,
        frames: np.ndarray,
        keypoints: Sequence[str],
        individuals: Sequence[str],
        fps: float | None = None,
        video_path: str = "",
        identity: Mapping[str, Any] | None = None,
        provenance: Mapping[str, Any] | None = None,
    ) -> RunStore:
        """Create an empty store, atomically: of several processes, one succeeds.

        Parameters
        ----------
        frames : (T,)
            Index of each row in the video.
        keypoints, individuals
            Names.
        identity
            Everything that determines the results: a run can be resumed only with the same identity.
        provenance
            Record of what ran.

        Raises
        ------
        StorageError
            When the path already exists or is not writable.
        """
        path = Path(path)
        taken = StorageError(f"{path} already exists", remedy="open it, or choose another name")
        if path.exists():
            raise taken
        attrs: dict[str, Any] = {
            "kind": KIND,
            "version": VERSION,
            "keypoints": list(keypoints),
            "individuals": list(individuals),
            "fps": fps,
            "video_path": video_path,
            "identity": dict(identity or {}),
            "provenance": dict(provenance or {}),
        }
        rows, animals, points = len(frames), len(individuals), len(keypoints)
        new = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
        with _writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            group = zarr.open_group(new, mode="w", zarr_format=3, attributes=attrs)
            for name, shape in _shapes(rows, animals, points).items():
                group.create_array(
                    name,
                    shape=shape,
                    chunks=(CHUNK, *shape[1:]),
                    dtype="float32",
                    fill_value=np.nan,
                )
            index = group.create_array("frame", shape=(rows,), chunks=(max(rows, 1),), dtype="int64")
            index[:] = np.asarray(frames, dtype=np.int64)
            group.create_group("chunks")
            try:
                new.rename(path)  # fails when another process was first: its folder is not empty
            except OSError:
                shutil.rmtree(new, ignore_errors=True)
                if path.exists():
                    raise taken from None
                raise
        return cls.open(path)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> RunStore:
        """Open a store, even while another process is writing it.

        Raises
        ------
        NotFoundError
            When the path does not exist.
        FormatError
            When the folder is not a pose store.
        """
        path = Path(path)
        if not path.exists():
            raise NotFoundError(f"{path}: no such store")
        if not is_store(path):
            raise FormatError(
                f"{path} is not a pose store",
                "a pose store is a folder *.poses.zarr created by analyze, with a zarr.json",
                _REMEDY,
            )
        with _reading(path):
            store = cls(path, zarr.open_group(path, mode="r+", zarr_format=3))
            if store.attrs.get("version") not in range(1, VERSION + 1):
                raise FormatError(
                    f"{path} has version {store.attrs.get('version')}",
                    rule=f"this software reads versions up to {VERSION}",
                    remedy="update napari-superanimal",
                )
            store._check()
        return store

    def _check(self) -> None:
        """Raise :class:`FormatError` unless names, shapes and frame numbers are present and consistent."""
        rows, animals, points = len(self), len(self.attrs["individuals"]), len(self.attrs["keypoints"])
        for name, shape in _shapes(rows, animals, points).items():
            found = self._array(name).shape
            if found[1:] != shape[1:] or found[0] < rows:  # more: an extension was interrupted
                raise FormatError(f"{self.path}: {name} is {found}, not {shape}", "", _REMEDY)
        if any(key not in self.attrs for key in ("fps", "video_path", "identity", "provenance")):
            raise FormatError(f"{self.path}: zarr.json is incomplete", "", _REMEDY)
        if rows > 1 and not (self.path / "frame" / "c" / "0").is_file():
            raise FormatError(f"{self.path}: the frame numbers are missing", "", _REMEDY)

    def __len__(self) -> int:
        """Return the total number of frames, finished or not."""
        return int(self._array("frame").shape[0])

    @property
    def n_chunks(self) -> int:
        """Number of chunks of the complete run."""
        return -(-len(self) // CHUNK)

    def rows(self, chunk: int) -> slice:
        """Return the row range of a chunk."""
        return slice(chunk * CHUNK, min((chunk + 1) * CHUNK, len(self)))

    def marker(self, chunk: int) -> Path:
        """Return the path of the marker of a chunk."""
        return self.path / "chunks" / f"{chunk:06d}.json"

    def finished_chunks(self) -> list[int]:
        """Return the chunks in which all rows have results, in order."""
        chunks = self._begun_chunks()
        if chunks and self._stop(chunks[-1]) < self.rows(chunks[-1]).stop:
            chunks.pop()
        return chunks

    def finished_rows(self) -> np.ndarray:
        """Return which rows have results, bool (T,)."""
        finished = np.zeros(len(self), dtype=bool)
        chunks = self._begun_chunks()
        for chunk in chunks:
            finished[self.rows(chunk)] = True
        if chunks:
            finished[self._stop(chunks[-1]) :] = False
        return finished

    def finished_frames(self) -> int:
        """Return the number of frames with results."""
        return int(self.finished_rows().sum())

    def _begun_chunks(self) -> list[int]:
        """Return the chunks with a marker, in order; only the last may be partially finished."""
        numbers = (int(f.stem) for f in (self.path / "chunks").glob("*.json") if f.stem.isdigit())
        return sorted(number for number in numbers if number < self.n_chunks)

    def _stop(self, chunk: int) -> int:
        """Return the row after the last one with results in a chunk."""
        with _reading(self.path):
            return int(json.loads(self.marker(chunk).read_text("utf-8"))["rows"][1])

    def resume_point(self) -> tuple[int, dict[str, Any]]:
        """Return the first unfinished chunk and the state it is linked from ({} for the first)."""
        done = set(self.finished_chunks())
        chunk = next((i for i in range(self.n_chunks) if i not in done), self.n_chunks)
        with _reading(self.path):
            state = json.loads(self.marker(chunk - 1).read_text("utf-8"))["state"] if chunk else {}
        return chunk, state

    def read_raw(self, chunk: int, pairs: int) -> RawEstimates | None:
        """Return the raw estimates of a chunk, or of its first rows.

        Parameters
        ----------
        pairs
            Required number of pairs of look-alike keypoints.

        Returns
        -------
        RawEstimates or None
            None if there are none with these pairs, or they are damaged and must be recomputed.
        """
        raw = read_raw(self._raw(chunk))
        if raw is None or raw.pairs != pairs:
            return None
        rows = self.rows(chunk)
        return raw if raw.first == rows.start and raw.stop <= rows.stop else None

    def write_raw(self, chunk: int, raw: RawEstimates) -> None:
        """Write the raw estimates of a chunk, or of its first rows.

        Raises
        ------
        StorageError
            When the disk is full or not writable.
        """
        write_raw(self._raw(chunk), raw)

    def _raw(self, chunk: int) -> Path:
        return self.marker(chunk).with_suffix(".npz")

    def unlink_results(self, attrs: Mapping[str, Any]) -> None:
        """Delete all results, so that they are relinked from the raw estimates.

        Parameters
        ----------
        attrs
            Attributes that change with it.

        Raises
        ------
        StorageError
            When the disk is full or not writable.
        """
        with _writing(self.path):
            for chunk in reversed(self._begun_chunks()):
                self.marker(chunk).unlink()
            self.group.update_attributes(dict(attrs))
        self.attrs = dict(self.group.attrs)

    def write_chunk(self, chunk: int, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        """Write the rows of a chunk, flush them to disk, then write the marker.

        Parameters
        ----------
        arrays
            ``position`` (n, N, K, 2), ``confidence`` (n, N, K), ``boxes`` (n, N, 4),
            ``box_confidence`` (n, N) for the rows of the chunk, or its first n.
        state
            State from which the next chunk is linked; JSON values.

        Raises
        ------
        StorageError
            When the disk is full or not writable; finished chunks are not affected.
        """
        start = self.rows(chunk).start
        rows = slice(start, start + len(arrays["position"]))
        with _writing(self.path):
            for name in _RESULTS:
                array = self._array(name).with_config({"write_empty_chunks": True})
                array[rows] = np.asarray(arrays[name], dtype=np.float32)
                _flush(self.path / name / "c" / str(chunk))
            marker = {"rows": [rows.start, rows.stop], "state": state, "arrays": list(_RESULTS)}
            with atomic_write(self.marker(chunk)) as file:
                file.write_text(json.dumps(marker, sort_keys=True), encoding="utf-8")

    def extend(self, frames: np.ndarray, attrs: Mapping[str, Any]) -> None:
        """Extend the store by more frames; existing frames do not change.

        After an interruption, calling it again completes the extension.

        Parameters
        ----------
        frames : (T,)
            Video frame of each row, existing rows first.
        attrs
            Attributes that change with it.

        Raises
        ------
        StorageError
            When the disk is full or not writable.
        """
        with _writing(self.path):
            for name in _RESULTS:
                array = self._array(name)
                array.resize((len(frames), *array.shape[1:]))
            index = self._array("frame")
            index.resize((len(frames),))
            index[:] = np.asarray(frames, dtype=np.int64)
            self.group.update_attributes(dict(attrs))
        self.attrs = dict(self.group.attrs)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Lock the store for writing, after removing incomplete data of a killed run.

        Raises
        ------
        StorageError
            When another process is writing to it.
        """
        lock = FileLock(self.path / "chunks" / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise StorageError(
                f"{self.path} is being written by another process", remedy="wait for it, or stop it"
            ) from None
        except OSError as error:
            raise storage_error(self.path, error) from error
        try:
            with _writing(self.path):
                for left_over in self._left_overs():
                    left_over.unlink(missing_ok=True)
                if self.attrs["version"] < VERSION:
                    self.group.update_attributes({"version": VERSION})
                    self.attrs = dict(self.group.attrs)
            yield
        finally:
            lock.release()

    def _left_overs(self) -> list[Path]:
        """Return the incomplete files of killed runs.

        Raw estimates are written without the lock: young ones may belong to a process that is at work.
        """
        chunks, since = self.path / "chunks", time.time() - LEFT_OVER_S
        hidden = [f for f in chunks.glob(".*") if f.suffix != ".npz" or not _younger(f, since)]
        return [*self.path.rglob("*.partial"), *hidden, chunks / "begun.npz"]  # the last of version 1

    def to_poses(self) -> xr.Dataset:
        """Return the pose data set with manual corrections applied; unfinished rows are NaN.

        Raises
        ------
        FormatError
            When a finished chunk is damaged or missing.
        """
        unfinished = ~self.finished_rows()
        with _reading(self.path):
            for chunk in self._begun_chunks():
                for name in json.loads(self.marker(chunk).read_text("utf-8")).get("arrays", ()):
                    if not (self.path / name / "c" / str(chunk)).exists():
                        raise FormatError(f"{self.path}: chunk {chunk} of {name} is missing", "", _REMEDY)
            values = {name: self._array(name)[: len(self)] for name in _RESULTS}
            frames = np.asarray(self._array("frame")[:])
        for array in values.values():
            array[unfinished] = np.nan
        poses = make_poses(
            values["position"].transpose(0, 3, 2, 1),
            values["confidence"].transpose(0, 2, 1),
            keypoints=self.attrs["keypoints"],
            individuals=self.attrs["individuals"],
            fps=self.attrs["fps"],
            frames=frames,
            boxes=values["boxes"].transpose(0, 2, 1),
            box_confidence=values["box_confidence"],
            source_software=self.attrs["provenance"].get("software", "napari-superanimal"),
            source_file=str(self.path),
            video_path=self.attrs["video_path"],
            provenance=self.attrs["provenance"],
        )
        return Journal(self.path, poses).apply(poses)

    def additions(self) -> list[str]:
        """Return the names of foreign files and folders in the store."""
        own = {"zarr.json", "frame", "chunks", *_RESULTS}
        names = (entry.name for entry in self.path.iterdir())
        return sorted(name for name in names if name not in own and not name.startswith("."))

    def delete(self) -> None:
        """Remove the store from the disk.

        Raises
        ------
        StorageError
            When another process is writing to it.
        """
        gone = self.path.with_name(f".{self.path.name}.old")
        with self.exclusive():
            pass
        with _writing(self.path):
            shutil.rmtree(gone, ignore_errors=True)
            self.path.rename(gone)
            shutil.rmtree(gone)

    def _array(self, name: str) -> Any:
        return self.group[name]


def _shapes(rows: int, animals: int, points: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of results."""
    return {
        "position": (rows, animals, points, 2),
        "confidence": (rows, animals, points),
        "boxes": (rows, animals, 4),
        "box_confidence": (rows, animals),
    }


def run_name(path: Path) -> str:
    """Return the name of a run: that of its folder without the ending."""
    return path.name.removesuffix(SUFFIX)


def is_store(path: str | os.PathLike[str]) -> bool:
    """Return whether a folder is a pose store of this project, without opening it."""
    try:
        text = (Path(path) / "zarr.json").read_text("utf-8")
        return json.loads(text).get("attributes", {}).get("kind") == KIND
    except (OSError, ValueError, AttributeError):
        return False


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Translate any error from a damaged store into a FormatError."""
    try:
        yield
    except SuperAnimalError:
        raise
    except Exception as error:  # damaged bytes can make zarr fail anywhere
        raise FormatError(f"{path}: damaged store ({type(error).__name__}: {error})", "", _REMEDY) from error


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Translate errors of the operating system into a StorageError."""
    try:
        yield
    except OSError as error:
        raise storage_error(path, error) from error


def _younger(file: Path, since: float) -> bool:
    """Return whether a file was written after a time in seconds, by the clock of its file system."""
    try:
        return file.stat().st_mtime > since
    except FileNotFoundError:
        return False


def _flush(folder: Path) -> None:
    """Flush the files of one chunk to disk."""
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb+") as handle:
                os.fsync(handle.fileno())
