from base64 import b64encode
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from provisioning.kind import Object
from provisioning.kinds.credentials import KIND
from provisioning.ssh_keys import key_pair
from tests.provisioning.wishes import KEY_RING, LABELS, UID, catalogue, wish


def metadata(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": "ml-demand", "labels": LABELS}


def secret(name: str, values: dict[str, str], *, type: str = "Opaque") -> Object:
    data = {key: b64encode(value.encode()).decode() for key, value in values.items()}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata(name), "type": type, "data": data}
    return Object(key=f"Secret/{name}", body=body, sensitive=True)


def info(**changes: str) -> Object:
    data = {
        "slug": "demand",
        "uid": UID,
        "team": "forecasting",
        "bucket": "ml-demand",
        "endpoint": "http://127.0.0.1:9000",
        "region": "us-east-1",
        "repository": "forecasting/demand",
        "repository_url": "http://127.0.0.1:3000/forecasting/demand",
        "portal": "http://localhost:8000",
        **changes,
    }
    about = {**metadata("project-info"), "annotations": {"slipway.dev/keys": " ".join(sorted(data))}}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": data}
    return Object(key="ConfigMap/project-info", body=body)


def derived(purpose: str, version: int = 1) -> str:
    return KEY_RING.derive(uid=UID, purpose=purpose, version=version)


BUCKET = {
    "AWS_ACCESS_KEY_ID": "ml-demand-5f0c7a52",
    "AWS_SECRET_ACCESS_KEY": derived("bucket"),
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9000",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "BUCKET": "ml-demand",
}


def clone_key(repository: str = "forecasting/demand") -> Object:
    values = {
        "ssh-privatekey": key_pair(derived("clone")).private,
        "known_hosts": "[127.0.0.1]:2222 ssh-ed25519 AAAAC3NzaSample\n",
        "url": f"ssh://git@127.0.0.1:2222/{repository}.git",
    }
    return secret("slipway-ci-clone", values, type="kubernetes.io/ssh-auth")


CI = {
    "SLIPWAY_URL": "http://localhost:8000",
    "SLIPWAY_PROJECT": "demand",
    "SLIPWAY_TOKEN": f"slipci_{UUID(UID).hex}_1_{derived('ci-report')}",
}


def test_four_secrets_and_where_things_are() -> None:
    assert KIND.desired(wish()) == (
        secret("bucket-credentials", BUCKET),
        secret("slipway-ci-webhook", {"secret": derived("webhook")}),
        clone_key(),
        secret("slipway-ci", CI),
        info(),
    )


def test_without_ssh_there_is_no_clone_key() -> None:
    forge = {"name": "git-1", "url": "http://127.0.0.1:3000", "token": {"env": "A"}, "bot": "slipway-bot"}
    assert KIND.desired(wish(catalogue=catalogue(forges=[forge])))[2] == Object("Secret/slipway-ci-clone", None)


def test_rotation_changes_one_secret_only() -> None:
    before, after = KIND.desired(wish()), KIND.desired(wish(versions={"bucket": 2}))
    key = {
        "AWS_ACCESS_KEY_ID": f"{BUCKET['AWS_ACCESS_KEY_ID']}-b",
        "AWS_SECRET_ACCESS_KEY": derived("bucket", version=2),
    }
    assert after == (
        secret("bucket-credentials", {**BUCKET, **key}),
        *before[1:],
    )


def test_an_endpoint_without_scheme_becomes_a_url_and_an_attached_repository_is_named() -> None:
    store = {
        "name": "store-1",
        "endpoint": "store-1.corp.example",
        "access_key": {"env": "A"},
        "secret_key": {"env": "B"},
    }
    rich = wish(catalogue=catalogue(object_stores=[store]), options={"repository": {"attach": "charlie/parts"}})
    endpoint = "https://store-1.corp.example"
    assert KIND.desired(rich) == (
        secret("bucket-credentials", {**BUCKET, "AWS_ENDPOINT_URL": endpoint}),
        secret("slipway-ci-webhook", {"secret": derived("webhook")}),
        clone_key("charlie/parts"),
        secret("slipway-ci", CI),
        info(endpoint=endpoint, repository="charlie/parts", repository_url="http://127.0.0.1:3000/charlie/parts"),
    )


def test_the_ci_token_is_of_its_version_and_the_portal_is_named_by_its_origin() -> None:
    later = KIND.desired(wish(versions={"ci-report": 2}, portal_url="https://slipway.corp.example/projects/demand/"))
    assert later[3] == secret(
        "slipway-ci",
        {
            **CI,
            "SLIPWAY_URL": "https://slipway.corp.example",
            "SLIPWAY_TOKEN": f"slipci_{UUID(UID).hex}_2_{derived('ci-report', version=2)}",
        },
    )


def test_runs_in_a_cluster_without_internet_are_told_where_packages_are() -> None:
    index = "https://packages.corp.example/simple"
    told = KIND.desired(wish(catalogue=catalogue(cluster={"package_index": index})))
    assert told[3] == secret("slipway-ci", {**CI, "PIP_INDEX_URL": index})


@pytest.mark.parametrize("index", ["packages.corp.example", "https://alice:secret@packages.corp.example/simple"])
def test_a_package_index_is_an_address_that_keeps_no_secret(index: str) -> None:
    with pytest.raises(ValidationError, match="package_index"):
        catalogue(cluster={"package_index": index})


def test_summary_says_no_secret() -> None:
    assert KIND.summary(wish()) == "Secret bucket-credentials and ConfigMap project-info in ml-demand"
