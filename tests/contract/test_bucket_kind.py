"""Buckets on a real MinIO: as asked for, one key for one bucket, and what is somebody else's stays as it is."""

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from minio import Minio, MinioAdmin, S3Error
from minio.commonconfig import Tags
from minio.credentials import AssumeRoleProvider, StaticProvider
from minio.error import MinioAdminException
from minio.versioningconfig import SUSPENDED, VersioningConfig

from provisioning.clients.minio import ObjectStore
from provisioning.errors import NameTaken, PermanentError
from provisioning.kind import Wish
from provisioning.kinds import bucket
from provisioning.reconcile import each
from provisioning.secrets import Earlier
from tests.contract.made import apply, found, look, project, repair
from tests.contract.stack import secret, switch_user, unique, url


def tenant(wanted: Wish) -> Minio:
    """The store as the project's own key opens it."""
    return s3(wanted.names.store_user_at(wanted.version("bucket")), wanted.secret("bucket"))


def s3(user: str, key: str) -> Minio:
    return Minio(url("minio").removeprefix("http://"), user, key, secure=False, region="us-east-1")


def administrator() -> Minio:
    return s3(secret("store-1.root-access-key"), secret("store-1.root-secret-key"))


def put(client: Minio, name: str, key: str, data: bytes) -> str:
    """Which version that became; "" in a bucket that keeps none."""
    return client.put_object(name, key, io.BytesIO(data), len(data)).version_id or ""


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


def test_the_key_makes_no_other_and_those_that_there_are_open_nothing(store: ObjectStore, demand: Wish):
    apply(bucket.KIND, demand, store)
    name, account = demand.names.bucket, demand.names.store_user
    address, key = url("minio").removeprefix("http://"), demand.secret("bucket")
    shared: dict[str, Any] = {"endpoint": address, "region": "us-east-1", "secure": False}
    own = MinioAdmin(**shared, credentials=StaticProvider(account, key))
    put(tenant(demand), name, "data", b"x")

    # What was made before the policy said so.
    made = unique("made-before")
    allowing = bucket.policy_document(name)["Statement"][:2]
    store.put_policy(account, {"Version": "2012-10-17", "Statement": allowing})
    own.add_service_account(access_key=made, secret_key="a-good-long-secret")
    assert s3(made, "a-good-long-secret").get_object(name, "data").data == b"x"
    repair(bucket.KIND, demand, store)

    for change in (
        lambda: own.add_service_account(access_key=unique("one-more"), secret_key="a-good-long-secret"),
        lambda: own.update_service_account(access_key=made, secret_key="another-long-secret"),
        lambda: own.user_add(account, "another-long-secret"),
    ):
        with pytest.raises(MinioAdminException, match="AccessDenied"):
            change()
    lent = AssumeRoleProvider(
        sts_endpoint=url("minio"), access_key=account, secret_key=key, region="us-east-1"
    ).retrieve()
    temporary = Minio(**shared, credentials=StaticProvider(lent.access_key, lent.secret_key, lent.session_token))
    for other in (s3(made, "a-good-long-secret"), temporary):
        assert refused(lambda client=other: client.get_object(name, "data"))
        assert refused(lambda client=other: put(client, name, "data", b"y"))
    assert tenant(demand).get_object(name, "data").data == b"x"


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
    switch_user(account, on=False)
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
