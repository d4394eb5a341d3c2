"""Bucket, repository and webhook on a real MinIO and a real Gitea, with the portal's own keys and the engine's threads.

What was made compares as it was asked for; what is somebody else's stays as it is; keys open one bucket and no more.
"""

import hashlib
import hmac
import io
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from minio import Minio, S3Error
from minio.commonconfig import Tags
from minio.versioningconfig import SUSPENDED, VersioningConfig

from provisioning.clients.gitea import Forge
from provisioning.clients.minio import ObjectStore
from provisioning.errors import NameTaken, PermanentError, TemporaryError
from provisioning.kind import Kind, KnownRepository, Wish
from provisioning.kinds import bucket, repository, webhook
from provisioning.plan import Change, compare, counts
from provisioning.reconcile import each
from provisioning.secrets import Earlier
from tests.contract.stack import eventually, secret, unique, url
from tests.provisioning.wishes import catalogue, wish

BOT = "slipway-bot"
PEOPLE = (
    {"user": "alice@corp.example", "role": "owner"},
    {"user": "bob@corp.example", "role": "editor"},
    {"group": "ml-vision", "role": "viewer"},
)


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    keys = {"access_key": secret("store-1.access-key"), "secret_key": secret("store-1.secret-key")}
    store = ObjectStore(name="store-1", endpoint=url("minio"), region="us-east-1", **keys)
    yield store
    store.close()


@pytest.fixture(scope="module")
def forge() -> Iterator[Forge]:
    forge = Forge(name="git-1", url=url("gitea"), token=secret("git-1.token"), bot=BOT)
    yield forge
    forge.close()


def project(slug: str = "", *, listener: str = "http://127.0.0.1:9/", **changes: Any) -> Wish:
    """A project that no earlier run had, whose clean-up takes all."""
    settings = {"contributors": PEOPLE, "options": {}, "uid": str(uuid.uuid4()), **changes}
    return wish(slug=slug or unique("kinds"), catalogue=catalogue(cluster={"ci_listener_url": listener}), **settings)


@pytest.fixture
def demand(store: ObjectStore, forge: Forge) -> Iterator[Wish]:
    sample = project()
    yield sample
    everything = replace(sample, remove_data=True)
    eventually(lambda: bucket.KIND.delete(everything, store))
    repository.KIND.delete(everything, forge)


def apply(kind: Kind, wanted: Wish, client: Any) -> None:
    kind.apply(wanted, client, kind.desired(wanted), each)


def look(kind: Kind, wanted: Wish, client: Any) -> tuple[Change, ...]:
    objects = kind.desired(wanted)
    return compare(kind=kind.name, desired=objects, observed=kind.observe(wanted, client, objects, each))


def found(kind: Kind, wanted: Wish, client: Any) -> dict[str, int]:
    return {action: number for action, number in counts(look(kind, wanted, client)).items() if number}


def repair(kind: Kind, wanted: Wish, client: Any) -> None:
    """What the engine does with a difference: apply those objects, and those only."""
    keys = {change.key for change in look(kind, wanted, client) if change.action != "keep"}
    kind.apply(wanted, client, [thing for thing in kind.desired(wanted) if thing.key in keys], each)


# Bucket


def tenant(wanted: Wish) -> Minio:
    """The store as the project's own key opens it."""
    return s3(wanted.names.store_user_at(wanted.version("bucket")), wanted.secret("bucket"))


def s3(user: str, key: str) -> Minio:
    return Minio(url("minio").removeprefix("http://"), user, key, secure=False, region="us-east-1")


def administrator() -> Minio:
    return s3(secret("store-1.root-access-key"), secret("store-1.root-secret-key"))


def put(client: Minio, name: str, key: str, data: bytes) -> None:
    client.put_object(name, key, io.BytesIO(data), len(data))


def refused(call: Callable[[], Any]) -> bool:
    try:
        call()
    except S3Error as error:
        return error.code == "AccessDenied"
    return False


