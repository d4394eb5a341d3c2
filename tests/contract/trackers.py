"""A real MLflow server for tests, started as the dev stack starts its own."""

import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from devstack import tracker
from tests.contract.stack import eventually
from tests.environments import programs_of


@contextmanager
def serving(folder: Path, *, default_permission: str = tracker.NO_PERMISSIONS) -> Iterator[tuple[str, str]]:
    """Address of a server with an empty database, and the password of its administrator `admin`.

    default_permission: what an account may do on an experiment that it was given nothing on.
    """
    programs_of(tracker.LOCK)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    password, url = secrets.token_urlsafe(24), f"http://127.0.0.1:{port}"
    tracker.write_settings(folder, password=password, default_permission=default_permission)
    environment = {**os.environ, **tracker.environment(folder, sessions=secrets.token_urlsafe(24))}
    command = tracker.command(folder, port=port)
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        eventually(lambda: _answers(url), seconds=180)
        yield url, password
    finally:
        # Nothing of it is kept, and to end in order takes it seconds.
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(timeout=30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
