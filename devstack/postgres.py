"""Postgres refuses to run as root: how it is started here all the same, and how its folder is made."""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import StackError
from devstack.files import last_lines
from devstack.machine import postgres_bin
from devstack.stack import Stack

NAMESPACE = ("unshare", "-U", "--map-user=1000", "--map-group=1000")


@dataclass(frozen=True)
class Launcher:
    """The words before a Postgres program, its data folder, and the system user that must own it (None: we do)."""

    prefix: tuple[str, ...]
    data: Path
    owner: str | None = None


def launcher(stack: Stack) -> Launcher:
    """How Postgres is run on this machine.

    As root in a user namespace in which we are somebody else: the files stay ours, even inside a closed
    home. Where the kernel allows no such namespace, as the system's user postgres, in a folder that this
    user can reach.
    """
    inside = stack.folder / "postgres"
    if os.geteuid() != 0:
        return Launcher(prefix=(), data=inside)
    if shutil.which("unshare"):
        tried = subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False)
        if tried.returncode == 0:
            return Launcher(prefix=NAMESPACE, data=inside)
    return system_user_launcher(stack)


def system_user_launcher(stack: Stack) -> Launcher:
    """As the user `postgres`, outside root's home. A change of user drops our death signal: setpriv asks for it."""
    mark = hashlib.sha256(str(stack.folder).encode()).hexdigest()[:8]
    prefix = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=QUIT")
    return Launcher(prefix=prefix, data=Path("/var/tmp") / f"slipway-{mark}" / "postgres", owner="postgres")  # noqa: S108


def bin_folder() -> Path:
    """The folder of Postgres's programs. Raises StackError where there is none."""
    found = postgres_bin()
    if found is None:
        raise StackError(
            what="Postgres is not there",
            why="no initdb in /usr/lib/postgresql/*/bin nor on PATH",
            do="install Debian's postgresql, or set SLIPWAY_DEV_DATABASE_URL",
        )
    return found


def ensure_data(stack: Stack) -> bool:
    """Make the data folder, with a password for its superuser. Returns whether it was made. Raises StackError."""
    how = launcher(stack)
    if (how.data / "PG_VERSION").exists():
        return False
    how.data.mkdir(parents=True, exist_ok=True)
    how.data.chmod(0o700)
    with tempfile.NamedTemporaryFile("w", dir=how.data.parent, prefix=".postgres-password-") as password:
        password.write(stack.ensure_secret("postgres-superuser"))
        password.flush()
        if how.owner:
            user = pwd.getpwnam(how.owner)
            for path in (how.data, Path(password.name)):
                os.chown(path, user.pw_uid, user.pw_gid)
        command = [
            *(*how.prefix, str(bin_folder() / "initdb"), "-D", str(how.data), "-U", "postgres", "-A", "scram-sha-256"),
            *("--pwfile", password.name, "--locale=C.UTF-8", "--encoding=UTF8"),
        ]
        with stack.log("postgres-initdb").open("wb") as log:
            done = subprocess.run(
                command, cwd=how.data.parent, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
            )
    if done.returncode != 0:
        raise StackError(
            what="The database's folder could not be made",
            why=f"initdb ended with code {done.returncode}:\n{last_lines(stack.log('postgres-initdb'))}",
            do=f"mend what it says; if {how.data} holds a half-made folder, remove it; then run ./dev again",
        )
    return True
