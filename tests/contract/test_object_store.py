"""One contract for `ObjectStore` and its fake. Cases that need the server's own rules run on the real one only.

The real one is asked with the portal's own, narrow key, so these cases also hold the list of rights that it needs.
"""

import inspect
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from minio import Minio, S3Error

from provisioning.clients.minio import ObjectStore
from provisioning.errors import PermanentError, TargetUnavailable, TemporaryError
from tests.contract.stack import eventually, secret, switch_user, unique, url
from tests.fakes.object_store import FakeObjectStore

AnyStore = ObjectStore | FakeObjectStore


@dataclass
class Subject:
    """A store, and what others do to it behind the portal's back; `switch_user(name, on=…)` as its administrator."""

    store: AnyStore
    put_object: Callable[[str, str, bytes], object]
    start_upload: Callable[[str, str], object]
    uploads: Callable[[str], list[str]]
    switch_user: Callable[..., object]


def _s3(user: str, password: str) -> Minio:
    return Minio(url("minio").removeprefix("http://"), user, password, secure=False, region="us-east-1")


@pytest.fixture
def real() -> Iterator[ObjectStore]:
    store = ObjectStore(
        name="store-1",
        endpoint=url("minio"),
        region="us-east-1",
        access_key=secret("store-1.access-key"),
        secret_key=secret("store-1.secret-key"),
    )
    yield store
    store.close()


@pytest.fixture(params=["fake", "real"])
def subject(request: pytest.FixtureRequest) -> Subject:
    if request.param == "fake":
        fake = FakeObjectStore()
        return Subject(fake, fake.put_object, fake.start_upload, fake.uploads, fake.switch_user)
    store = request.getfixturevalue("real")
    s3 = _s3(secret("store-1.root-access-key"), secret("store-1.root-secret-key"))
    return Subject(
        store,
        lambda bucket, key, data: s3.put_object(bucket, key, io.BytesIO(data), len(data)),
        lambda bucket, key: s3._create_multipart_upload(bucket, key, {}),
        lambda bucket: [one.object_name for one in s3._list_multipart_uploads(bucket).uploads],
        switch_user,
    )


@pytest.fixture
def store(subject: Subject) -> AnyStore:
    return subject.store


@pytest.fixture
def bucket(store: AnyStore) -> Iterator[str]:
    name = unique("ml-contract")
    assert store.make_bucket(name) is True
    yield name
    store.remove_bucket(name, with_data=True)


