"""Data of another team, from the question to the withdrawal, on the running stack.

alice's project asks for a prefix and a schema of team vision's; sofia, who owns a project there, decides. What opens
and what doesn't is tried, on MinIO and Postgres, with what alice finds in her own workspace.
"""

import base64
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from minio import Minio, S3Error

from projects.today import today
from tests import live
from tests.contract.feature_stores import entry
from tests.contract.stack import eventually, folder, unique, url
from tests.directory.doors import api
from tests.own_tokens import for_cluster

BUCKET, OBJECT = "vision-shared", "roads/winter/2026/about.txt"


@pytest.fixture(scope="module", autouse=True)
def _stack(without_ci: None) -> None:
    folder()
    eventually(live.portal_alive, seconds=120)
    entry()


@pytest.fixture(scope="module")
def lanes() -> Iterator[str]:
    """A project of sofia's in team vision, whose data it is."""
    name, sofia = unique("lanes"), api("sofia.lindqvist")
    answer = sofia.post("projects/", json={"slug": name, "team": "vision"})
    assert answer.status_code == 202, answer.text
    eventually(lambda: sofia.get(f"projects/{name}/").json()["word"] == "Ready")
    yield name
    found = sofia.get(f"projects/{name}/")
    params = {"remove_data": "true", "confirm": name}
    sofia.request("DELETE", f"projects/{name}/", params=params, headers={"If-Match": found.headers["ETag"]})


@pytest.fixture(scope="module")
def slug(lanes: str) -> Iterator[str]:
    """A project of alice's that wants both stores of team vision's."""
    name, until = unique("reader"), (today() + timedelta(days=30)).isoformat()
    data = {"read": ["winter-roads", "road-tests"], "until": until}
    answer = live.ask(name, title="Reader", options={"data": data})
    assert answer.status_code == 202, answer.text
    live.ready(name)
    yield name
    live.retire(name)


def given(slug: str, secret: str) -> dict[str, str]:
    """A Secret of alice's workspace, read with her own token; {} when there is none."""
    answer = live.cluster(for_cluster("alice")).get(f"/api/v1/namespaces/ml-{slug}/secrets/{secret}")
    assert answer.status_code in (200, 404), answer.text
    data = answer.json()["data"] if answer.status_code == 200 else {}
    return {name: base64.b64decode(value).decode() for name, value in data.items()}


def text_of_the_bucket(slug: str) -> bytes | None:
    """The shared object by the project's own keys; None when they don't open it."""
    keys = given(slug, "bucket-credentials")
    store = Minio(
        url("minio").partition("://")[2],
        access_key=keys["AWS_ACCESS_KEY_ID"],
        secret_key=keys["AWS_SECRET_ACCESS_KEY"],
        secure=False,
    )
    try:
        return bytes(store.get_object(BUCKET, OBJECT).read())
    except S3Error as error:
        if error.code != "AccessDenied":
            raise
        return None


def told(slug: str) -> dict[str, str]:
    """What `project-info` says of data of others."""
    answer = live.administrator().get(f"/api/v1/namespaces/ml-{slug}/configmaps/project-info")
    assert answer.status_code == 200, answer.text
    return {name: value for name, value in answer.json()["data"].items() if name.startswith("DATA_")}


def drives(account: dict[str, str]) -> list[Any] | None:
    """The rows of the shared table by such an account; None when it opens nothing."""
    try:
        with psycopg.connect(
            account["DATA_ROAD_TESTS_URL"],
            user=account["PGUSER"],
            password=account["PGPASSWORD"],
            sslmode=account["PGSSLMODE"],
        ) as connection:
            return connection.execute("SELECT km::float, wet FROM drives ORDER BY day").fetchall()
    except psycopg.OperationalError:
        return None


def states(slug: str) -> dict[str, str]:
    answer = live.api("alice").get(f"projects/{slug}/data/")
    assert answer.status_code == 200, answer.text
    return {one["name"]: one["state"] for one in answer.json()["items"]}


def questions(slug: str) -> dict[str, int]:
    """Numbers of the questions about this project that wait for sofia, by store."""
    answer = api("sofia.lindqvist").get("consents/", params={"to_decide": "true", "project": slug})
    assert answer.status_code == 200, answer.text
    return {one["store"]: one["id"] for one in answer.json()["items"]}


def test_asked_given_read_and_withdrawn(slug: str) -> None:
    assert states(slug) == {"winter-roads": "asked", "road-tests": "asked"}
    assert (text_of_the_bucket(slug), given(slug, "data-credentials")) == (None, {})
    asked = questions(slug)
    assert asked.keys() == {"winter-roads", "road-tests"}
    refused = live.api("alice").post(f"consents/{asked['winter-roads']}/give/", json={})
    assert refused.status_code == 403, refused.text
    assert live.api("charlie").post(f"consents/{asked['winter-roads']}/give/", json={}).status_code == 404

    sofia = api("sofia.lindqvist")
    for number in asked.values():
        assert sofia.post(f"consents/{number}/give/", json={}).status_code == 200
    eventually(lambda: text_of_the_bucket(slug) is not None)
    # The two come one after the other: the Secret is there from the first one on.
    eventually(lambda: "PGUSER" in given(slug, "data-credentials"))
    account = given(slug, "data-credentials")
    assert eventually(lambda: drives(account)) == [(31.5, True), (12.0, False)]
    assert states(slug) == {"winter-roads": "reads", "road-tests": "reads"}
    live.ready(slug)
    assert told(slug)["DATA_WINTER_ROADS_URL"] == f"s3://{BUCKET}/roads/winter"

    for number in asked.values():
        answer = sofia.post(f"consents/{number}/withdraw/", json={"why": "The drives of January were wrong."})
        assert answer.status_code == 200, answer.text
    eventually(lambda: drives(account) is None)
    eventually(lambda: text_of_the_bucket(slug) is None)
    eventually(lambda: given(slug, "data-credentials") == {})
    eventually(lambda: told(slug) == {})
    assert states(slug) == {"winter-roads": "withdrawn", "road-tests": "withdrawn"}
