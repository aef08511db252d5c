from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from superanimal.cli import main


class Said(NamedTuple):
    """Exit code and the words of a command, with its line breaks undone."""

    code: int
    out: str
    err: str


@pytest.fixture
def superanimal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run ``superanimal ARGUMENTS`` as the console script does."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["superanimal", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return Said(int(stop.value.code or 0), out, err)

    return call
