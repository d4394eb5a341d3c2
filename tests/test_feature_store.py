"""A feature store on the running stack: asked for, used with what the workspace was given, ended, and back again."""

import base64
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests import live
from tests.contract.feature_stores import entry
from tests.contract.stack import eventually, folder, unique
from tests.own_tokens import for_cluster

_FILE = "feature_repo/feature_store.yaml"


@pytest.fixture(scope="module", autouse=True)
def _stack(without_ci: None) -> None:
    folder()
    eventually(live.portal_alive, seconds=120)
    entry()


@pytest.fixture(scope="module")
def slug() -> Iterator[str]:
    """A project of alice's that has a feature store from the start."""
    name = unique("store")
    asked = live.ask(name, title="Store", options={"features": {"enabled": True}})
    assert asked.status_code == 202, asked.text
    live.ready(name)
    yield name
    live.retire(name)


def given(slug: str) -> dict[str, str]:
    """What alice reads of her own workspace, with her own token."""
    workspace = live.cluster(for_cluster("alice"))
    secret = workspace.get(f"/api/v1/namespaces/ml-{slug}/secrets/feature-store-credentials")
    info = live.administrator().get(f"/api/v1/namespaces/ml-{slug}/configmaps/project-info")
    assert (secret.status_code, info.status_code) == (200, 200), (secret.text, info.text)
    values = {name: base64.b64decode(value).decode() for name, value in secret.json()["data"].items()}
    return {**info.json()["data"], **values}


def sign_in(account: dict[str, str]) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host=account["FEATURES_DB_HOST"],
        port=account["FEATURES_DB_PORT"],
        dbname=account["FEATURES_DB_NAME"],
        user=account["FEATURES_DB_USER"],
        password=account["FEATURES_DB_PASSWORD"],
        sslmode=account["FEATURES_DB_SSLMODE"],
        autocommit=True,
    )


def change(slug: str, *, enabled: bool) -> None:
    """Switch the feature store on or off, and wait until that is so."""
    found = live.api("alice").get(f"projects/{slug}/")
    answer = live.api("alice").patch(
        f"projects/{slug}/",
        json={"options": {"features": {"enabled": enabled}}},
        headers={"If-Match": found.headers["ETag"]},
    )
    assert answer.status_code == 202, answer.text
    live.ready(slug, generation=live.project(slug)["generation"])


def test_what_the_workspace_has_opens_a_schema_of_its_own(slug: str) -> None:
    with sign_in(given(slug)) as own:
        own.execute("CREATE TABLE trips (id int)")
        found = own.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'trips'").fetchall()
    assert found == [(f"ml_{slug.replace('-', '_')}",)]


def test_the_file_is_offered_to_the_team(slug: str) -> None:
    (asked,) = live.forge("alice").get(f"/repos/forecasting/{slug}/pulls", params={"state": "open"}).json()
    assert (asked["title"], asked["user"]["login"]) == ("Feature store", "slipway-bot")
    merge = f"/repos/forecasting/{slug}/pulls/{asked['number']}/merge"
    # Gitea says 405 until it has seen for itself that nothing is in conflict.
    eventually(lambda: live.forge("alice").post(merge, json={"Do": "merge"}).status_code == 200)
    assert live.forge("alice").get(f"/repos/forecasting/{slug}/contents/{_FILE}").status_code == 200


def test_switched_off_nothing_opens_it_and_switched_on_again_all_is_there(slug: str) -> None:
    before = given(slug)
    change(slug, enabled=False)
    with pytest.raises(psycopg.OperationalError):
        sign_in(before)
    secret = f"/api/v1/namespaces/ml-{slug}/secrets/feature-store-credentials"
    assert live.administrator().get(secret).status_code == 404
    kinds = {row["kind"] for row in live.api("alice").get(f"projects/{slug}/resources/").json()["items"]}
    assert not kinds & {"features", "features_account", "feast"}

    change(slug, enabled=True)
    with sign_in(given(slug)) as own:
        assert own.execute("SELECT count(*) FROM trips").fetchone() == (0,)
    assert live.forge("alice").get(f"/repos/forecasting/{slug}/pulls", params={"state": "open"}).json() == []