@pytest.mark.parametrize(
    "options",
    [{}, {"quota": "10Gi", "versioning": False, "noncurrent_days": 7}],
    ids=["as the plan says", "as the team says"],
)
def test_a_bucket_is_as_it_was_asked_for(store: ObjectStore, demand: Wish, options: Mapping[str, Any]):
    chosen = replace(demand, spec=demand.spec.model_copy(update={"options": {"bucket": options}}))
    apply(bucket.KIND, demand, store)
    assert found(bucket.KIND, demand, store) == {"keep": 3}

    if options:
        assert found(bucket.KIND, chosen, store) == {"update": 1, "keep": 2}
        repair(bucket.KIND, chosen, store)

    assert [(one.key, one.action, one.differences) for one in look(bucket.KIND, chosen, store)] == [
        (f"bucket/{demand.names.bucket}", "keep", ()),
        (f"policy/{demand.names.store_user}", "keep", ()),
        (f"user/{demand.names.store_user}", "keep", ()),
    ]
    apply(bucket.KIND, chosen, store)
    assert found(bucket.KIND, chosen, store) == {"keep": 3}


def test_the_key_opens_its_own_bucket_and_nothing_else(store: ObjectStore, demand: Wish):
    neighbour = project(f"{demand.names.slug}-two")
    for one in (demand, neighbour):
        apply(bucket.KIND, one, store)
    ours, theirs, team = demand.names.bucket, neighbour.names.bucket, tenant(demand)
    put(tenant(neighbour), theirs, "theirs", b"x")

    put(team, ours, "data/train.csv", b"first")
    put(team, ours, "data/train.csv", b"second")
    versions = list(team.list_objects(ours, recursive=True, include_version=True))
    old = next(one for one in versions if one.is_latest != "true")
    assert team.get_object(ours, "data/train.csv").read() == b"second"
    assert team.get_object(ours, "data/train.csv", version_id=old.version_id).read() == b"first"
    put(team, ours, "big", bytes(11 * 1024 * 1024))
    team.remove_object(ours, "big")
    assert [one.name for one in team.list_buckets()] == [ours]
    assert team._list_multipart_uploads(ours).uploads == []

    forbidden: dict[str, Callable[[], Any]] = {
        "remove an old version": lambda: team.remove_object(ours, "data/train.csv", version_id=old.version_id),
        "read another bucket": lambda: team.get_object(theirs, "theirs"),
        "write another bucket": lambda: put(team, theirs, "ours", b"x"),
        "list another bucket": lambda: list(team.list_objects(theirs)),
        "remove from another bucket": lambda: team.remove_object(theirs, "theirs"),
        "make a bucket": lambda: team.make_bucket(f"{ours}-more"),
        "remove the bucket": lambda: team.remove_bucket(ours),
        "read the policy": lambda: team.get_bucket_policy(ours),
        "write the policy": lambda: team.set_bucket_policy(ours, '{"Version":"2012-10-17","Statement":[]}'),
        "remove the policy": lambda: team.delete_bucket_policy(ours),
        "change versioning": lambda: team.set_bucket_versioning(ours, VersioningConfig(SUSPENDED)),
        "remove the lifecycle": lambda: team.delete_bucket_lifecycle(ours),
        "change the tags": lambda: team.set_bucket_tags(ours, Tags.new_bucket_tags()),
        "remove the tags": lambda: team.delete_bucket_tags(ours),
    }
    assert {what: refused(call) for what, call in forbidden.items()} == dict.fromkeys(forbidden, True)
    own_keys = {"access_key": demand.names.store_user, "secret_key": demand.secret("bucket")}
    as_admin = ObjectStore(name="store-1", endpoint=url("minio"), region="us-east-1", **own_keys)
    for ask in (
        lambda: as_admin.set_quota(ours, 0),
        lambda: as_admin.put_policy(demand.names.store_user, bucket.policy_document(theirs)),
        lambda: as_admin.put_user("somebody-else", "a-good-long-secret"),
        lambda: as_admin.policy(neighbour.names.store_user),
    ):
        with pytest.raises(PermanentError):
            ask()
    as_admin.close()
    assert found(bucket.KIND, demand, store) == {"keep": 3}
    assert found(bucket.KIND, neighbour, store) == {"keep": 3}
    bucket.KIND.delete(replace(neighbour, remove_data=True), store)


