"""HTTP calls of the dev stack itself (readiness, preparation, the sample), on the standard library."""

import http.client
import json
import ssl
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What a server said: the HTTP status and the whole body."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body as JSON; raises ValueError where it is none, and returns None for an empty body."""
        return json.loads(self.body) if self.body else None

    def said(self) -> str:
        """The status and the beginning of the body, for an error text."""
        return f"HTTP {self.status}: {self.body[:300].decode(errors='replace').strip()}"


def call(
    method: str,
    url: str,
    *,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    ca: Path | None = None,
    timeout: float = 10.0,
) -> Answer:
    """One request; `body` is sent as JSON, `timeout` is in seconds, redirects are not followed.

    Raises OSError (or http.client.HTTPException) when nobody answers.
    """
    parts = urllib.parse.urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = dict(headers or {})
    payload = None
    if body is not None:
        payload = json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
    try:
        connection.request(method, target, body=payload, headers=sent)
        response = connection.getresponse()
        return Answer(status=response.status, body=response.read())
    finally:
        connection.close()
