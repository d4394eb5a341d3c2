"""The virtual environments, from hash-locked requirements: the portal's, that of project templates, and others.

Copier has one of its own, so that a template's rendering has no package of the portal in reach.
"""

import fcntl
import hashlib
import json
import subprocess
import sys
from pathlib import Path

from devstack import say, toolchain
from devstack.errors import StackError
from devstack.files import read_json, remove_tree, write_atomically
from devstack.stack import ROOT

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
TEMPLATES_VENV = ROOT / ".venv-templates"


def digest(path: Path) -> str:
    """The hash by which a lock file is known."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def ensure(*, level: str) -> None:
    """Make `.venv` hold requirements/`level`.txt (`base` or `dev`). Does nothing where it does. Raises StackError."""
    locks = {name: digest(ROOT / "requirements" / f"{name}.txt") for name in ("base", "dev")}
    stamp = VENV / "slipway-stamp.json"
    installed = read_json(stamp)
    if PYTHON.exists() and installed.get(level) == locks[level]:
        return
    # A development environment stays one: installing only base.txt would leave newer pins of dev.txt behind.
    if "dev" in installed:
        level = "dev"
    if not PYTHON.exists():
        remove_tree(VENV)
        with say.step("making the virtual environment .venv"):
            _run([sys.executable, "-m", "venv", str(VENV)])
    with say.step(f"installing requirements/{level}.txt into .venv (hash-checked, about half a minute)"):
        _install(PYTHON, ROOT / "requirements" / f"{level}.txt")
    # dev.txt holds base.txt's pins too.
    now = locks if level == "dev" else {"base": locks["base"]}
    write_atomically(stamp, json.dumps(now, indent=2) + "\n")


def ensure_templates() -> None:
    """Make `.venv-templates` hold requirements/templates.txt. Does nothing where it does. Raises StackError."""
    lock = ROOT / "requirements" / "templates.txt"
    with (ROOT / ".venv-templates.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        stamp = TEMPLATES_VENV / "slipway-stamp.json"
        if read_json(stamp) == {"templates": digest(lock)}:
            return
        remove_tree(TEMPLATES_VENV)
        with say.step("making the environment that renders project templates (a few seconds)"):
            _run([sys.executable, "-m", "venv", str(TEMPLATES_VENV)])
            _install(TEMPLATES_VENV / "bin" / "python", lock)
        write_atomically(stamp, json.dumps({"templates": digest(lock)}) + "\n")


def shared_folder() -> Path:
    """Where environments of other locks lie, for all stacks and their runs of CI; another Python's are apart."""
    major, minor = sys.version_info[:2]
    return toolchain.cache() / f"ci-python{major}.{minor}"


def locked(lock: Path) -> Path:
    """The environment of that lock, whether it is made yet or not; by the name that runs of CI give it."""
    return shared_folder() / f"venv-{digest(lock)[:16]}"


def forget_broken() -> None:
    """Have environments whose Python is gone made anew by the next who needs them."""
    for complete in shared_folder().glob("venv-*/complete"):
        if not (complete.parent / "bin" / "python").exists():
            complete.unlink(missing_ok=True)


def ensure_locked(lock: Path, *, what: str) -> Path:
    """Have the environment of that lock. Returns its folder. Raises StackError."""
    venv = locked(lock)
    venv.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    forget_broken()
    with venv.with_suffix(".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (venv / "complete").exists():
            with say.step(f"installing {what} from {lock.name}, once"):
                _run([sys.executable, "-m", "venv", "--clear", str(venv)])
                _install(venv / "bin" / "python", lock)
            (venv / "complete").touch()
    return venv


def _install(python: Path, lock: Path) -> None:
    # Most of what is installed is never imported: compiling all of it is half of the time.
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-compile"]
    _run([*pip, "--require-hashes", "-r", str(lock)])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(
            what="The virtual environment could not be made",
            why="\n".join((done.stdout + done.stderr).splitlines()[-8:]),
            do="check the network and pip's settings; if .venv looks broken, remove it; then run ./dev again",
        )