def test_after_a_rotation_both_keys_open_the_bucket_until_the_old_one_ends(store: ObjectStore, demand: Wish):
    apply(bucket.KIND, demand, store)
    name = demand.names.bucket
    put(tenant(demand), name, "data", b"old")
    second = replace(demand, versions={"bucket": 2}, earlier={"bucket": Earlier(version=1, key_id=None)})
    apply(bucket.KIND, second, store)
    assert found(bucket.KIND, second, store) == {"keep": 4}
    put(tenant(demand), name, "by-the-old-key", b"old")
    assert tenant(second).get_object(name, "by-the-old-key").data == b"old"

    over = replace(second, earlier={})
    assert found(bucket.KIND, over, store) == {"keep": 3, "delete": 1}
    repair(bucket.KIND, over, store)
    assert found(bucket.KIND, over, store) == {"keep": 3}
    with pytest.raises(S3Error) as refusal:
        tenant(demand).get_object(name, "data")
    assert refusal.value.code == "InvalidAccessKeyId"
    put(tenant(over), name, "by-the-new-key", b"new")
    assert sorted(one.object_name for one in tenant(over).list_objects(name)) == [
        "by-the-new-key", "by-the-old-key", "data",
    ]  # fmt: skip

    third = replace(demand, versions={"bucket": 3}, earlier={"bucket": Earlier(version=2, key_id=None)})
    apply(bucket.KIND, third, store)
    assert [tenant(one).get_object(name, "data").data for one in (over, third)] == [b"old", b"old"]
    with pytest.raises(S3Error) as refusal:
        tenant(demand).get_object(name, "data")
    assert refusal.value.code == "SignatureDoesNotMatch"


def test_what_was_changed_by_hand_is_noticed_and_put_back(store: ObjectStore, demand: Wish):
    apply(bucket.KIND, demand, store)
    name, account = demand.names.bucket, demand.names.store_user
    put(tenant(demand), name, "data", b"x")
    store.set_quota(name, 1024)
    store.set_versioning(name, False)
    store.set_lifecycle(name, noncurrent_days=1)
    store.disable_user(account)
    store.put_policy(account, bucket.policy_document("*"))
    assert [(one.key, [item.path for item in one.differences]) for one in look(bucket.KIND, demand, store)] == [
        (f"bucket/{name}", ["lifecycle.noncurrent_days", "quota", "versioning"]),
        (f"policy/{account}", ["Statement"]),
        (f"user/{account}", ["enabled"]),
    ]

    repair(bucket.KIND, demand, store)

    assert found(bucket.KIND, demand, store) == {"keep": 3}
    assert tenant(demand).get_object(name, "data").read() == b"x"


def test_a_live_bucket_whose_tags_were_removed_gets_them_back(store: ObjectStore, demand: Wish):
    apply(bucket.KIND, demand, store)
    put(tenant(demand), demand.names.bucket, "data", b"x")
    administrator().delete_bucket_tags(demand.names.bucket)

    assert found(bucket.KIND, demand, store) == {"update": 1, "keep": 2}
    repair(bucket.KIND, demand, store)

    assert found(bucket.KIND, demand, store) == {"keep": 3}


def test_a_vanished_bucket_is_made_again(store: ObjectStore, demand: Wish):
    apply(bucket.KIND, demand, store)
    store.remove_bucket(demand.names.bucket, with_data=True)

    assert found(bucket.KIND, demand, store) == {"create": 1, "keep": 2}
    repair(bucket.KIND, demand, store)

    assert found(bucket.KIND, demand, store) == {"keep": 3}


def foreign_untagged(store: ObjectStore, wanted: Wish) -> None:
    store.make_bucket(wanted.names.bucket)


def foreign_with_data(store: ObjectStore, wanted: Wish) -> None:
    store.make_bucket(wanted.names.bucket)
    put(administrator(), wanted.names.bucket, "theirs", b"x")


