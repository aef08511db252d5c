"""Fixtures of the zoo's tests: a home of their own, and a hub on this computer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import HubServer


@pytest.fixture(autouse=True)
def _own_home(home: Path) -> None:
    """Give every test its own folder of models and licences."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """Run a hub on this computer and point the project to it."""
    server = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    yield server
    server.close()
