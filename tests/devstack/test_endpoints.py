from pathlib import Path

import pytest

from devstack.endpoints import Endpoints, from_environment
from devstack.errors import StackError


def test_nothing_is_configured() -> None:
    assert from_environment({"SLIPWAY_DEV_REDIS_URL": ""}) == Endpoints()


def test_what_the_environment_names_is_used(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text("{}")

    assert from_environment(
        {
            "SLIPWAY_DEV_DATABASE_URL": "postgresql://portal@db.corp.example/slipway",
            "SLIPWAY_DEV_KUBECONFIG": str(kubeconfig),
            "SLIPWAY_DEV_S3_ENDPOINT": "https://s3.corp.example",
            "SLIPWAY_DEV_S3_ACCESS_KEY": "access",
            "SLIPWAY_DEV_S3_SECRET_KEY": "secret",
        }
    ) == Endpoints(
        database_url="postgresql://portal@db.corp.example/slipway",
        kubeconfig=kubeconfig.resolve(),
        s3_endpoint="https://s3.corp.example",
        s3_access_key="access",
        s3_secret_key="secret",
    )


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        (
            {"SLIPWAY_DEV_S3_ENDPOINT": "https://s3.corp.example"},
            "SLIPWAY_DEV_S3_ENDPOINT is set, SLIPWAY_DEV_S3_ACCESS_KEY and SLIPWAY_DEV_S3_SECRET_KEY is not",
        ),
        (
            {"SLIPWAY_DEV_GITEA_URL": "https://git.corp.example"},
            "SLIPWAY_DEV_GITEA_URL is set, SLIPWAY_DEV_GITEA_TOKEN is not",
        ),
    ],
)
def test_half_a_configuration_is_refused(environment: dict[str, str], why: str) -> None:
    with pytest.raises(StackError) as caught:
        from_environment(environment)

    assert caught.value.why == why
