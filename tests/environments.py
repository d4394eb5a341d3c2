"""Environments for programs that tests start, each made once from a lock with hashes."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from devstack import ci_run, python_env


def programs_of(lock: Path) -> Path:
    """The folder with the programs of a locked environment. Skips where no index of packages can be reached.

    It lies where runs of CI in the dev stack keep theirs, so that a project's lock is installed once for both.
    """
    venv = ci_run.cache_folder() / f"venv-{python_env.digest(lock)[:16]}"
    venv.parent.mkdir(parents=True, exist_ok=True)
    with venv.with_suffix(".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (venv / "complete").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
            pip = [str(venv / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", "--require-hashes"]
            done = subprocess.run([*pip, "-r", str(lock)], capture_output=True, text=True, check=False)
            if "No matching distribution" in done.stderr or "Connection" in done.stderr:
                pytest.skip(f"NOT TESTED: pip can't install {lock.name}: {done.stderr.splitlines()[-1]}")
            assert done.returncode == 0, done.stderr
            (venv / "complete").touch()
    return venv / "bin"
