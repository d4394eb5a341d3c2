"""Data of others on a real MinIO: what a project's key opens, what it doesn't, and that it ends."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from minio.commonconfig import CopySource

from projects.today import today
from provisioning.clients.minio import ObjectStore
from provisioning.data_access import without_ended
from provisioning.kind import Consent, Wish
from provisioning.kinds import bucket
from tests.contract.made import apply, found, project, repair
from tests.contract.test_bucket_kind import put, refused, tenant
from tests.provisioning.wishes import catalogue, wish


def reader(ours: Wish, store: str, *, readers: list[str], prefix: str = "raw", days: int = 1) -> Wish:
    """The project again, as one that chose to read below that prefix of the bucket until tomorrow, or another day."""
    one = {"name": "roads", "owner": "vision", "readers": readers, "object_store": "store-1"}
    return wish(
        slug=ours.spec.slug,
        uid=ours.uid,
        catalogue=catalogue(data_stores=[{**one, "bucket": store, "prefix": prefix}]),
        options={"data": {"read": ["roads"], "until": (today() + timedelta(days=days)).isoformat()}},
    )


def test_a_consent_does_not_open_what_its_name_stands_for_later(store: ObjectStore, demand: Wish):
    theirs, neighbour = project(f"{demand.names.slug}-two"), project(f"{demand.names.slug}-three")
    for one in (demand, theirs, neighbour):
        apply(bucket.KIND, one, store)
    own = tenant(demand)
    for one in (theirs, neighbour):
        put(tenant(one), one.names.bucket, "raw/a", b"x")
        put(tenant(one), one.names.bucket, "faces/b", b"x")
    reads: list[Callable[[], Any]] = [
        lambda: own.get_object(theirs.names.bucket, "raw/a"),
        lambda: own.get_object(theirs.names.bucket, "faces/b"),
        lambda: own.get_object(neighbour.names.bucket, "raw/a"),
    ]
    let = Consent(owner="vision", place=f"s3://{theirs.names.bucket}/raw on store-1", until=today(), given=today())

    def opened(name: str, prefix: str) -> list[bool]:
        """Is each read once the catalogue's store is there, by the consent for `raw` of the first bucket?"""
        wanted = replace(reader(demand, name, readers=[], prefix=prefix), consents={"roads": let})
        repair(bucket.KIND, wanted, store)
        return [not refused(one) for one in reads]

    assert opened(theirs.names.bucket, "raw") == [True, False, False]
    assert opened(neighbour.names.bucket, "raw") == [False, False, False]
    assert opened(theirs.names.bucket, "faces") == [False, False, False]
    assert opened(theirs.names.bucket, "raw") == [True, False, False]


def test_a_reader_reads_below_the_prefix_until_it_ends_and_nothing_else(store: ObjectStore, demand: Wish):
    theirs = project(f"{demand.names.slug}-two")
    for one in (demand, theirs):
        apply(bucket.KIND, one, store)
    name, own, owner = theirs.names.bucket, tenant(demand), tenant(theirs)
    old = put(owner, name, "raw/a", b"what it was")
    deleted = put(owner, name, "raw/gone", b"what is deleted")
    owner.remove_object(name, "raw/gone")
    for key in ("raw/a", "raw/deep/b", "raw-2/c", "rawer", "other"):
        put(owner, name, key, b"x")
    inside: list[Callable[[], Any]] = [
        lambda: own.get_object(name, "raw/a").read(),
        lambda: own.get_object(name, "raw/deep/b").read(),
        lambda: list(own.list_objects(name, prefix="raw/", recursive=True)),
    ]
    outside: list[Callable[[], Any]] = [
        lambda: own.get_object(name, "raw-2/c"),
        lambda: own.get_object(name, "rawer"),
        lambda: own.get_object(name, "other"),
        lambda: list(own.list_objects(name)),
        lambda: list(own.list_objects(name, prefix="raw")),
        lambda: list(own.list_objects(name, prefix="raw-2/")),
        lambda: put(own, name, "raw/new", b"x"),
        lambda: own.remove_object(name, "raw/a"),
        lambda: own.get_object(name, "raw/a", version_id=old),
        lambda: own.stat_object(name, "raw/a", version_id=old),
        lambda: own.get_object(name, "raw/gone", version_id=deleted),
        lambda: own.copy_object(demand.names.bucket, "a", CopySource(name, "raw/a", version_id=old)),
    ]
    assert all(refused(call) for call in inside)

    reading = reader(demand, name, readers=["forecasting"])
    assert found(bucket.KIND, reading, store) == {"update": 1, "keep": 2}
    repair(bucket.KIND, reading, store)
    assert found(bucket.KIND, reading, store) == {"keep": 3}
    assert [call() for call in inside[:2]] == [b"x", b"x"]
    assert [one.object_name for one in inside[2]()] == ["raw/a", "raw/deep/b"]
    assert [number for number, call in enumerate(outside) if not refused(call)] == []
    # MinIO takes leave to list for leave to list old versions: their names are seen, never what is in them.
    names = {one.object_name for one in own.list_objects(name, prefix="raw/", recursive=True, include_version=True)}
    assert names == {"raw/a", "raw/deep/b", "raw/gone"}
    put(own, demand.names.bucket, "mine", b"x")

    withdrawn = reader(demand, name, readers=[])
    repair(bucket.KIND, withdrawn, store)
    assert all(refused(call) for call in inside)

    repair(bucket.KIND, reading, store)
    assert inside[0]() == b"x"
    spec = without_ended(reading.spec, today=today() + timedelta(days=2))
    repair(bucket.KIND, wish(slug=spec.slug, uid=demand.uid, options=spec.options), store)
    assert all(refused(call) for call in inside)
    assert own.get_object(demand.names.bucket, "mine").read() == b"x"


def test_reading_ends_by_the_store_s_own_clock_where_nobody_looks(store: ObjectStore, demand: Wish):
    theirs = project(f"{demand.names.slug}-two")
    for one in (demand, theirs):
        apply(bucket.KIND, one, store)
    name, own = theirs.names.bucket, tenant(demand)
    put(tenant(theirs), name, "raw/a", b"x")
    reads: list[Callable[[], Any]] = [
        lambda: own.get_object(name, "raw/a").read(),
        lambda: list(own.list_objects(name, prefix="raw/", recursive=True)),
    ]
    # As it was written when there were days left.
    over = reader(demand, name, readers=["forecasting"], days=-2)
    repair(bucket.KIND, over, store)
    assert found(bucket.KIND, over, store) == {"keep": 3}
    assert all(refused(call) for call in reads)
    put(own, demand.names.bucket, "mine", b"x")

    for days in (0, 2_000_000):
        reading = reader(demand, name, readers=["forecasting"], days=days)
        repair(bucket.KIND, reading, store)
        assert found(bucket.KIND, reading, store) == {"keep": 3}
        assert not any(refused(call) for call in reads)
