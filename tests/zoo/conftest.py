"""Fixtures of the zoo's tests: a home of their own, a small checkpoint, and a hub on this computer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hub_server import HubServer


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test its own folder of models and licences."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SUPERANIMAL_HOME", str(folder))
    for name in ("HF_ENDPOINT", "HF_HUB_OFFLINE", "HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture(scope="session")
def ssdlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small checkpoint as DeepLabCut writes it: an SSDLite detector."""
    from superanimal.zoo.architectures import build_network

    path = tmp_path_factory.mktemp("weights") / "superanimal_quadruped_ssdlite.pt"
    torch.manual_seed(0)
    state = build_network("ssdlite", 2).state_dict()
    torch.save({"model": state, "metadata": {"epoch": 3, "metrics": {"mAP": np.float64(0.5)}}}, path)
    return path


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """Run a hub on this computer and point the project to it."""
    server = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    yield server
    server.close()


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run ``superanimal ...`` in this process; returns exit code, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        import sys

        from superanimal.cli import main

        before, sys.argv = sys.argv, ["superanimal", *arguments]
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        finally:
            sys.argv = before
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
