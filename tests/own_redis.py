"""A Redis server for each of several test processes: none sees another's rings and counters, nor loses its own.

A plugin of pytest (`-p tests.own_redis`), because the portal's settings are read before any conftest. Where there is no
program for a server, because the stack's Redis is a configured one, it is a database of that one.
"""

import os
import re
import shutil
import socket
import subprocess
import time

from devstack.process_control import die_with_parent
from devstack.stack import port_is_free

_PATIENCE = 20.0


def _start(program: str) -> str:
    """Start a server that keeps nothing and ends with this process; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    subprocess.Popen(
        [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
        preexec_fn=die_with_parent(),
    )
    deadline = time.monotonic() + _PATIENCE
    while port_is_free(port):
        assert time.monotonic() < deadline, f"redis-server does not listen on port {port}"
        time.sleep(0.02)
    return f"redis://127.0.0.1:{port}"


worker = re.fullmatch(r"gw(\d+)", os.environ.get("PYTEST_XDIST_WORKER", ""))
if worker is not None and "SLIPWAY_REDIS_URL" in os.environ:
    program = shutil.which("redis-server")
    if program is not None:
        os.environ["SLIPWAY_REDIS_URL"] = f"{_start(program)}/0"
    else:
        server, _, _ = os.environ["SLIPWAY_REDIS_URL"].rpartition("/")
        # The first database is that of the stack's own portal.
        os.environ["SLIPWAY_REDIS_URL"] = f"{server}/{int(worker[1]) + 1}"