def of_another_project(store: ObjectStore, wanted: Wish) -> None:
    store.make_bucket(wanted.names.bucket)
    store.set_bucket_tags(wanted.names.bucket, {"slipway.dev/uid": "another"})


def made_after_we_died_and_used(store: ObjectStore, wanted: Wish) -> None:
    """Our policy was written, then we died; somebody made the bucket and put something into it."""
    store.put_policy(wanted.names.store_user, bucket.policy_document(wanted.names.bucket))
    foreign_with_data(store, wanted)


@pytest.mark.parametrize("make", [foreign_untagged, foreign_with_data, of_another_project, made_after_we_died_and_used])
def test_a_foreign_bucket_is_refused_and_stays_as_it_is(store: ObjectStore, make: Callable[[ObjectStore, Wish], None]):
    wanted = project()
    make(store, wanted)
    name = wanted.names.bucket
    before = (store.bucket_tags(name), store.versioning(name), store.quota(name), store.bucket_empty(name))

    for ask in (apply, look, apply):
        with pytest.raises(NameTaken, match=f"The bucket {name} "):
            ask(bucket.KIND, wanted, store)

    user = store.user(wanted.names.store_user)
    assert user == {"enabled": True, "policies": []}
    assert bucket.KIND.delete(replace(wanted, remove_data=True), store) is True
    after = (store.bucket_tags(name), store.versioning(name), store.quota(name), store.bucket_empty(name))
    assert after == before
    assert (store.user(wanted.names.store_user), store.policy(wanted.names.store_user)) == (None, None)
    store.remove_bucket(name, with_data=True)


def test_a_bucket_that_we_made_and_could_not_mark_any_more_is_ours(store: ObjectStore, demand: Wish):
    store.put_policy(demand.names.store_user, bucket.policy_document(demand.names.bucket))
    store.make_bucket(demand.names.bucket)  # and here the worker dies

    assert found(bucket.KIND, demand, store) == {"update": 1, "keep": 1, "create": 1}
    apply(bucket.KIND, demand, store)

    assert found(bucket.KIND, demand, store) == {"keep": 3}


def test_an_unmarked_bucket_of_ours_goes_with_its_project(store: ObjectStore, demand: Wish):
    store.put_policy(demand.names.store_user, bucket.policy_document(demand.names.bucket))
    store.make_bucket(demand.names.bucket)

    assert bucket.KIND.delete(replace(demand, remove_data=True), store) is True

    assert store.bucket_tags(demand.names.bucket) is None


def test_the_stores_clock_orders_policy_and_bucket(store: ObjectStore, demand: Wish):
    store.put_policy(demand.names.store_user, bucket.policy_document(demand.names.bucket))
    store.make_bucket(demand.names.bucket)
    born = store.bucket_born(demand.names.bucket)
    first = store.policy_written(demand.names.store_user)
    store.put_policy(demand.names.store_user, bucket.policy_document(demand.names.bucket))
    second = store.policy_written(demand.names.store_user)

    assert first is not None
    assert second is not None
    assert born is not None
    assert first[0] == first[1] <= born <= second[1]
    assert second[0] == first[0]
    assert datetime.now(UTC) - born < timedelta(hours=1)
    assert (store.bucket_born("ml-no-such-bucket"), store.policy_written("no-such-policy")) == (None, None)


def test_retiring_kills_the_keys_and_keeps_the_data_until_told_otherwise(store: ObjectStore, demand: Wish):
    apply(bucket.KIND, demand, store)
    name, team = demand.names.bucket, tenant(demand)
    put(team, name, "model", b"one")
    put(team, name, "model", b"two")

    assert bucket.KIND.delete(demand, store) is True

    with pytest.raises(S3Error) as refusal:
        team.get_object(name, "model")
    assert refusal.value.code == "InvalidAccessKeyId"
    assert store.bucket_tags(name) == {**demand.names.labels(), "slipway.dev/kept": "true"}
    successor = project(demand.names.slug)
    with pytest.raises(NameTaken, match="kept data of an earlier project"):
        apply(bucket.KIND, successor, store)
    bucket.KIND.delete(successor, store)

    apply(bucket.KIND, demand, store)
    assert tenant(demand).get_object(name, "model").read() == b"two"
    assert store.bucket_tags(name) == demand.names.labels()

    assert bucket.KIND.delete(replace(demand, remove_data=True), store) is True
    assert store.bucket_tags(name) is None
    assert bucket.KIND.delete(replace(demand, remove_data=True), store) is True


