"""How `./dev up` sees that a running stack was started from other code than lies here now."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from devstack.processes import Process
from devstack.stack import ROOT

PORTAL_FOLDERS = ("portal", "projects", "provisioning", "templates", "static")
OF_THE_PORTAL = (".py", ".html", ".css", ".js", ".svg", ".txt", ".json", ".yaml")


def portal_code(*more: Path, root: Path = ROOT) -> str:
    """A hash over names, sizes and times of what the portal's processes have loaded, and of the files in `more`."""
    files = [root / "manage.py", *more]
    for name in PORTAL_FOLDERS:
        files += [path for path in (root / name).rglob("*") if path.suffix in OF_THE_PORTAL]
    return _over(files)


def stack_plan(processes: Sequence[Process], root: Path = ROOT) -> str:
    """A hash over what is started and with what, and over the dev stack's own code."""
    code = _over((root / "devstack").glob("*.py"))
    return hashlib.sha256((repr(processes) + code).encode()).hexdigest()[:16]


def _over(files: Iterable[Path]) -> str:
    content = hashlib.sha256()
    for path in sorted(files):
        if path.exists():
            facts = path.stat()
            content.update(f"{path} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return content.hexdigest()[:16]
