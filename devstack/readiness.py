"""How the supervisor finds out that a server can be used."""

import http.client
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from devstack.calls import call

# The supervisor asks again and again from its only thread: an answer must come at once or count as none.
PATIENCE = 0.3


@dataclass(frozen=True)
class Listens:
    """Ready when something accepts connections on the port."""

    port: int
    address: str = "127.0.0.1"


@dataclass(frozen=True)
class Answers:
    """Ready when the URL answers 200."""

    url: str
    ca: Path | None = None


@dataclass(frozen=True)
class Succeeds:
    """Ready when the command ends with code 0."""

    command: tuple[str, ...]


@dataclass(frozen=True)
class Says:
    """Ready when the process has written this text to its log since it was started."""

    text: str


Check = Listens | Answers | Succeeds | Says


def is_ready(check: Check, *, log: Path, since: int) -> bool:
    """Ask once; never raises, never takes longer than about a third of a second.

    `log` is the process's log, of which the first `since` bytes are older than the process.
    """
    if isinstance(check, Says):
        with log.open("rb") as file:
            file.seek(since)
            return check.text.encode() in file.read()
    if isinstance(check, Listens):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.settimeout(PATIENCE)
            return probe.connect_ex((check.address, check.port)) == 0
    if isinstance(check, Succeeds):
        try:
            done = subprocess.run(check.command, capture_output=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0
    try:
        answer = call("GET", check.url, ca=check.ca, timeout=PATIENCE)
    except (OSError, http.client.HTTPException):
        return False
    return answer.status == 200
