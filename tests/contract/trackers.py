"""A real MLflow server for tests, from an environment of `requirements/mlflow.txt`."""

import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.contract.stack import eventually
from tests.environments import programs_of

_LOCK = Path(__file__).parents[2] / "requirements" / "mlflow.txt"
_SETTINGS = """[mlflow]
default_permission = NO_PERMISSIONS
database_uri = sqlite:///{folder}/accounts.db
admin_username = admin
admin_password = {password}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, str]]:
    """Address of a server with an empty database, and the password of its administrator `admin`."""
    program = programs_of(_LOCK) / "mlflow"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    password, url = secrets.token_urlsafe(24), f"http://127.0.0.1:{port}"
    (folder / "auth.ini").write_text(_SETTINGS.format(folder=folder, password=password))
    command = [str(program), "server", "--host", "127.0.0.1", "--port", str(port), "--app-name", "basic-auth"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/runs.db", "--workers", "1"]
    command += ["--no-serve-artifacts", "--default-artifact-root", "s3://nowhere/"]
    environment = {
        **os.environ,
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_urlsafe(24),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        eventually(lambda: _answers(url), seconds=90)
        yield url, password
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/version", timeout=2, trust_env=False).status_code in (200, 401)
    except httpx.TransportError:
        return False
