"""The child process that runs a job: ``python -m superanimal.jobs.child``.

It reads one JSON line from standard input, ``{"task": ..., ...}`` for one of :data:`TASKS`, and writes one
JSON line per event to standard output::

    {"event": "store", "path": "clip_mini_topviewmouse.poses.zarr"}
    {"event": "started", "total": 2330, "done": 0, "title": "clip.mp4"}
    {"event": "progress", "done": 512, "total": 2330, "rate": 31.2, "remaining_s": 58.3}
    {"event": "landed", "rows": [256, 264], "arrays": {"position": {"shape": [...], "data": "..."}}}
    {"event": "curve", "row": {"step": 25, "loss": 0.0123, "held_out_error_px": 6.1, ...}}
    {"event": "message", "text": "..."}
    {"event": "finished", "store": "...", "files": ["..."]}
    {"event": "failed", "kind": "ModelError", "problem": "...", "rule": "...", "remedy": "..."}
    {"event": "cancelled"}

Results travel as base64 of little-endian float32 as soon as a window of frames is done, so that points appear
before the first chunk of the run store is full; whole objects travel as pickles between these two processes,
which are one program. The line ``cancel`` on standard input, or its end (the viewer
is gone), asks the job to stop.
"""

from __future__ import annotations

import base64
import json
import pickle
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from superanimal.errors import Cancelled, SuperAnimalError, told
from superanimal.progress import Progress

REPORT_EVERY_S = 0.1


class PipeProgress(Progress):
    """Progress that is written as JSON lines."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self._out = out
        self._write_lock = threading.Lock()
        self._reported = 0.0

    def send(self, event: str, **fields: Any) -> None:
        """Write one event."""
        with self._write_lock:
            self._out.write(json.dumps({"event": event, **fields}) + "\n")
            self._out.flush()

    def start(self, total: int | None, title: str = "", unit: str = "frames") -> None:
        """Begin a stage and report it."""
        super().start(total, title, unit)
        self.send("started", total=total, title=title, unit=unit)

    def message(self, text: str) -> None:
        """Pass a message on."""
        self.send("message", text=told(text, "viewer"))

    def changed(self, info: dict[str, Any]) -> None:
        """Pass results on, and report the count at most ten times a second, and at the end."""
        if "results" in info:
            rows = info["rows"]
            self.send("landed", rows=[rows.start, rows.stop], arrays=pack(info["results"]))
        if "curve" in info:
            self.send("curve", row=info["curve"])
        now = time.monotonic()
        if now - self._reported >= REPORT_EVERY_S or self.done == self.total:
            self._reported = now
            self.send(
                "progress",
                done=self.done,
                total=self.total,
                rate=self.rate,
                remaining_s=self.remaining_s,
                unit=self.unit,
            )


def pack(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return arrays as JSON values, see :func:`unpack`."""
    return {
        name: {"shape": array.shape, "data": base64.b64encode(array.astype("<f4").tobytes()).decode()}
        for name, array in arrays.items()
    }


def unpack(values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the arrays of :func:`pack`, float32."""
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


def analyze(job: dict[str, Any], progress: PipeProgress) -> dict[str, Any]:
    """Analyse the video ``job["source"]`` with ``job["options"]`` for ``Analyzer``."""
    from superanimal.inference import Analyzer

    source, analyzer = Path(job["source"]), Analyzer(**job["options"])
    progress.send("store", path=str(analyzer.store_path(source)))
    analysis = analyzer.run(source, progress=progress)
    return {"store": str(analysis.store), "files": [str(file) for file in analysis.files]}


def match(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Run a model on a labelled set; the result is the matching and the poses."""
    from superanimal.inference.labelled_images import predict_images
    from superanimal.keypoints.matching.match import match_predictions
    from superanimal.zoo import download

    labels = unpack_object(job["labels"])
    download(job["model"], accept_license=job["accept_license"], progress=progress)
    predictions = predict_images(labels, job["model"], boxes="labels", progress=progress)
    return {"result": pack_object((match_predictions(labels, predictions), predictions))}


def train(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Train a model with ``job["options"]`` for ``finetune``; the result is its folder."""
    from superanimal.training.finetuning.finetune import finetune
    from superanimal.zoo import download

    options = unpack_object(job["options"])
    download(options["model"], accept_license=job["accept_license"], progress=progress)
    return {"files": [str(finetune(**options, progress=progress).model.folder)]}


def gauge(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Measure how long a sample takes in the training of ``job["model"]``."""
    from superanimal.training.finetuning.duration import seconds_per_sample
    from superanimal.zoo import get_entry

    seconds = seconds_per_sample(get_entry(job["model"]), job["batch"], job["device"])
    return {"seconds_per_sample": seconds}


def take_in(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Take the trained model ``job["folder"]`` into the list of models."""
    from superanimal.zoo import import_model

    return {"model": import_model(job["folder"], job["name"]).name}


TASKS = {"analyze": analyze, "match": match, "train": train, "gauge": gauge, "take_in": take_in}


def main() -> int:
    """Run one job and return the exit code."""
    out = sys.stdout
    sys.stdout = sys.stderr  # whatever a library prints must not break the protocol
    job = json.loads(sys.stdin.readline())
    progress = PipeProgress(out)
    threading.Thread(target=_listen, args=(progress,), daemon=True).start()
    try:
        progress.send("finished", **TASKS[job["task"]](job, progress))
    except Cancelled:
        progress.send("cancelled")
        return Cancelled.exit_code
    except SuperAnimalError as error:
        problem, rule, remedy = error.parts("viewer")
        progress.send("failed", kind=type(error).__name__, problem=problem, rule=rule, remedy=remedy)
        return error.exit_code
    return 0


def _listen(progress: Progress) -> None:
    for line in sys.stdin:
        if line.strip() == "cancel":
            break
    progress.cancel()


if __name__ == "__main__":
    sys.exit(main())
