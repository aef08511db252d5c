"""A server that speaks the part of the hub's protocol that a download needs."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


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
