"""A chat for trying things out: `python -m devstack.chat_sink STACK`. It keeps every message that is posted as a file.

An address is `/<channel>`; messages become `<channel>-<number>.json` in the stack's folder `chat`.
"""

import json
import re
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from devstack.stack import open_stack

BODY_LIMIT = 64 * 1024


@dataclass
class Mood:
    """How it answers, for tests: with this status and these headers instead of taking the message."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class ChatSink(ThreadingHTTPServer):
    """Listens on loopback. `moods`: by channel, when it is not to take everything."""

    daemon_threads = True

    def __init__(self, *, folder: Path, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.folder = folder
        self.moods: dict[str, Mood] = {}
        self._one = threading.Lock()

    def keep(self, channel: str, message: object) -> None:
        """Write one message."""
        with self._one:
            number = len(list(self.folder.glob(f"{channel}-*.json"))) + 1
            text = json.dumps(message, indent=2, ensure_ascii=False)
            (self.folder / f"{channel}-{number:05}.json").write_text(text + "\n", encoding="utf-8")


class _Handler(BaseHTTPRequestHandler):
    server: ChatSink

    def do_POST(self) -> None:
        """Take a message; what is none is refused."""
        channel = self.path.strip("/")
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"[a-z0-9-]+", channel):
            self._answer(Mood(status=404))
        elif not length.isdigit() or int(length) > BODY_LIMIT:
            self._answer(Mood(status=413))
        else:
            self._take(channel, self.rfile.read(int(length)))

    def _take(self, channel: str, body: bytes) -> None:
        mood = self.server.moods.get(channel, Mood())
        try:
            message = json.loads(body)
        except ValueError:
            mood = Mood(status=400)
        if mood.status == 200:
            self.server.keep(channel, message)
        self._answer(mood)

    def _answer(self, mood: Mood) -> None:
        self.send_response(mood.status)
        for name, value in mood.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what came is in the files."""


def main(name: str) -> int:
    stack = open_stack(name)
    folder = stack.folder / "chat"
    folder.mkdir(exist_ok=True)
    ChatSink(folder=folder, port=stack.ports()["chat"]).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
