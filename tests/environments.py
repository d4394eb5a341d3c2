"""Environments for programs that tests start, each made once from a lock with hashes."""

from pathlib import Path

import pytest

from devstack import python_env
from devstack.errors import StackError


def programs_of(lock: Path) -> Path:
    """The folder with the programs of a locked environment. Skips where no index of packages can be reached."""
    try:
        return python_env.ensure_locked(lock, what="what a test needs") / "bin"
    except StackError as error:
        if "No matching distribution" in error.why or "Connection" in error.why:
            pytest.skip(f"NOT TESTED: pip can't install {lock.name}: {error.why.splitlines()[-1]}")
        raise
