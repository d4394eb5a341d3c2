"""Servers that the environment names: these are used as they are, and nothing is started or built for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import StackError

VARIABLES = {
    "SLIPWAY_DEV_DATABASE_URL": "a Postgres database (its role needs CREATEDB for the tests)",
    "SLIPWAY_DEV_REDIS_URL": "a Redis",
    "SLIPWAY_DEV_KUBECONFIG": "a kubeconfig of a cluster's admin (needs kubectl on PATH)",
    "SLIPWAY_DEV_S3_ENDPOINT": "a MinIO, with SLIPWAY_DEV_S3_ACCESS_KEY and SLIPWAY_DEV_S3_SECRET_KEY of an admin user",
    "SLIPWAY_DEV_DIRECTORY": "`file`: no domain controller; a file with the same people stands in",
    "SLIPWAY_DEV_TRACKER": "`mlflow`: an MLflow too, for experiment tracking (14 s and 420 MB more)",
    "SLIPWAY_DEV_GITEA_URL": "a Gitea or Forgejo, with SLIPWAY_DEV_GITEA_TOKEN of a bot user",
}


@dataclass(frozen=True)
class Endpoints:
    """What the environment names; None where the stack starts its own server."""

    database_url: str | None = None
    redis_url: str | None = None
    kubeconfig: Path | None = None
    s3_endpoint: str | None = None
    s3_access_key: str = ""
    s3_secret_key: str = ""
    gitea_url: str | None = None
    gitea_token: str = ""


def from_environment(environ: Mapping[str, str]) -> Endpoints:
    """Read the SLIPWAY_DEV_* variables. Raises StackError where one lacks its companion."""
    endpoints = Endpoints(
        database_url=environ.get("SLIPWAY_DEV_DATABASE_URL") or None,
        redis_url=environ.get("SLIPWAY_DEV_REDIS_URL") or None,
        kubeconfig=Path(environ["SLIPWAY_DEV_KUBECONFIG"]).resolve() if environ.get("SLIPWAY_DEV_KUBECONFIG") else None,
        s3_endpoint=environ.get("SLIPWAY_DEV_S3_ENDPOINT") or None,
        s3_access_key=environ.get("SLIPWAY_DEV_S3_ACCESS_KEY", ""),
        s3_secret_key=environ.get("SLIPWAY_DEV_S3_SECRET_KEY", ""),
        gitea_url=environ.get("SLIPWAY_DEV_GITEA_URL") or None,
        gitea_token=environ.get("SLIPWAY_DEV_GITEA_TOKEN", ""),
    )
    if endpoints.s3_endpoint and not (endpoints.s3_access_key and endpoints.s3_secret_key):
        raise _incomplete("SLIPWAY_DEV_S3_ENDPOINT", "SLIPWAY_DEV_S3_ACCESS_KEY and SLIPWAY_DEV_S3_SECRET_KEY")
    if endpoints.gitea_url and not endpoints.gitea_token:
        raise _incomplete("SLIPWAY_DEV_GITEA_URL", "SLIPWAY_DEV_GITEA_TOKEN")
    if endpoints.kubeconfig and not endpoints.kubeconfig.exists():
        raise StackError(
            what="The configured kubeconfig is not there",
            why=f"SLIPWAY_DEV_KUBECONFIG names {endpoints.kubeconfig}, which does not exist",
            do="correct the variable, or unset it to have a cluster built and started here",
        )
    return endpoints


def _incomplete(given: str, missing: str) -> StackError:
    return StackError(
        what="A configured server cannot be used",
        why=f"{given} is set, {missing} is not",
        do=f"set {missing} too, or unset {given} to have the server started here",
    )