def test_a_new_version_of_the_secret_ends_the_old_key(store: ObjectStore, demand: Wish):
    apply(bucket.KIND, demand, store)
    rotated = replace(demand, versions={"bucket": 2})

    bucket.KIND.apply(rotated, store, bucket.KIND.desired(rotated), each)

    put(tenant(rotated), demand.names.bucket, "data", b"x")
    with pytest.raises(S3Error) as refusal:
        tenant(demand).get_object(demand.names.bucket, "data")
    assert refusal.value.code == "InvalidAccessKeyId"


# Repository


@pytest.fixture(scope="module")
def template(forge: Forge) -> Iterator[str]:
    forge.ensure_organisation("contract")
    made = forge.create_repository("contract", unique("template"), "A template", auto_init=False)["full_name"]
    forge.put_files(made, "main", "First", {"README.md": b"# A model\n", "dvc.yaml": b"stages: {}\n"})
    forge.set_template(made, True)
    yield made
    forge.delete_repository(made)


def from_template(wanted: Wish, template: str) -> Wish:
    entry = {"name": "sample", "forge": "git-1", "repository": template}
    return replace(wanted, catalogue=catalogue(templates=[entry]))


def as_person(person: str, method: str, path: str, body: Any = None) -> httpx.Response:
    """What a person does in the forge, with the password that all stacks give the sample people."""
    address = f"{url('gitea')}/api/v1{path}"
    return httpx.request(method, address, json=body, auth=(person, f"{person}-pw"), timeout=15)


def push(person: str, name: str, branch: str, path: str, **more: Any) -> int:
    """The status of the answer when a person commits a file to a branch."""
    body = {"branch": branch, "message": "Change", "content": "eA==", **more}
    return as_person(person, "POST", f"/repos/{name}/contents/{path}", body).status_code


def test_a_repository_is_as_it_was_asked_for(forge: Forge, demand: Wish, template: str):
    wanted = from_template(demand, template)
    name = wanted.names.repository

    apply(repository.KIND, wanted, forge)

    assert [(one.key, one.action, one.differences) for one in look(repository.KIND, wanted, forge)] == [
        (f"repository/{name}", "keep", ()),
        ("members", "keep", ()),
        ("protection/default-branch", "keep", ()),
    ]
    made = forge.repository(name)
    assert made is not None
    assert (made["private"], sorted(made["topics"]), made["description"]) == (
        True,
        ["slipway", f"u-{wanted.uid.replace('-', '')}"],
        f"Demand forecast (Slipway project {wanted.uid})",
    )
    content = forge.file(name, "dvc.yaml", "main")
    assert content is not None
    assert content[0] == b"stages: {}\n"
    assert forge.collaborators(name) == {"alice": "admin", "bob": "write"}
    apply(repository.KIND, wanted, forge)
    assert found(repository.KIND, wanted, forge) == {"keep": 3}


def test_owners_push_to_the_main_branch_and_editors_ask(forge: Forge, demand: Wish):
    apply(repository.KIND, demand, forge)
    name = demand.names.repository

    assert push("alice", name, "main", "profile.yaml") == 201
    assert push("bob", name, "main", "change.txt") == 403
    assert push("bob", name, "main", "change.txt", new_branch="change") == 201
    assert push("charlie", name, "main", "x.txt") == 404
    assert as_person("alice", "DELETE", f"/repos/{name}/branches/main").status_code in (403, 409)
    forge.put_files(name, "main", "By the portal", {"portal.txt": b"x"})


