"""Events sent from the process of a job to the viewer: one JSON line each.

::

    {"event": "store", "path": "clip_mini_topviewmouse.poses.zarr"}
    {"event": "started", "total": 2330, "title": "clip.mp4", "unit": "frames"}
    {"event": "progress", "done": 512, "total": 2330, "rate": 31.2, "remaining_s": 58.3, "unit": "frames"}
    {"event": "landed", "rows": [256, 264], "arrays": {"position": {"shape": [...], "data": "..."}}}
    {"event": "curve", "row": {"step": 25, "loss": 0.0123, "held_out_error_px": 6.1, ...}}
    {"event": "message", "text": "..."}
    {"event": "finished", "files": ["..."]}
    {"event": "failed", "kind": "ModelError", "problem": "...", "rule": "...", "remedy": "..."}
    {"event": "cancelled"}

A task reports anything beyond the count with ``progress.emit(kind, **payload)``. Arrays are sent as base64 of
little-endian float32 as soon as a window of frames is done, so that points appear before the first chunk of
the run store is full; other objects are sent as pickles between these two processes of the same program.
"""

from __future__ import annotations

import base64
import json
import pickle
import threading
import time
from collections.abc import Mapping
from typing import Any, TextIO

import numpy as np

from superanimal.errors import told
from superanimal.progress import Progress

REPORT_EVERY_S = 0.1


class PipeProgress(Progress):
    """Progress that is written as JSON lines."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self._out = out
        self._write_lock = threading.Lock()
        self._reported, self._told = 0.0, 0

    def emit(self, kind: str, /, **payload: Any) -> None:
        """Write one event; arrays and slices among its values are packed."""
        line = json.dumps({"event": kind, **payload}, default=_pack)
        with self._write_lock:
            self._out.write(line + "\n")
            self._out.flush()

    def start(self, total: int | None, title: str = "", unit: str = "frames") -> None:
        """Begin a stage and report it."""
        super().start(total, title, unit)
        self.emit("started", total=total, title=title, unit=unit)

    def message(self, text: str) -> None:
        """Send a message."""
        self.emit("message", text=told(text, "viewer"))

    def changed(self) -> None:
        """Report the count at most ten times a second, and at the end."""
        if time.monotonic() - self._reported >= REPORT_EVERY_S or self.done == self.total:
            self._report()

    def settle(self) -> None:
        """Report a count that is ahead of what was reported: the job ends before its end."""
        if self.done != self._told:
            self._report()

    def _report(self) -> None:
        self._reported, self._told = time.monotonic(), self.done
        self.emit(
            "progress",
            done=self._told,
            total=self.total,
            rate=self.rate,
            remaining_s=self.remaining_s,
            unit=self.unit,
        )


def _pack(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"shape": value.shape, "data": base64.b64encode(value.astype("<f4").tobytes()).decode()}
    if isinstance(value, slice):
        return [value.start, value.stop]
    raise TypeError(f"{type(value).__name__} cannot be sent in an event")


def unpack(values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return packed arrays, float32."""
    return {
        name: np.frombuffer(base64.b64decode(value["data"]), dtype="<f4").reshape(value["shape"])
        for name, value in values.items()
    }


def pack_object(value: Any) -> str:
    """Return any object as text, see :func:`unpack_object`."""
    return base64.b64encode(pickle.dumps(value)).decode()


def unpack_object(text: str) -> Any:
    """Return the object of :func:`pack_object`."""
    return pickle.loads(base64.b64decode(text))
