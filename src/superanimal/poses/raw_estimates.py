"""Raw network estimates for a chunk of frames, before identities, legs and offsets are linked.

One file per chunk (``chunks/000000.npz`` in the run store), written atomically; chunks may be computed
independently and in any order. Animals of all rows are concatenated, best box first within a row::

    number      (n,)                animals in each of the first n rows of the chunk
    points      (a, K, 2) float32   x, y in pixels of the original frame
    confidence  (a, K)    float32   0..1
    boxes       (a, 4)    float32   x, y, width, height in pixels
    scores      (a,)      float32   of the boxes
    peaks       (a, P, ...) float32 candidate positions of P pairs of look-alike keypoints
    record                          JSON: version, first row, state of the estimator after the last row
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from superanimal.errors import FormatError
from superanimal.files import atomic_write

VERSION = 1
ARRAYS = ("points", "confidence", "boxes", "scores", "peaks")


@dataclass(frozen=True)
class RawEstimates:
    """The animals in n consecutive rows of a chunk.

    Attributes
    ----------
    first
        Index of the first row in the run.
    number : (n,) int64
        Number of animals in each row; the sum is a.
    arrays
        :data:`ARRAYS` by name, float32, first axis the a animals.
    state
        State of the estimator at the start of the next row; JSON values.
    """

    first: int
    number: np.ndarray
    arrays: dict[str, np.ndarray]
    state: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.number)

    @property
    def stop(self) -> int:
        """The row after the last."""
        return self.first + len(self)

    @property
    def pairs(self) -> int:
        """Number of pairs of look-alike keypoints, P."""
        return int(self.arrays["peaks"].shape[1])

    def rows(self) -> list[dict[str, np.ndarray]]:
        """Return the arrays of each row."""
        ends = np.cumsum(self.number)[:-1]
        split = {name: np.split(array, ends) for name, array in self.arrays.items()}
        return [{name: parts[i] for name, parts in split.items()} for i in range(len(self))]

    def from_row(self, row: int) -> RawEstimates:
        """Return the rows of the run starting at ``row``."""
        skipped = self.number[: row - self.first].sum()
        arrays = {name: array[skipped:] for name, array in self.arrays.items()}
        return RawEstimates(row, self.number[row - self.first :], arrays, self.state)


def join(parts: Sequence[RawEstimates]) -> RawEstimates:
    """Concatenate consecutive parts, with the state of the last."""
    return RawEstimates(
        parts[0].first,
        np.concatenate([part.number for part in parts]),
        {name: np.concatenate([part.arrays[name] for part in parts]) for name in ARRAYS},
        parts[-1].state,
    )


def write_raw(path: Path, raw: RawEstimates) -> None:
    """Write estimates to one file, atomically.

    Raises
    ------
    StorageError
        When the disk is full or not writable.
    """
    record = json.dumps({"version": VERSION, "first": raw.first, "state": raw.state}, sort_keys=True)
    with atomic_write(path) as file, file.open("wb") as handle:
        np.savez(handle, record=np.array(record), number=raw.number, **raw.arrays)  # type: ignore[arg-type]


def read_raw(path: Path) -> RawEstimates | None:
    """Read estimates; None if there are none, or if the file is damaged and must be recomputed.

    Raises
    ------
    FormatError
        When they were written by a newer version of this software.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            record = json.loads(str(file["record"]))
            if record["version"] > VERSION:
                raise FormatError(
                    f"{path} has version {record['version']}",
                    f"this software reads raw estimates of version {VERSION}",
                    "update napari-superanimal",
                )
            arrays = {name: file[name] for name in ARRAYS}
            raw = RawEstimates(int(record["first"]), file["number"], arrays, dict(record["state"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None
    return raw if all(len(array) == raw.number.sum() for array in arrays.values()) else None