def test_a_missing_organisation_is_made(forge: Forge):
    wanted = project(team=unique("team"))

    apply(repository.KIND, wanted, forge)

    assert found(repository.KIND, wanted, forge) == {"keep": 3}
    repository.KIND.delete(replace(wanted, remove_data=True), forge)
    httpx.delete(
        f"{url('gitea')}/api/v1/orgs/{wanted.names.team}", headers={"Authorization": f"token {secret('git-1.token')}"}
    )


def test_a_repository_that_we_made_and_could_not_mark_any_more_is_ours(forge: Forge, demand: Wish, template: str):
    wanted = from_template(demand, template)
    description = f"Demand forecast (Slipway project {wanted.uid})"
    forge.create_from_template(template, wanted.names.team, wanted.names.slug, description)  # here the worker dies

    assert found(repository.KIND, wanted, forge) == {"update": 2, "create": 1}
    apply(repository.KIND, wanted, forge)

    assert found(repository.KIND, wanted, forge) == {"keep": 3}


def test_a_mark_outlives_a_rewritten_description_and_a_removed_topic(forge: Forge, demand: Wish):
    apply(repository.KIND, demand, forge)
    name = demand.names.repository
    forge.set_topics(name, ["forecasting"])
    assert found(repository.KIND, demand, forge) == {"update": 1, "keep": 2}
    repair(repository.KIND, demand, forge)
    forge.set_description(name, "Ours")

    assert found(repository.KIND, demand, forge) == {"keep": 3}
    made = forge.repository(name)
    assert made is not None
    assert sorted(made["topics"]) == ["forecasting", "slipway", f"u-{demand.uid.replace('-', '')}"]


@pytest.mark.parametrize("mark", ["A repository of somebody", "Theirs (Slipway project another)"])
def test_a_foreign_repository_is_refused_and_stays_as_it_is(forge: Forge, mark: str):
    wanted = project()
    name = wanted.names.repository
    forge.create_repository(wanted.names.team, wanted.names.slug, mark)
    before = (forge.repository(name), forge.collaborators(name), forge.branch_protection(name, "main"))

    for ask in (apply, look):
        with pytest.raises(NameTaken, match=f"^{name} "):
            ask(repository.KIND, wanted, forge)

    assert webhook.KIND.delete(wanted, forge) is True
    assert repository.KIND.delete(replace(wanted, remove_data=True), forge) is True
    after = (forge.repository(name), forge.collaborators(name), forge.branch_protection(name, "main"))
    assert after == before
    forge.delete_repository(name)


def test_rights_that_nobody_asked_for_are_taken_back(forge: Forge, demand: Wish):
    more = (*PEOPLE, {"user": "nobody@corp.example", "role": "viewer"})
    wanted = replace(demand, spec=project(demand.names.slug, contributors=more).spec)
    apply(repository.KIND, wanted, forge)
    name = demand.names.repository
    assert found(repository.KIND, wanted, forge) == {"keep": 3}
    observed = repository.KIND.observe(wanted, forge, repository.KIND.desired(wanted), each)["members"]
    assert observed == {
        "people": {
            "alice@corp.example": "admin",
            "bob@corp.example": "write",
            "nobody@corp.example": "read",
        },
        "others": [],
        "unknown": ["nobody@corp.example"],
    }

    forge.put_collaborator(name, "charlie", "admin")
    forge.put_collaborator(name, "bob", "admin")
    forge.delete_collaborator(name, "alice")
    forge.put_branch_protection(name, "main", push_logins=["bob"])
    forge.set_private(name, False)
    assert found(repository.KIND, wanted, forge) == {"update": 3}
    repair(repository.KIND, wanted, forge)

    assert found(repository.KIND, wanted, forge) == {"keep": 3}
    assert forge.collaborators(name) == {"alice": "admin", "bob": "write"}


def attaching(name: str, **changes: Any) -> Wish:
    return project(options={"repository": {"attach": name}}, **changes)


