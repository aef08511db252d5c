"""Fixtures of the zoo's tests: a home of their own, a small checkpoint, and a hub on this computer."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch


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


class HubServer:
    """A server with one file that answers HEAD and GET as the hub does, range requests included."""

    def __init__(self) -> None:
        self.content = b""
        self.cut_after: list[int] = []
        self.status = 200
        self.etag: str | None = None
        self.requests: list[tuple[str, str, str | None]] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                pass

            def do_HEAD(self) -> None:
                hub.requests.append(("HEAD", self.path, None))
                self._start(hub.status, len(hub.content))

            def do_GET(self) -> None:
                wanted = self.headers.get("Range")
                hub.requests.append(("GET", self.path, wanted))
                start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
                body = hub.content[start:]
                self._start(206 if wanted else hub.status, len(body), start)
                if hub.cut_after:
                    self.wfile.write(body[: hub.cut_after.pop(0)])
                    self.wfile.flush()
                    self.close_connection = True
                else:
                    self.wfile.write(body)

            def _start(self, status: int, length: int, start: int = 0) -> None:
                self.send_response(status)
                etag = hub.etag or hashlib.sha256(hub.content).hexdigest()
                self.send_header("ETag", f'"{etag}"')
                self.send_header("X-Repo-Commit", "c" * 40)
                self.send_header("Content-Length", str(length if status < 400 else 0))
                if status == 206:
                    total = len(hub.content)
                    self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


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