ALLOWED = {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": "arn:aws:s3:::contract"}
POLICY = {"Version": "2012-10-17", "Statement": [ALLOWED]}


@pytest.fixture
def policy(store: AnyStore) -> Iterator[str]:
    name = unique("contract-policy")
    store.put_policy(name, POLICY)
    yield name
    store.delete_policy(name)


@pytest.fixture
def user(store: AnyStore, policy: str) -> Iterator[str]:
    name = unique("contract-user")
    store.put_user(name, "a-good-long-secret")
    yield name
    store.delete_user(name)


def test_fake_has_the_same_methods():
    for name, method in inspect.getmembers(ObjectStore, inspect.isfunction):
        if not name.startswith("_"):
            fake = inspect.signature(getattr(FakeObjectStore, name)).parameters.values()
            real = inspect.signature(method).parameters.values()
            shape = [(one.name, one.kind, one.default) for one in real]
            assert shape == [(one.name, one.kind, one.default) for one in fake], name


def test_probe_answers(store: AnyStore):
    assert store.probe()


def test_bucket_is_made_once(store: AnyStore, bucket: str):
    assert store.make_bucket(bucket) is False
    assert bucket in store.list_buckets()


def test_tags_tell_absent_from_untagged(store: AnyStore, bucket: str):
    assert store.bucket_tags("ml-no-such-bucket") is None
    assert store.bucket_tags(bucket) == {}
    store.set_bucket_tags(bucket, {"slipway.dev/uid": "u1", "slipway.dev/project": "demand"})
    store.set_bucket_tags(bucket, {"slipway.dev/uid": "u2"})
    assert store.bucket_tags(bucket) == {"slipway.dev/uid": "u2"}


def test_versioning_can_be_turned(store: AnyStore, bucket: str):
    assert store.versioning(bucket) is False
    store.set_versioning(bucket, True)
    assert store.versioning(bucket) is True
    store.set_versioning(bucket, False)
    assert store.versioning(bucket) is False


def test_lifecycle_is_kept_but_for_uploads(store: AnyStore, bucket: str):
    assert store.lifecycle(bucket) is None
    store.set_lifecycle(bucket, noncurrent_days=30, abort_multipart_days=7)
    assert store.lifecycle(bucket) == {"noncurrent_days": 30, "abort_multipart_days": None}
    store.set_lifecycle(bucket, noncurrent_days=14)
    assert store.lifecycle(bucket) == {"noncurrent_days": 14, "abort_multipart_days": None}


def test_quota_in_bytes(store: AnyStore, bucket: str):
    assert store.quota(bucket) == 0
    store.set_quota(bucket, 10 * 1024**3)
    assert store.quota(bucket) == 10 * 1024**3
    store.set_quota(bucket, 0)
    assert store.quota(bucket) == 0


def test_questions_about_an_absent_bucket_can_be_answered_later(store: AnyStore):
    for ask in (store.versioning, store.lifecycle, store.quota, store.bucket_empty):
        with pytest.raises(TemporaryError, match="does not exist"):
            ask("ml-no-such-bucket")
    with pytest.raises(TemporaryError, match="does not exist"):
        store.set_bucket_tags("ml-no-such-bucket", {"a": "b"})
    assert "ml-no-such-bucket" not in store.data_usage()["buckets"]


def test_bucket_with_data_goes_only_when_told(subject: Subject, bucket: str):
    store = subject.store
    store.set_versioning(bucket, True)
    for text in (b"one", b"two"):
        subject.put_object(bucket, "folder/model.bin", text)
    with pytest.raises(PermanentError, match="it still holds data"):
        store.remove_bucket(bucket, with_data=False)
    assert store.remove_bucket(bucket, with_data=True) is True
    assert store.bucket_tags(bucket) is None
    assert store.remove_bucket(bucket, with_data=True) is False
    assert store.remove_bucket(bucket, with_data=False) is False


def test_a_folder_says_when_something_in_it_changed(subject: Subject, bucket: str):
    store, states = subject.store, []
    for key, data in (("raw/a", b"1"), ("raw/deep/b", b"2"), ("raw/a", b"3"), ("dvc/c", b"4"), ("raw-2/a", b"5")):
        subject.put_object(bucket, key, data)
        states.append(store.folder_state(bucket, "raw/"))
    assert len(set(states)) == 3
    assert states[2] == states[3] == states[4] == store.folder_state(bucket, "raw/")
    assert store.folder_state("ml-no-such-bucket", "raw/") is None
    with pytest.raises(PermanentError, match="more than 1 objects, too many to be watched"):
        store.folder_state(bucket, "raw/", most=1)


def test_unfinished_uploads_do_not_come_back(subject: Subject, bucket: str):
    subject.start_upload(bucket, "big.bin")
    assert subject.uploads(bucket) == ["big.bin"]
    assert subject.store.remove_bucket(bucket, with_data=True) is True
    assert subject.store.make_bucket(bucket) is True
    assert subject.uploads(bucket) == []


def test_policy_comes_back_sorted(store: AnyStore, policy: str):
    statement = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::contract"]}
    assert store.policy(policy) == {"Version": "2012-10-17", "Statement": [statement]}
    assert store.policy("contract-no-such-policy") is None
    assert store.delete_policy("contract-no-such-policy") is False


def test_the_store_knows_when_things_were_made(subject: Subject, policy: str):
    store, name = subject.store, unique("ml-contract")
    assert (store.bucket_born(name), store.policy_written("contract-no-such-policy")) == (None, None)
    first = store.policy_written(policy)
    assert first is not None
    assert first[0] == first[1]
    store.make_bucket(name)
    born = store.bucket_born(name)
    store.put_policy(policy, POLICY)
    again = store.policy_written(policy)
    assert born is not None
    assert again is not None
    assert first[0] == again[0] <= born <= again[1]
    store.set_versioning(name, True)
    assert store.bucket_empty(name) is True
    subject.put_object(name, "model.bin", b"one")
    assert store.bucket_empty(name) is False
    store.remove_bucket(name, with_data=True)


def test_user_with_its_policy(subject: Subject, store: AnyStore, user: str, policy: str):
    assert store.user("contract-no-such-user") is None
    assert store.user(user) == {"enabled": True, "policies": []}
    store.set_user_policy(user, policy)
    store.set_user_policy(user, policy)
    assert store.user(user) == {"enabled": True, "policies": [policy]}
    subject.switch_user(user, on=False)
    assert store.user(user) == {"enabled": False, "policies": [policy]}
    subject.switch_user(user, on=True)
    assert store.user(user) == {"enabled": True, "policies": [policy]}
    subject.switch_user(user, on=False)
    store.put_user(user, "another-long-secret")
    assert store.user(user) == {"enabled": True, "policies": [policy]}
    with pytest.raises(PermanentError, match="in use"):
        store.delete_policy(policy)
    assert store.delete_user(user) is True
    assert store.delete_user(user) is False
    assert store.delete_policy(policy) is True


def test_secret_key_has_8_characters_or_more(store: AnyStore):
    with pytest.raises(PermanentError) as caught:
        store.put_user(unique("contract-user"), "tooshor")
    assert "tooshor" not in caught.value.message


def test_absent_policy_can_come_later(store: AnyStore, user: str):
    with pytest.raises(TemporaryError):
        store.set_user_policy(user, "contract-no-such-policy")


# Only the real server has these rules.


def test_versioning_of_an_absent_bucket_is_not_refused(real: ObjectStore):
    """Why the client says: make the bucket first."""
    real.set_versioning("ml-no-such-bucket", True)
    assert real.bucket_tags("ml-no-such-bucket") is None


def test_more_versions_than_one_page_are_removed(real: ObjectStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("provisioning.clients.minio._REMOVALS_PER_CALL", 3)
    s3 = _s3(secret("store-1.root-access-key"), secret("store-1.root-secret-key"))
    name = unique("ml-contract")
    real.make_bucket(name)
    for number in range(5):
        s3.put_object(name, f"{number}.txt", io.BytesIO(b"x"), 1)
    with pytest.raises(TemporaryError, match="still being emptied"):
        real.remove_bucket(name, with_data=True)
    assert real.remove_bucket(name, with_data=True) is True


def test_rotated_secret_lets_in_and_the_old_one_does_not(real: ObjectStore):
    name, bucket = unique("contract-user"), unique("ml-contract")
    statement = {"Effect": "Allow", "Action": ["s3:*"], "Resource": [f"arn:aws:s3:::{bucket}/*"]}
    real.make_bucket(bucket)
    real.put_policy(name, {"Version": "2012-10-17", "Statement": [statement]})
    for password in ("first-long-secret", "second-long-secret-of-forty-three-characters"):
        real.put_user(name, password)
        real.set_user_policy(name, name)
        _s3(name, password).put_object(bucket, "a.txt", io.BytesIO(b"x"), 1)
    with pytest.raises(S3Error) as caught:
        _s3(name, "first-long-secret").put_object(bucket, "a.txt", io.BytesIO(b"x"), 1)
    assert caught.value.code == "SignatureDoesNotMatch"
    switch_user(name, on=False)
    with pytest.raises(S3Error):
        _s3(name, "second-long-secret-of-forty-three-characters").put_object(bucket, "a.txt", io.BytesIO(b"x"), 1)
    real.delete_user(name)
    real.delete_policy(name)
    real.remove_bucket(bucket, with_data=True)


def test_refused_key_and_silence_are_unavailable(real: ObjectStore):
    def with_(endpoint: str, key: str, password: str) -> ObjectStore:
        return ObjectStore(name="store-1", endpoint=endpoint, region="us-east-1", access_key=key, secret_key=password)

    for wrong in (with_(url("minio"), secret("store-1.access-key"), "wrong"), with_(url("minio"), "nobody", "wrong")):
        with pytest.raises(TargetUnavailable, match="refuses our credential"):
            wrong.probe()
        with pytest.raises(TargetUnavailable, match="refuses our credential"):
            wrong.list_buckets()
    for ask in ("probe", "list_buckets"):
        with pytest.raises(TargetUnavailable, match="no connection"):
            getattr(with_("http://127.0.0.1:1", "a", "wrong-secret"), ask)()


def test_the_counter_and_the_disks_are_told_with_the_portals_own_right(real: ObjectStore) -> None:
    told = real.data_usage()
    assert told.keys() == {"counted_at", "buckets"}
    assert real.capacity() > 2**30


def test_what_is_in_a_bucket_is_counted(subject: Subject, bucket: str) -> None:
    for name in ("a.bin", "b.bin"):
        subject.put_object(bucket, name, b"x" * 1000)
    assert eventually(lambda: subject.store.data_usage()["buckets"].get(bucket), seconds=90) == (2000, 2)
