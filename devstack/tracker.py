"""The stack's MLflow, for those who ask for it: it takes 14 s and 420 MB, which few would have a use for.

`SLIPWAY_DEV_TRACKER=mlflow` asks. It is the server of requirements/mlflow.txt, in an environment of its own, as
docs/tracking.md wants it: accounts, no right by default, files straight from runs to the object store.
"""

import json
import os
import string
from collections.abc import Mapping
from pathlib import Path

from devstack import python_env
from devstack.files import write_if_changed
from devstack.stack import ROOT, Stack

SWITCH = "SLIPWAY_DEV_TRACKER"
LOCK = ROOT / "requirements" / "mlflow.txt"
ADMIN, PASSWORD, SESSIONS = "admin", "mlflow-1.password", "mlflow-1.sessions"
NO_PERMISSIONS = "NO_PERMISSIONS"
_SETTINGS = string.Template(
    """\
[mlflow]
default_permission = $default
database_uri = sqlite:///$folder/accounts.db
admin_username = $admin
admin_password = $password
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""
)


def wanted(environ: Mapping[str, str] | None = None) -> bool:
    """Does somebody ask for it?"""
    environ = os.environ if environ is None else environ
    return environ.get(SWITCH) == "mlflow"


def ensure() -> None:
    """Have the server installed. Raises StackError."""
    python_env.ensure_locked(LOCK, what="MLflow (850 MB, a minute or two)")


def program() -> Path:
    """Where the server's program lies, once it is installed."""
    return python_env.locked(LOCK) / "bin" / "mlflow"


def url(stack: Stack) -> str:
    """Where it answers."""
    return f"http://127.0.0.1:{stack.ports()['mlflow']}"


def catalogue_section(stack: Stack) -> str:
    """The catalogue's `trackers`: this one, or none."""
    one = {"name": "mlflow-1", "title": "MLflow", "username": ADMIN, "password": {"file": PASSWORD}}
    return json.dumps([{**one, "url": url(stack)}] if wanted() else [])


def write(stack: Stack) -> None:
    """Write the server's settings."""
    write_settings(folder(stack), password=stack.secret(PASSWORD))


def write_settings(place: Path, *, password: str, default_permission: str = NO_PERMISSIONS) -> None:
    """Write settings of a server that keeps its databases in this folder, readable by this user only."""
    place.mkdir(exist_ok=True)
    text = _SETTINGS.substitute(folder=place, admin=ADMIN, password=password, default=default_permission)
    write_if_changed(place / "auth.ini", text, mode=0o600)


def folder(stack: Stack) -> Path:
    """Where it keeps accounts, experiments and runs."""
    return stack.folder / "mlflow"


def command(place: Path, *, port: int) -> tuple[str, ...]:
    """How a server with its databases in this folder is started."""
    return (
        *(str(program()), "server", "--app-name", "basic-auth", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{place}/runs.db", "--workers", "1"),
        # The place for files of an experiment that somebody makes by hand, without saying where: nowhere.
        *("--no-serve-artifacts", "--default-artifact-root", "s3://nowhere/"),
    )


def environment(place: Path, *, sessions: str) -> dict[str, str]:
    """The variables of that server. `sessions`: what it signs its pages' sessions with."""
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(place / "auth.ini"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": sessions,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
