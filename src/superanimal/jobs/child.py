"""The child process that runs a job: ``python -m superanimal.jobs.child``.

It reads one JSON line from standard input, ``{"task": ..., ...}`` for one of
:data:`superanimal.jobs.tasks.TASKS`, and writes events to standard output (:mod:`superanimal.jobs.events`).
The line ``cancel`` on standard input, or its end (the viewer is gone), asks the job to stop.
"""

from __future__ import annotations

import json
import os
import sys
import threading

from superanimal.errors import Cancelled, SuperAnimalError
from superanimal.jobs.events import PipeProgress
from superanimal.jobs.tasks import TASKS
from superanimal.progress import Progress


def main() -> int:
    """Run one job and return the exit code."""
    out = sys.stdout
    sys.stdout = sys.stderr  # output printed by libraries must not break the protocol
    job = json.loads(sys.stdin.readline())
    progress = PipeProgress(out)
    threading.Thread(target=_listen, args=(progress,), daemon=True).start()
    try:
        progress.emit("finished", **TASKS[job["task"]](job, progress))
    except Cancelled:
        progress.settle()
        progress.emit("cancelled")
        return Cancelled.exit_code
    except SuperAnimalError as error:
        problem, rule, remedy = error.parts("viewer")
        progress.settle()
        progress.emit("failed", kind=type(error).__name__, problem=problem, rule=rule, remedy=remedy)
        return error.exit_code
    return 0


def _listen(progress: Progress) -> None:
    for line in sys.stdin:
        if line.strip() == "cancel":
            break
    progress.cancel()


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # all is written; unloading torch takes seconds in which a cancelled job seems to hang
