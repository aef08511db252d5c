"""The child process: a request in, events out; an error is an event and an exit code, never a traceback."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import Any

import pytest

from superanimal.errors import Cancelled
from superanimal.jobs import child
from superanimal.progress import Progress


def run(request: dict[str, object]) -> tuple[int, list[dict[str, object]], str]:
    done = subprocess.run(
        [sys.executable, "-m", "superanimal.jobs.child"],
        input=json.dumps(request) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_an_error_is_an_event() -> None:
    code, events, errors = run({"task": "analyze", "source": "nowhere.mp4", "options": {"model": "no_such"}})
    assert code == 3
    assert events[-1]["event"] == "failed" and "no_such" in str(events[-1]["problem"])
    assert "Traceback" not in errors


def test_a_cancelled_job_reports_all_that_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def hasty(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
        progress.start(1000)
        for _ in range(3):  # sooner than the count is reported again
            progress.advance(8)
        raise Cancelled()

    out = io.StringIO()
    monkeypatch.setitem(child.TASKS, "hasty", hasty)
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"task": "hasty"}\n'))
    monkeypatch.setattr(sys, "stdout", out)
    assert child.main() == Cancelled.exit_code
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [event["event"] for event in events[-2:]] == ["progress", "cancelled"]
    assert events[-2]["done"] == 24
