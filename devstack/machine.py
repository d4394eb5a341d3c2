"""Debian packages that the stack needs: installed when root, named exactly when not."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from devstack import say
from devstack.errors import StackError

CREATECLUSTER = Path("/etc/postgresql-common/createcluster.conf")
SYSTEMD = Path("/etc/systemd/system")
SAMBA_SERVICES = ("smbd", "nmbd", "samba-ad-dc")


@dataclass(frozen=True)
class Package:
    """A Debian package, how to see that it is not needed any more, and what it is for."""

    name: str
    present: Callable[[], bool]
    purpose: str


def _program(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name) is not None


def postgres_bin() -> Path | None:
    """The folder with initdb and postgres (Debian keeps it off PATH); None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def chromium() -> str | None:
    """The browser for the browser tests; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def _samba_module(name: str) -> Callable[[], bool]:
    return lambda: next(Path("/usr/lib").glob(f"*/samba/*/{name}.so"), None) is not None


POSTGRES = Package("postgresql", lambda: postgres_bin() is not None, "the portal's database")
REDIS = Package("redis-server", _program("redis-server"), "the doorbell between portal and workers")
OPENSSL = Package("openssl", _program("openssl"), "certificates of the stack")
GIT = Package("git", _program("git"), "Gitea needs it")
SSH = Package(
    "openssh-client", lambda: _program("ssh")() and _program("ssh-keygen")(), "CI clones by SSH, and Gitea's host key"
)
VENV = Package("python3-venv", lambda: importlib.util.find_spec("ensurepip") is not None, "the virtual environment")
COMPILER = Package("build-essential", _program("cc"), "Gitea's SQLite driver is C")
SAMBA = (
    Package("samba", _program("samba"), "the company's directory"),
    Package("samba-ad-provision", Path("/usr/share/samba/setup/provision.ldif").exists, "the company's directory"),
    Package("samba-dsdb-modules", _samba_module("samba_dsdb"), "the company's directory"),
    Package("samba-vfs-modules", _samba_module("acl_xattr"), "making the company's directory"),
)
CHROMIUM = Package("chromium", lambda: chromium() is not None, "browser tests")


def missing(packages: Iterable[Package]) -> list[Package]:
    """Those packages whose program this machine lacks."""
    return [package for package in packages if not package.present()]


def ensure(packages: Iterable[Package]) -> None:
    """Install what is missing. Raises StackError with the exact command where we may not."""
    absent = missing(packages)
    if not absent:
        return
    names = [package.name for package in absent]
    command = f"apt-get update && apt-get install -y --no-install-recommends {' '.join(names)}"
    why = "missing on this machine: " + ", ".join(f"{package.name} ({package.purpose})" for package in absent)
    if shutil.which("apt-get") is None:
        raise StackError(
            what="Some programs are missing",
            why=why,
            do="install them with this system's package manager (the names are Debian's), then run ./dev again",
        )
    if os.geteuid() != 0:
        hint = f" (`create_main_cluster = false` in {CREATECLUSTER} beforehand keeps Debian from starting a database)"
        raise StackError(
            what="Some Debian packages are missing",
            why=f"{why}; installing them needs root",
            do=f"sudo sh -c '{command}'{hint if 'postgresql' in names else ''}, then run ./dev again",
        )
    with say.step(f"installing Debian packages: {', '.join(names)}"):
        _apt("update")
        if "postgresql" in names:
            _apt("install", "-y", "--no-install-recommends", "postgresql-common")
            forbid_main_cluster(CREATECLUSTER)
        if "samba" in names:
            forbid_services(SAMBA_SERVICES, SYSTEMD)
        _apt("install", "-y", "--no-install-recommends", *names)
    still = missing(packages)
    if still:
        raise StackError(
            what="Some programs are still missing",
            why=f"apt-get went through, yet there is no {', '.join(package.name for package in still)}",
            do="install them by hand, then run ./dev again",
        )


def forbid_main_cluster(path: Path) -> None:
    """Tell postgresql-common not to make and start a database of its own when the package is installed."""
    kept = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    lines = [text for text in kept if not text.strip().startswith("create_main_cluster")]
    path.write_text("\n".join([*lines, "create_main_cluster = false"]) + "\n", encoding="utf-8")


def forbid_services(names: Iterable[str], folder: Path) -> None:
    """Mask these services, so that a package that is installed now doesn't start a server of the machine's own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        unit = folder / f"{name}.service"
        if not (unit.exists() or unit.is_symlink()):
            unit.symlink_to("/dev/null")


def _apt(*arguments: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(["apt-get", "-q", *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-8:])
        raise StackError(
            what=f"apt-get {arguments[0]} failed",
            why=last,
            do="mend the package sources or the network, then run ./dev again",
        )
