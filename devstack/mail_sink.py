"""A mail server for trying things out: `python -m devstack.mail_sink STACK`. It takes every mail; nothing leaves.

Mails become `<number>.eml` in the stack's folder `mail`, as they were sent. Tests have it ask for TLS and a password.
"""

import base64
import socketserver
import ssl
import sys
import threading
from pathlib import Path

from devstack.stack import open_stack


class MailSink(socketserver.ThreadingTCPServer):
    """Listens on loopback; each mail becomes a file in `folder`.

    refuse: the answer to every mail's text instead of taking it, such as `451 try later`. tls: offers STARTTLS with
    this certificate. password: takes mails only from who has signed in with it, as `NAME:PASSWORD`, after STARTTLS.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *, folder: Path, port: int = 0, tls: ssl.SSLContext | None = None, password: str = "") -> None:
        super().__init__(("127.0.0.1", port), _Conversation)
        self.folder = folder
        self.refuse = ""
        self.tls = tls
        self.password = password
        self._one = threading.Lock()

    def keep(self, mail: bytes) -> None:
        """Write one mail."""
        with self._one:
            number = len(list(self.folder.glob("*.eml"))) + 1
            (self.folder / f"{number:05}.eml").write_bytes(mail)


class _Conversation(socketserver.StreamRequestHandler):
    server: MailSink
    encrypted = False
    known = False

    def handle(self) -> None:
        self._say("220 mail sink")
        while line := self.rfile.readline(2000):
            word = line[:4].upper().strip()
            if word == b"QUIT":
                self._say("221 bye")
                return
            if word == b"STAR" and self.server.tls is not None:
                self._say("220 go on")
                try:
                    self._encrypt(self.server.tls)
                except ssl.SSLError:
                    # The other side doesn't trust the certificate.
                    return
            elif word == b"EHLO":
                self._greet()
            elif word == b"AUTH":
                self._sign_in(line)
            elif self.server.password and not self.known:
                self._say("530 sign in first")
            elif word == b"DATA":
                self._take()
            else:
                self._say("250 ok")

    def _greet(self) -> None:
        offers = ["STARTTLS"] if self.server.tls is not None and not self.encrypted else []
        offers += ["AUTH PLAIN"] if self.server.password and self.encrypted else []
        *before, last = ["mail sink", *offers]
        for line in before:
            self._say(f"250-{line}")
        self._say(f"250 {last}")

    def _encrypt(self, tls: ssl.SSLContext) -> None:
        self.connection = tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb")
        self.encrypted = True

    def _sign_in(self, line: bytes) -> None:
        _, name, password = base64.b64decode(line.split()[2]).decode().split("\0")
        self.known = self.encrypted and f"{name}:{password}" == self.server.password
        self._say("235 welcome" if self.known else "535 no")

    def _take(self) -> None:
        self._say("354 go on")
        mail = self._text()
        if not self.server.refuse:
            self.server.keep(mail)
        self._say(self.server.refuse or "250 taken")

    def _text(self) -> bytes:
        found = b""
        for line in self.rfile:
            if line == b".\r\n":
                break
            found += line[1:] if line.startswith(b".") else line
        return found

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
        self.wfile.flush()


def main(name: str) -> int:
    stack = open_stack(name)
    folder = stack.folder / "mail"
    folder.mkdir(exist_ok=True)
    MailSink(folder=folder, port=stack.ports()["mail"]).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