@pytest.fixture
def of_alice(forge: Forge) -> Iterator[str]:
    """A repository that Alice made, where the bot is an administrator and Charlie works."""
    name = f"alice/{unique('lane')}"
    body = {"name": name.split("/")[1], "private": True, "auto_init": True, "description": "Hers"}
    assert as_person("alice", "POST", "/user/repos", body).status_code == 201
    for login, right in ((BOT, "admin"), ("charlie", "write")):
        path = f"/repos/{name}/collaborators/{login}"
        assert as_person("alice", "PUT", path, {"permission": right}).status_code == 204
    yield name
    as_person("alice", "DELETE", f"/repos/{name}")


def test_an_attached_repository_gets_mark_people_and_hooks_and_loses_nothing(forge: Forge, of_alice: str):
    wanted = attaching(of_alice)

    apply(repository.KIND, wanted, forge)
    apply(webhook.KIND, wanted, forge)

    assert found(repository.KIND, wanted, forge) == {"keep": 2}
    assert found(webhook.KIND, wanted, forge) == {"keep": 2}
    assert forge.collaborators(of_alice) == {BOT: "admin", "bob": "write", "charlie": "write"}
    assert forge.branch_protection(of_alice, "main") is None
    with pytest.raises(NameTaken, match=r"belongs to another project of Slipway\. Attach another one\."):
        apply(repository.KIND, attaching(of_alice), forge)

    everything = replace(wanted, remove_data=True)
    assert webhook.KIND.delete(everything, forge) is True
    assert repository.KIND.delete(everything, forge) is True

    left = forge.repository(of_alice)
    assert left is not None
    assert (left["topics"], left["description"], forge.hooks(of_alice)) == ([], "Hers", [])
    assert forge.collaborators(of_alice) == {BOT: "admin", "bob": "write", "charlie": "write"}


@pytest.mark.parametrize("owner", ["bob", "charlie"])
def test_only_who_administers_a_repository_may_attach_it(forge: Forge, of_alice: str, owner: str):
    wanted = attaching(of_alice, contributors=[{"user": f"{owner}@corp.example", "role": "owner"}])
    absent = attaching("alice/no-such-repository")

    for one in (wanted, absent):
        with pytest.raises(PermanentError, match=r"is not there, or no owner of this project administers it\."):
            apply(repository.KIND, one, forge)

    left = forge.repository(of_alice)
    assert left is not None
    assert left["topics"] == []


def test_a_retired_project_leaves_its_repository_to_the_next_one(forge: Forge, demand: Wish):
    apply(repository.KIND, demand, forge)
    name = demand.names.repository

    assert repository.KIND.delete(demand, forge) is True

    kept = forge.repository(name)
    assert kept is not None
    assert sorted(kept["topics"]) == ["slipway", "slipway-kept", f"u-{demand.uid.replace('-', '')}"]
    assert forge.collaborators(name) == {"alice": "admin", "bob": "write"}
    with pytest.raises(NameTaken, match=r"was kept from an earlier project\. Attach it, or pick another name\."):
        apply(repository.KIND, project(demand.names.slug), forge)
    successor = attaching(name)
    apply(repository.KIND, successor, forge)
    assert found(repository.KIND, successor, forge) == {"keep": 2}
    with pytest.raises(NameTaken, match="belongs to another project of Slipway"):
        apply(repository.KIND, demand, forge)

    repository.KIND.delete(successor, forge)
    apply(repository.KIND, demand, forge)
    assert found(repository.KIND, demand, forge) == {"keep": 3}
    assert repository.KIND.delete(replace(demand, remove_data=True), forge) is True
    assert forge.repository(name) is None


# Webhook


