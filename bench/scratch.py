"""A database of its own beside the stack's, for measurements that fill it with what nobody is to tend."""

import json
import os
import subprocess
import sys
from typing import Any

import psycopg


def apart(module: str, *arguments: str) -> dict[str, Any]:
    """Run `python -m module` on an empty database that is removed afterwards; the last line it prints, as data."""
    base, _, name = os.environ["SLIPWAY_DATABASE_URL"].rpartition("/")
    scratch = f"{name}_{module.rpartition('.')[2]}"
    with psycopg.connect(f"{base}/{name}", autocommit=True) as connection:
        connection.execute(f"drop database if exists {scratch} with (force)")
        connection.execute(f"create database {scratch}")
        try:
            done = subprocess.run(
                [sys.executable, "-m", module, *arguments],
                env={**os.environ, "SLIPWAY_DATABASE_URL": f"{base}/{scratch}", "SLIPWAY_METRICS_PORT": "0"},
                stdout=subprocess.PIPE,
                text=True,
                check=False,
            )
        finally:
            connection.execute(f"drop database if exists {scratch} with (force)")
    if done.returncode != 0:
        sys.exit(f"{module} could not measure, see above")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
