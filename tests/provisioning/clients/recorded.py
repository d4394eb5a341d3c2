"""A server on loopback that plays one forge's answers and keeps what it was asked.

The answers are of the shapes that the forge's published API describes, written here; no real forge was asked.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request: method, path with query, and body out of JSON; a form as it is."""

    method: str
    path: str
    body: Any = None


class InTurn:
    """Several answers to the same request, one after the other; the last one for good."""

    def __init__(self, *answers: Any) -> None:
        self._answers, self._given = answers, 0

    def next(self) -> Any:
        """The answer whose turn it is."""
        self._given += 1
        return self._answers[min(self._given, len(self._answers)) - 1]


class Played(ThreadingHTTPServer):
    """Answers by (method, path with query): a document, or status, document and headers. The rest is a 404."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[tuple[str, str], Any] = {}
        self.asked: list[Asked] = []
        self.sent_headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Played

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        form = self.headers.get("Content-Type") == "application/x-www-form-urlencoded"
        said = body.decode() if form else json.loads(body) if body else None
        self.server.asked.append(Asked(self.command, self.path, said))
        self.server.sent_headers.append(dict(self.headers.items()))
        found = self.server.answers.get((self.command, self.path), (404, {"message": "404 Not Found"}))
        if isinstance(found, InTurn):
            found = found.next()
        status, document, *headers = found if isinstance(found, tuple) else (200, found)
        text = b"" if status == 204 else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        for name, value in (headers[0] if headers else {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def played() -> Iterator[Played]:
    """The server, for as long as the block lasts."""
    server = Played()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