@pytest.fixture
def listener() -> Iterator[tuple[str, list[tuple[Mapping[str, str], bytes]]]]:
    """A server that takes deliveries, as the cluster's CI listener does: its URL, and what it got."""
    got: list[tuple[Mapping[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", got
    server.shutdown()
    server.server_close()


def test_a_push_is_delivered_and_signed_with_the_projects_secrets(
    forge: Forge, listener: tuple[str, list[tuple[Mapping[str, str], bytes]]]
):
    address, got = listener
    wanted = project(listener=address, portal_url=f"{address}projects/demand/")
    apply(repository.KIND, wanted, forge)
    apply(webhook.KIND, wanted, forge)
    assert found(webhook.KIND, wanted, forge) == {"keep": 2}

    forge.put_files(wanted.names.repository, "main", "Change", {"a.txt": b"x"})

    eventually(lambda: len(got) >= 2)
    signatures = {headers["X-Hub-Signature-256"] for headers, _ in got}
    assert signatures == {
        "sha256=" + hmac.new(wanted.secret(purpose).encode(), body, hashlib.sha256).hexdigest()
        for purpose in ("webhook", "profile-hook")
        for body in {body for _, body in got}
    }
    repository.KIND.delete(replace(wanted, remove_data=True), forge)


def test_hooks_are_there_once_and_as_they_were_asked_for(forge: Forge, demand: Wish):
    apply(repository.KIND, demand, forge)
    name = demand.names.repository
    forge.create_hook(name, "http://127.0.0.1:9/somebody-elses", "a-good-long-secret", ["push"])
    for _ in range(3):
        forge.create_hook(name, "http://127.0.0.1:9/", "a-good-long-secret", ["push"])
    forge.create_hook(name, f"http://old.example/hooks/git-1/{demand.uid}/", "a-good-long-secret", ["push"])
    assert [(one.key, [item.path for item in one.differences]) for one in look(webhook.KIND, demand, forge)] == [
        ("hook/ci", ["copies", "events"]),
        ("hook/profile", ["events", "url"]),
    ]

    repair(webhook.KIND, demand, forge)

    assert found(webhook.KIND, demand, forge) == {"keep": 2}
    assert sorted((hook["url"], hook["events"]) for hook in forge.hooks(name)) == [
        ("http://127.0.0.1:9/", ["pull_request", "push"]),
        ("http://127.0.0.1:9/somebody-elses", ["push"]),
        (f"http://localhost:8000/hooks/git-1/{demand.uid}/", ["pull_request", "push"]),
    ]

    assert webhook.KIND.delete(demand, forge) is True
    assert [hook["url"] for hook in forge.hooks(name)] == ["http://127.0.0.1:9/somebody-elses"]


def test_a_webhook_without_its_repository_waits_and_leaves_quietly(forge: Forge):
    wanted = project()

    assert found(webhook.KIND, wanted, forge) == {"create": 2}
    with pytest.raises(TemporaryError):
        apply(webhook.KIND, wanted, forge)
    assert webhook.KIND.delete(wanted, forge) is True
    assert repository.KIND.delete(wanted, forge) is True


def test_a_renamed_repository_is_found_by_its_number(forge: Forge, demand: Wish):
    apply(repository.KIND, demand, forge)
    name = demand.names.repository
    made = forge.repository(name)
    assert made is not None
    token = {"Authorization": f"token {secret('git-1.token')}"}
    new = f"{demand.names.slug}-winter"
    httpx.patch(f"{url('gitea')}/api/v1/repos/{name}", headers=token, json={"name": new}).raise_for_status()
    before = replace(demand, repository=KnownRepository(wanted=name, full_name=name, number=made["id"]))
    after = replace(before, repository=KnownRepository(wanted=name, full_name=f"forecasting/{new}", number=made["id"]))

    for kind in (repository.KIND, webhook.KIND):
        with pytest.raises(TemporaryError):
            look(kind, before, forge)
    assert found(repository.KIND, after, forge) == {"keep": 3}
    apply(webhook.KIND, after, forge)
    assert found(webhook.KIND, after, forge) == {"keep": 2}
    assert repository.KIND.delete(replace(after, remove_data=True), forge) is True


def test_a_hook_that_somebody_deleted_is_put_back(forge: Forge, demand: Wish):
    apply(repository.KIND, demand, forge)
    apply(webhook.KIND, demand, forge)
    name = demand.names.repository
    [profile] = [hook for hook in forge.hooks(name) if "/hooks/" in hook["url"]]
    assert forge.delete_hook(name, profile["id"]) is True

    assert found(webhook.KIND, demand, forge) == {"create": 1, "keep": 1}
    repair(webhook.KIND, demand, forge)

    assert found(webhook.KIND, demand, forge) == {"keep": 2}
