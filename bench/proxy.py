"""A counting proxy: one loopback port in front of one server, every request written down. It changes nothing.

The numbers about calls are taken here and not from our own counters, so a call that our code forgot is counted too.
"""

import http.client
import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection"}


@dataclass(frozen=True)
class Seen:
    """One request."""

    method: str
    path: str

    @property
    def writes(self) -> bool:
        """Does the method change something?"""
        return self.method not in ("GET", "HEAD", "OPTIONS")


class CountingProxy:
    """Use as a context manager: inside, `url` leads to the upstream, and `seen` lists what went through."""

    def __init__(self, upstream: str, *, certificate: Path | None = None, key: Path | None = None) -> None:
        """upstream: http or https address. certificate, key: PEM files to serve TLS with (for an https upstream)."""
        self.seen: list[Seen] = []
        parts = urlsplit(upstream)
        handler = _handler(
            host=str(parts.hostname), port=int(parts.port or 0), tls=parts.scheme == "https", log=self.seen
        )
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        if certificate is not None and key is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{parts.scheme}://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "CountingProxy":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def writes(self) -> list[Seen]:
        """The requests that change something."""
        return [one for one in self.seen if one.writes]


def _handler(*, host: str, port: int, tls: bool, log: list[Seen]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Without it the last packet of each answer waits for an acknowledgement of the one before.
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            if tls:
                # The upstream is our own server on loopback; who it is was checked where the proxy's address was made.
                context = ssl._create_unverified_context()
                self.upstream: http.client.HTTPConnection = http.client.HTTPSConnection(host, port, context=context)
            else:
                self.upstream = http.client.HTTPConnection(host, port)

        def finish(self) -> None:
            self.upstream.close()
            super().finish()

        def forward(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(length) if length else None
            log.append(Seen(method=self.command, path=self.path))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            self.upstream.request(self.command, self.path, body=body, headers=headers)
            answer = self.upstream.getresponse()
            payload = answer.read()
            self.send_response(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP_BY_HOP | {"content-length", "date", "server"}:
                    self.send_header(name, value)
            if self.command == "HEAD":
                self.send_header("Content-Length", answer.getheader("Content-Length", "0"))
            elif answer.status not in (204, 304):
                self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(payload)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = forward

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
