"""Feast itself with what a project is given: the file of the pull request, its own role and its own keys."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from provisioning import ci, features
from provisioning.clients.gitea import Forge
from provisioning.clients.minio import ObjectStore
from provisioning.clients.postgres import Database
from provisioning.kind import Wish
from provisioning.kinds import bucket, feast, repository
from provisioning.kinds import features as features_kind
from tests.contract.feature_stores import entry, open_database
from tests.contract.made import apply, found, project
from tests.contract.stack import eventually, url
from tests.environments import programs_of
from tests.provisioning.wishes import catalogue

_LOCK = Path(__file__).parents[2] / "requirements" / "features.txt"

_DEFINITIONS = """
import os
from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource
from feast.types import Int64
from feast.value_type import ValueType

driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
source = FileSource(
    path=os.environ["FEATURES_URL"] + "/drivers.parquet",
    timestamp_field="event_timestamp",
    s3_endpoint_override=os.environ["AWS_ENDPOINT_URL"],
)
trips = FeatureView(
    name="trips", entities=[driver], ttl=timedelta(days=3650), schema=[Field(name="trips_today", dtype=Int64)],
    source=source,
)
"""
_WRITE = """
import os
from datetime import datetime, timezone

import pandas

when = datetime(2026, 11, 1, tzinfo=timezone.utc)
frame = pandas.DataFrame({"driver_id": [1, 2], "trips_today": [12, 7], "event_timestamp": [when, when]})
frame.to_parquet(os.environ["FEATURES_URL"] + "/drivers.parquet")
"""
_READ = """
import json

from feast import FeatureStore

store = FeatureStore(repo_path="feature_repo")
print(json.dumps(store.get_online_features(
    features=["trips:trips_today"], entity_rows=[{"driver_id": 1}, {"driver_id": 2}]
).to_dict()))
"""
_LIST = """
from feast import FeatureStore

print([one.name for one in FeatureStore(repo_path="feature_repo").list_feature_views()])
"""


@dataclass(frozen=True)
class Checkout:
    """A clone of a project's repository, with what its CI is given."""

    folder: Path
    wish: Wish

    def run(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a program of Feast's environment there, knowing nothing but the project's own."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "FEAST_USAGE": "False",
            **ci.variables(self.wish),
            **more,
        }
        line = [str(programs_of(_LOCK) / command[0]), *command[1:]]
        return subprocess.run(line, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300)

    def python(self, text: str, **more: str) -> str:
        """Run a script. Its output."""
        done = self.run("python", "-c", text, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    database = open_database()
    yield database
    database.close()


def _wish() -> Wish:
    store = {
        "name": "store-1",
        "endpoint": url("minio"),
        "region": "us-east-1",
        "access_key": {"file": "store-1.access-key"},
        "secret_key": {"file": "store-1.secret-key"},
    }
    sample = project(options={"features": {"enabled": True}})
    return replace(sample, catalogue=catalogue(databases=[entry()], object_stores=[store]))


@pytest.fixture(scope="module")
def projects(
    database: Database, store: ObjectStore, forge: Forge, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Checkout, Checkout]]:
    """Two projects with feature stores. The file in each clone is the one of the merged pull request."""
    programs_of(_LOCK)
    made = []
    for wish in (_wish(), _wish()):
        apply(features_kind.KIND, wish, database)
        apply(bucket.KIND, wish, store)
        apply(repository.KIND, wish, forge)
        apply(feast.KIND, wish, forge)
        name = wish.names.repository
        (asked,) = forge.pull_requests_of(name, feast.BRANCH)
        assert forge.pull_request_files(name, asked["number"]) == [{"path": feast.FILE, "status": "added"}]
        offered = forge.file(name, feast.FILE, feast.BRANCH)
        assert offered is not None
        folder = tmp_path_factory.mktemp("clone")
        (folder / "feature_repo").mkdir()
        (folder / feast.FILE).write_bytes(offered[0])
        (folder / "feature_repo" / "definitions.py").write_text(_DEFINITIONS)
        made.append(Checkout(folder=folder, wish=wish))
    yield made[0], made[1]
    for one in made:
        everything = replace(one.wish, remove_data=True)
        features_kind.KIND.delete(everything, database)
        repository.KIND.delete(everything, forge)
        eventually(lambda all_of_it=everything: bucket.KIND.delete(all_of_it, store))  # type: ignore[misc]


def test_features_are_applied_materialised_and_read_back(projects: tuple[Checkout, Checkout]) -> None:
    own, other = projects
    own.python(_WRITE)
    applied = own.run("feast", "-c", "feature_repo", "apply")
    assert applied.returncode == 0, applied.stderr
    served = own.run("feast", "-c", "feature_repo", "materialize", "2026-10-01T00:00:00", "2026-11-20T00:00:00")
    assert served.returncode == 0, served.stderr
    assert json.loads(own.python(_READ)) == {"driver_id": [1, 2], "trips_today": [12, 7]}
    assert own.python(_LIST) == "['trips']"

    # The other project has a registry of its own, and the first one's does not open for it.
    assert other.python(_LIST) == "[]"
    theirs = {name: value for name, value in ci.variables(own.wish).items() if name == "FEATURES_DB_USER"}
    refused = other.run("python", "-c", _LIST, **theirs)
    assert (refused.returncode, "password authentication failed" in refused.stderr) == (1, True)
    elsewhere = other.run("python", "-c", _WRITE, FEATURES_URL=ci.variables(own.wish)["FEATURES_URL"])
    assert (elsewhere.returncode, "Access Denied" in elsewhere.stderr or "AccessDenied" in elsewhere.stderr) == (
        1,
        True,
    )


def test_the_file_holds_no_secret(projects: tuple[Checkout, Checkout]) -> None:
    own, _ = projects
    text = (own.folder / feast.FILE).read_text()
    assert features.login(own.wish)["FEATURES_DB_PASSWORD"] not in text
    assert features.schema(own.wish) in text


def test_it_is_offered_once_and_what_the_team_does_then_stands(
    projects: tuple[Checkout, Checkout], forge: Forge
) -> None:
    wish = projects[0].wish
    name = wish.names.repository
    assert found(feast.KIND, wish, forge) == {"keep": 1}
    apply(feast.KIND, wish, forge)
    (asked,) = forge.pull_requests_of(name, feast.BRANCH)

    assert feast.KIND.delete(wish, forge)
    assert forge.pull_requests_of(name, feast.BRANCH) == []
    eventually(lambda: _is_closed(forge, name, asked["number"]))
    assert found(feast.KIND, wish, forge) == {"keep": 1}
    apply(feast.KIND, wish, forge)
    assert forge.pull_requests_of(name, feast.BRANCH) == []


def _is_closed(forge: Forge, name: str, number: int) -> bool:
    found = forge.pull_request(name, number)
    return found is not None and found["state"] == "closed"


def test_an_offer_that_was_cut_short_is_made_whole(projects: tuple[Checkout, Checkout], forge: Forge) -> None:
    wish = _wish()
    apply(repository.KIND, wish, forge)
    name = wish.names.repository
    forge.create_branch(name, feast.BRANCH, "main")
    assert found(feast.KIND, wish, forge) == {"create": 1}
    apply(feast.KIND, wish, forge)
    assert [one["title"] for one in forge.pull_requests_of(name, feast.BRANCH)] == ["Feature store"]

    forge.put_files(name, "main", "By hand", {feast.FILE: b"project: mine\n"})
    assert found(feast.KIND, wish, forge) == {"keep": 1}
    repository.KIND.delete(replace(wish, remove_data=True), forge)
