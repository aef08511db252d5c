"""Core jobs in a child process, controlled from the viewer.

The models and the GPU are used by the child: a crash or an out-of-memory kill there never affects the viewer,
and finished work is kept in the run store. See :mod:`superanimal.jobs.events` for the protocol.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from qtpy.QtCore import QCoreApplication, QObject, QProcess, QProcessEnvironment, QTimer, Signal

from superanimal.errors import InputError
from superanimal.jobs.events import unpack

if TYPE_CHECKING:
    from superanimal.poses.run_store import RunStore

LOG_LINES = 12
RESULTS = ("position", "confidence", "boxes", "box_confidence")

RUNNING = ("starting", "running", "cancelling")


@dataclass
class Report:
    """Progress of a job.

    Attributes
    ----------
    state
        "starting", "running", "cancelling", "finished", "cancelled", "failed" or "died".
    done, total
        Units of work since this start.
    rate, remaining_s
        Units per second and estimated remaining seconds; None if unknown.
    text
        Last message of the job, or its error.
    remedy, kind
        Remedy for an error, and the name of the error.
    files
        Written files, once finished.
    """

    state: str = "starting"
    done: int = 0
    total: int | None = None
    rate: float = 0.0
    remaining_s: float | None = None
    unit: str = "frames"
    text: str = "Loading the model"
    remedy: str = ""
    kind: str = ""
    files: list[Path] = field(default_factory=list)

    @property
    def running(self) -> bool:
        """Whether the child process is running."""
        return self.state in RUNNING


class ChildJob(QObject):
    """A core job in a child process: start, cancel, progress reports and outcome.

    A job that shows results as they arrive is a subclass that handles further events of the child
    (:meth:`take_event`).

    Parameters
    ----------
    request
        Request to the child, as JSON values: ``{"task": ...}`` of :mod:`superanimal.jobs.tasks` and the
        arguments of the task. None if a subclass provides it (:meth:`request`).
    parent
        Its Qt parent.

    Attributes
    ----------
    report
        Current progress.
    result
        Result of the task, once finished.

    Signals
    -------
    reported(Report)
        After every change.
    """

    reported = Signal(object)

    #: Name of the job in messages, and remedy if its process dies.
    name = "job"
    remedy = "Start it again. If this happens again, there may not be enough memory."
    #: Unit of the work, and messages shown while the job stops and afterwards.
    unit = "frames"
    stopping = "stopping…"
    kept = "nothing was changed"
    #: Time in milliseconds that the child may take to stop on request; 0: it has nothing to save.
    grace_ms = 8_000
    #: Time in milliseconds that it may take when the viewer is closed.
    farewell_ms = 2_000

    def __init__(self, request: dict[str, Any] | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._request = request or {}
        self.report = Report()
        self.result: dict[str, Any] = {}
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self._buffer = b""
        self._outcome = ""  # last event of the child; it takes effect once the process has ended
        self._process: QProcess | None = None
        self._kill = QTimer(self)
        self._kill.setSingleShot(True)
        self._kill.timeout.connect(self._insist)
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.stop)

    @property
    def running(self) -> bool:
        """Whether the child process is running."""
        return self.report.running

    @property
    def pid(self) -> int:
        """Process id of the child, 0 when there is none."""
        return int(self._process.processId()) if self._process is not None else 0

    @property
    def stops_slowly(self) -> bool:
        """Whether stopping takes so long that the user may not want to wait."""
        return self.grace_ms >= 60_000

    def request(self) -> dict[str, Any]:
        """Return the request to the child, as JSON values."""
        return self._request

    def take_event(self, kind: str, event: dict[str, Any]) -> None:
        """Handle an event of the child other than progress."""

    def end_with(self, viewer: Any) -> None:
        """End the job when the window of a viewer is closed."""
        window = getattr(getattr(viewer, "__wrapped__", viewer), "window", None)
        if window is not None:  # a model of a viewer has none
            window._qt_window.destroyed.connect(self.stop)

    def start(self) -> None:
        """Start or restart the child process.

        Raises
        ------
        InputError
            When the job is running already.
        """
        if self._process is not None:
            raise InputError(f"this {self.name} is already running", "one at a time", "cancel it first")
        self.report, self.result, self._buffer, self._outcome = Report(), {}, b"", ""
        self.log.clear()
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUNBUFFERED", "1")
        if not environment.contains(
            "OMP_WAIT_POLICY"
        ):  # else waiting threads occupy the cores that the viewer needs
            environment.insert("OMP_WAIT_POLICY", "PASSIVE")
        process.setProcessEnvironment(environment)
        process.readyReadStandardOutput.connect(self._read_events)
        process.readyReadStandardError.connect(self._read_log)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        self._process = process
        process.start(sys.executable, ["-m", "superanimal.jobs.child"])
        process.write(json.dumps(self.request()).encode() + b"\n")
        self.reported.emit(self.report)

    def cancel(self) -> None:
        """Ask the child to stop and keep finished work; kill it after a grace time.

        A child that stops slowly is killed immediately on the second call.
        """
        if self._process is None:
            return
        if self.report.state == "cancelling":
            if self.stops_slowly:
                self._insist()
            return
        nothing_to_keep = self.report.state == "starting" or not self.grace_ms
        self.report.state = "cancelling"
        self.reported.emit(self.report)
        if nothing_to_keep:
            self._process.kill()
        else:
            self._process.write(b"cancel\n")
            self._kill.start(self.grace_ms)

    def stop(self) -> None:
        """Stop the child before the viewer closes, and wait for it; finished work is kept."""
        process = self._process
        if process is None:
            return
        self.blockSignals(True)  # all listeners are being closed
        process.finished.disconnect(self._on_finished)
        process.errorOccurred.disconnect(self._on_error)
        kept = False
        if self.grace_ms and self.report.state != "starting":
            process.write(b"cancel\n")
            kept = process.waitForFinished(self.farewell_ms)
        if not kept:
            process.kill()
            process.waitForFinished(self.farewell_ms)
        self._close("cancelled")
        self.blockSignals(False)

    # ---------------------------------------------------------------- events of the child

    def _read_events(self) -> None:
        assert self._process is not None
        self._buffer += bytes(self._process.readAllStandardOutput().data())
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            if line.startswith(b"{"):
                self._on_event(json.loads(line))
            else:  # a library wrote past Python
                self.log.append(line.decode(errors="replace"))
        if lines:
            self.reported.emit(self.report)

    def _on_event(self, event: dict[str, Any]) -> None:
        kind, report = event.pop("event"), self.report
        if kind == "started":
            report.total, report.done = event["total"], 0
            report.text, report.unit = event["title"], event["unit"]
            if report.state == "starting":
                report.state = "running"
        elif kind == "progress":
            report.done, report.total, report.unit = event["done"], event["total"], event["unit"]
            report.rate, report.remaining_s = event["rate"], event["remaining_s"]
        elif kind == "message":
            report.text = event["text"]
            self.log.append(event["text"])
        elif kind == "finished":
            self._outcome, report.text, self.result = kind, "", event
            report.files = [Path(file) for file in event.get("files", ())]
        elif kind == "cancelled":
            self._outcome, report.text = kind, ""
        elif kind == "failed":
            self._outcome = kind
            report.text = "; ".join(part for part in (event["problem"], event["rule"]) if part)
            report.remedy, report.kind = event["remedy"], event["kind"]
        self.take_event(kind, event)

    def _read_log(self) -> None:
        assert self._process is not None
        text = bytes(self._process.readAllStandardError().data()).decode(errors="replace")
        self.log.extend(line for line in text.splitlines() if line.strip())

    def _on_error(self, error: Any) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self.log.append(f"{sys.executable} could not be started")
            self._die("could not be started")

    def _on_finished(self, code: int, status: Any) -> None:
        self._read_events()
        self._read_log()
        if self._outcome:
            self._close(self._outcome)
        elif self.report.state == "cancelling":
            self._close("cancelled")
        else:
            crashed = status == QProcess.ExitStatus.CrashExit
            self._die("was ended by the system" if crashed else f"ended with code {code}")

    def _die(self, how: str) -> None:
        self.report.text = f"The {self.name} process {how}."
        self.report.remedy = self.remedy
        if any("out of memory" in line.lower() for line in self.log):
            self.report.remedy = f"It ran out of memory. Close other programs. {self.remedy}"
        if self.log:
            self.report.remedy += "\n\nLast output:\n" + "\n".join(self.log)
        self._close("died")

    def _close(self, state: str) -> None:
        self._kill.stop()
        if self._process is not None:
            self._process.deleteLater()
            self._process = None
        self.report.state = state
        self.reported.emit(self.report)

    def _insist(self) -> None:
        if self._process is not None:
            process = self._process
            process.terminate()
            QTimer.singleShot(2000, process.kill)


class Job(ChildJob):
    """The analysis of one video.

    Parameters
    ----------
    source
        The video.
    options
        Keyword arguments of ``superanimal.inference.Analyzer``, as JSON values.

    Signals
    -------
    opened(RunStore)
        The store is open, with the results of earlier starts.
    landed(slice, dict)
        Time indices of new results, and the arrays.
    """

    opened = Signal(object)
    landed = Signal(object, object)

    name = "analysis"
    kept = "finished frames are kept"
    remedy = "Finished frames are kept: press Resume to continue. If it fails again, memory may be too small."

    def __init__(self, source: Path, options: dict[str, Any], parent: QObject | None = None) -> None:
        super().__init__(parent=parent)
        self.source, self.options = source, options
        self.store_path: Path | None = None  # known to the child once it has loaded the model
        self._store: RunStore | None = None

    def request(self) -> dict[str, Any]:
        """Return the call of ``superanimal.analyze``."""
        return {"task": "analyze", "source": str(self.source), "options": self.options}

    def start(self) -> None:
        """Start or restart the child process: it continues where the store ends.

        Raises
        ------
        InputError
            When the job is running already.
        """
        # import the modules for reading the store while the child loads its models, not when points arrive
        threading.Thread(target=import_module, args=("superanimal.poses.run_store",), daemon=True).start()
        super().start()

    def start_over(self) -> None:
        """Start from the first frame, discarding the results of an earlier run."""
        options = self.options
        self.reopen()
        self.options = {**options, "resume": False}
        try:
            self.start()
        finally:
            self.options = options

    def reopen(self) -> None:
        """Close the store, so that it is announced again."""
        self._store = None

    def take_event(self, kind: str, event: dict[str, Any]) -> None:
        """Open the store when the work starts, and forward results."""
        if kind == "store":
            self.store_path = Path(event["path"])
        elif kind == "started":
            self._open_store()
        elif kind == "landed":
            self.landed.emit(slice(*event["rows"]), unpack(event["arrays"]))

    def _close(self, state: str) -> None:
        if state in ("died", "cancelled"):
            self._fetch_last_chunk()
        super()._close(state)

    def _open_store(self) -> None:
        """Open the run store, which exists as soon as the child reports progress."""
        from superanimal.poses.run_store import RunStore

        if self._store is None and self.store_path is not None:
            self._store = RunStore.open(self.store_path)
            self.opened.emit(self._store)

    def _fetch_last_chunk(self) -> None:
        """Read the last finished chunk: a child that died may have written it without an event."""
        from superanimal.poses.run_store import CHUNK

        if self._store is None:
            return
        group, finished = cast("Any", self._store.group), np.flatnonzero(self._store.finished_rows())
        if len(finished):
            begin = self._store.rows(int(finished[-1]) // CHUNK).start
            rows = slice(begin, int(finished[-1]) + 1)
            self.landed.emit(rows, {name: np.asarray(group[name][rows]) for name in RESULTS})
