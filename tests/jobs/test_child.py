"""The child process: a request in, events out; an error is an event and an exit code, never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys


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
