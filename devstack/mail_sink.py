"""A mail server for trying things out: it takes every mail and keeps it as a file; nothing leaves the machine."""

import socketserver
from pathlib import Path


class MailSink(socketserver.ThreadingTCPServer):
    """Listens on loopback; each mail becomes `<number>.eml` in `folder`, as it was sent.

    refuse: the answer to every mail's text instead of taking it, such as `451 try later`.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *, folder: Path, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Conversation)
        self.folder = folder
        self.refuse = ""

    def keep(self, mail: bytes) -> None:
        """Write one mail."""
        number = len(list(self.folder.glob("*.eml"))) + 1
        (self.folder / f"{number:05}.eml").write_bytes(mail)


class _Conversation(socketserver.StreamRequestHandler):
    server: MailSink

    def handle(self) -> None:
        self._say("220 mail sink")
        while line := self.rfile.readline(2000):
            word = line[:4].upper().strip()
            if word == b"QUIT":
                self._say("221 bye")
                return
            if word == b"DATA":
                self._say("354 go on")
                mail = self._text()
                if not self.server.refuse:
                    self.server.keep(mail)
                self._say(self.server.refuse or "250 taken")
            else:
                self._say("250 ok")

    def _text(self) -> bytes:
        found = b""
        for line in self.rfile:
            if line == b".\r\n":
                break
            found += line[1:] if line.startswith(b".") else line
        return found

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
