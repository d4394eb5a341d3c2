"""On a real MinIO and a real Gitea: what a project's own key pushes, a second clone pulls, with the same to the bit."""

import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from provisioning.ci import bucket_key
from provisioning.clients.gitea import Forge
from provisioning.clients.minio import ObjectStore
from provisioning.kind import Wish
from provisioning.kinds import bucket, repository, repository_access
from provisioning.project_templates.rendering import Templates
from provisioning.reconcile import each
from tests.contract.stack import eventually, open_forge, open_store, unique, url
from tests.provisioning.wishes import TEMPLATES, catalogue, wish
from tests.template.conftest import Run, commit, git

STARTED = [{"name": "ml-python", "forge": "git-1", "copier": "ml-python"}]
ALICE = ({"user": "alice@corp.example", "role": "owner"},)


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    store = open_store()
    yield store
    store.close()


@pytest.fixture(scope="module")
def forge() -> Iterator[Forge]:
    forge = open_forge()
    yield forge
    forge.close()


@pytest.fixture
def demand(store: ObjectStore, forge: Forge, templates: Templates) -> Iterator[Wish]:
    """A project with bucket and repository, made by the Kinds with the portal's own keys."""
    stores = [{**catalogue().model_dump(mode="json")["object_stores"][0], "endpoint": url("minio")}]
    sample = wish(
        slug=unique("dvc"),
        uid=str(uuid.uuid4()),
        contributors=ALICE,
        catalogue=catalogue(templates=STARTED, object_stores=stores),
        render=templates.render,
    )
    bucket.KIND.apply(sample, store, bucket.KIND.desired(sample), each)
    repository.KIND.apply(sample, forge, repository.KIND.desired(sample), each)
    repository_access.KIND.apply(sample, forge, repository_access.KIND.desired(sample), each)
    yield sample
    everything = replace(sample, remove_data=True)
    eventually(lambda: bucket.KIND.delete(everything, store))
    repository.KIND.delete(everything, forge)


def clone(demand: Wish, folder: Path) -> Path:
    """A clone as alice makes one."""
    address = f"{url('gitea')}/{demand.names.repository}.git".replace("http://", "http://alice:alice-pw@")
    subprocess.run(["git", "clone", "-q", address, str(folder)], check=True, capture_output=True)
    return folder


def test_the_first_commit_is_on_the_forge_and_a_second_look_adds_none(demand: Wish, forge: Forge, tmp_path: Path):
    repository_access.KIND.apply(demand, forge, repository_access.KIND.desired(demand), each)
    folder = clone(demand, tmp_path / "first")

    version = TEMPLATES.version("ml-python")
    assert git(folder, "log", "--format=%s").splitlines() == [f"Start from template ml-python {version}"]
    assert demand.names.bucket in (folder / ".dvc/config").read_text()


def test_a_second_clone_pulls_what_the_first_pushed_and_makes_the_same(demand: Wish, tmp_path: Path, run: Run):
    key = bucket_key(demand)
    first = clone(demand, tmp_path / "first")
    run(first, "dvc", "repro")
    run(first, "dvc", "push", **key)
    commit(first, "Results")
    git(first, "push", "-q", "origin", "main")

    second = clone(demand, tmp_path / "second")
    assert not (second / "models").exists()
    run(second, "dvc", "pull", **key)

    model = "models/model.joblib"
    assert (second / model).read_bytes() == (first / model).read_bytes()
    assert (second / "data/train.csv").read_bytes() == (first / "data/train.csv").read_bytes()
    run(second, "dvc", "repro", "--force")
    assert (second / model).read_bytes() == (first / model).read_bytes()
    for name in ("metrics/metrics.json", "dvc.lock"):
        assert (second / name).read_bytes() == (first / name).read_bytes()


PUT = """
import os, s3fs
files = s3fs.S3FileSystem(endpoint_url=os.environ["ENDPOINT"])
files.pipe(os.environ["PLACE"], os.environ["TEXT"].encode())
"""


def test_a_folder_of_the_bucket_is_followed_with_the_projects_own_key(demand: Wish, tmp_path: Path, run: Run):
    key = bucket_key(demand)
    first = clone(demand, tmp_path / "first")

    def put(name: str, text: str) -> None:
        place = f"{demand.names.bucket}/raw/{name}"
        run(first, "python", "-c", PUT, ENDPOINT=url("minio"), PLACE=place, TEXT=text, **key)

    put("1.csv", "one")
    run(first, "dvc", "import-url", "remote://data/raw", "raw", **key)
    run(first, "dvc", "push", "raw.dvc", **key)
    commit(first, "Follow raw/")
    put("2.csv", "two")
    second = tmp_path / "second"
    git(tmp_path, "clone", "-q", str(first), "second")
    run(second, "dvc", "pull", "raw.dvc", **key)
    assert sorted(path.name for path in (second / "raw").iterdir()) == ["1.csv"]
    run(second, "dvc", "update", "raw.dvc", **key)
    assert sorted(path.name for path in (second / "raw").iterdir()) == ["1.csv", "2.csv"]


def test_without_the_projects_key_nothing_is_pushed(demand: Wish, tmp_path: Path, run: Run):
    first = clone(demand, tmp_path / "first")
    run(first, "dvc", "repro")

    with pytest.raises(AssertionError, match="SignatureDoesNotMatch"):
        run(first, "dvc", "push", AWS_ACCESS_KEY_ID=demand.names.store_user, AWS_SECRET_ACCESS_KEY="wrong")
