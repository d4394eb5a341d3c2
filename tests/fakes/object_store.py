"""An object store in memory: buckets with versions and unfinished uploads, policies, users."""

import copy
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from provisioning.errors import PermanentError, TemporaryError
from tests.fakes.recording import Recorder

Json = dict[str, Any]
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class _Bucket:
    tags: dict[str, str] = field(default_factory=dict)
    versioning: bool = False
    lifecycle: Json | None = None
    quota: int = 0
    objects: dict[str, list[bytes]] = field(default_factory=dict)
    uploads: list[str] = field(default_factory=list)
    born: datetime = field(default_factory=lambda: _EPOCH)


@dataclass
class _User:
    secret: str
    enabled: bool = True
    policies: list[str] = field(default_factory=list)


class FakeObjectStore(Recorder):
    """`ObjectStore` without a store. `buckets`, `policies` and `users` hold what is in it.

    `clock` is the store's own; it moves on by a millisecond each time, unless a test sets another. `counted_at` is
    when its counter came by, `disks` what they hold.
    """

    def __init__(
        self,
        *,
        name: str = "store-1",
        endpoint: str = "",
        region: str = "us-east-1",
        access_key: str = "",
        secret_key: str = "",
        ca: str | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.buckets: dict[str, _Bucket] = {}
        self.policies: dict[str, Json] = {}
        self.written: dict[str, tuple[datetime, datetime]] = {}
        self.users: dict[str, _User] = {}
        self.counted_at: datetime | None = _EPOCH
        self.disks = 0
        self.clock: Callable[[], datetime] = self._next_millisecond
        self._ticks = itertools.count(1)

    def put_object(self, bucket: str, key: str, data: bytes) -> None:
        """What a tenant does."""
        found = self.buckets[bucket]
        versions = found.objects.setdefault(key, [])
        if not found.versioning:
            versions.clear()
        versions.append(data)

    def start_upload(self, bucket: str, key: str) -> None:
        """What a tenant does and never ends."""
        self.buckets[bucket].uploads.append(key)

    def uploads(self, bucket: str) -> list[str]:
        """The keys of uploads that were started and not ended."""
        return list(self.buckets[bucket].uploads)

    def switch_user(self, name: str, *, on: bool) -> None:
        """What the store's administrator does."""
        self.users[name].enabled = on

    def close(self) -> None:
        self._enter("close")

    def probe(self) -> str:
        self._enter("probe")
        return "in memory"

    def list_buckets(self) -> list[str]:
        self._enter("list_buckets")
        return sorted(self.buckets)

    def make_bucket(self, name: str) -> bool:
        with self._lock:
            self._enter("make_bucket", name)
            if name in self.buckets:
                return False
            self.buckets[name] = _Bucket(born=self.clock())
            return True

    def bucket_born(self, name: str) -> datetime | None:
        self._enter("bucket_born", name)
        return self.buckets[name].born if name in self.buckets else None

    def bucket_empty(self, name: str) -> bool:
        self._enter("bucket_empty", name)
        return not self._bucket(name, f"look into the bucket {name}").objects

    def folder_state(self, name: str, prefix: str, *, most: int = 100_000) -> str | None:
        self._enter("folder_state", name, prefix)
        if name not in self.buckets:
            return None
        found = {key: versions[-1] for key, versions in self.buckets[name].objects.items() if key.startswith(prefix)}
        if len(found) > most:
            raise PermanentError(f"{name}/{prefix} holds more than {most} objects, too many to be watched.")
        return sha256(repr(sorted(found.items())).encode()).hexdigest()

    def bucket_tags(self, name: str) -> dict[str, str] | None:
        self._enter("bucket_tags", name)
        return dict(self.buckets[name].tags) if name in self.buckets else None

    def set_bucket_tags(self, name: str, tags: dict[str, str]) -> None:
        self._enter("set_bucket_tags", name)
        self._bucket(name, f"tag the bucket {name}").tags = dict(tags)

    def versioning(self, name: str) -> bool:
        self._enter("versioning", name)
        return self._bucket(name, f"read the versioning of {name}").versioning

    def set_versioning(self, name: str, on: bool) -> None:
        self._enter("set_versioning", name)
        self._bucket(name, f"set the versioning of {name}").versioning = on

    def lifecycle(self, name: str) -> Json | None:
        self._enter("lifecycle", name)
        return copy.copy(self._bucket(name, f"read the lifecycle of {name}").lifecycle)

    def set_lifecycle(self, name: str, *, noncurrent_days: int, abort_multipart_days: int | None = None) -> None:
        self._enter("set_lifecycle", name)
        bucket = self._bucket(name, f"set the lifecycle of {name}")
        # As MinIO does: the second one is accepted and dropped.
        bucket.lifecycle = {"noncurrent_days": noncurrent_days, "abort_multipart_days": None}

    def quota(self, name: str) -> int:
        self._enter("quota", name)
        return self._bucket(name, f"read the quota of {name}").quota

    def set_quota(self, name: str, size: int) -> None:
        self._enter("set_quota", name)
        self._bucket(name, f"set the quota of {name}").quota = size

    def data_usage(self) -> Json:
        self._enter("data_usage")
        buckets = {
            name: (_size(bucket), len(bucket.objects)) for name, bucket in self.buckets.items() if bucket.objects
        }
        return {"counted_at": self.counted_at, "buckets": buckets}

    def capacity(self) -> int:
        self._enter("capacity")
        return self.disks

    def remove_bucket(self, name: str, *, with_data: bool) -> bool:
        with self._lock:
            self._enter("remove_bucket", name)
            if name not in self.buckets:
                return False
            if self.buckets[name].objects and not with_data:
                raise PermanentError(f"{self.name} can't remove the bucket {name}, since it still holds data.")
            del self.buckets[name]
            return True

    def policy(self, name: str) -> Json | None:
        self._enter("policy", name)
        return copy.deepcopy(self.policies.get(name))

    def policy_written(self, name: str) -> tuple[datetime, datetime] | None:
        self._enter("policy_written", name)
        return self.written.get(name)

    def put_policy(self, name: str, document: Json) -> None:
        self._enter("put_policy", name)
        now = self.clock()
        self.written[name] = (self.written.get(name, (now, now))[0], now)
        self.policies[name] = document | {"Statement": [_sorted(one) for one in document["Statement"]]}

    def delete_policy(self, name: str) -> bool:
        with self._lock:
            self._enter("delete_policy", name)
            if name in self.policies and any(name in user.policies for user in self.users.values()):
                raise PermanentError(f"{self.name} refuses to remove the policy {name}: it is in use")
            self.written.pop(name, None)
            return self.policies.pop(name, None) is not None

    def user(self, name: str) -> Json | None:
        self._enter("user", name)
        found = self.users.get(name)
        return {"enabled": found.enabled, "policies": list(found.policies)} if found else None

    def put_user(self, name: str, secret: str) -> None:
        with self._lock:
            self._enter("put_user", name)
            if len(secret) < 8:
                raise PermanentError(f"{self.name} refuses to make the user {name}: The secret key is invalid.")
            kept = self.users[name].policies if name in self.users else []
            self.users[name] = _User(secret=secret, policies=kept)

    def set_user_policy(self, name: str, policy: str) -> None:
        with self._lock:
            self._enter("set_user_policy", name, policy)
            if policy and policy not in self.policies:
                raise TemporaryError(f"{self.name} can't give the user {name} its policy: no such policy")
            self._user(name).policies = [policy] if policy else []

    def delete_user(self, name: str) -> bool:
        self._enter("delete_user", name)
        return self.users.pop(name, None) is not None

    def _next_millisecond(self) -> datetime:
        return _EPOCH + timedelta(milliseconds=next(self._ticks))

    def _bucket(self, name: str, doing: str) -> _Bucket:
        if name not in self.buckets:
            raise TemporaryError(f"{self.name} can't {doing}: The specified bucket does not exist")
        return self.buckets[name]

    def _user(self, name: str) -> _User:
        if name not in self.users:
            raise TemporaryError(f"{self.name} has no user {name}")
        return self.users[name]


def _size(bucket: _Bucket) -> int:
    return sum(len(version) for versions in bucket.objects.values() for version in versions)


def _sorted(statement: Json) -> Json:
    """A statement as the server gives it back: lists in order, one word as a list of one."""
    lists = {
        key: sorted([value] if isinstance(value, str) else value)
        for key, value in statement.items()
        if key in ("Action", "Resource")
    }
    return statement | lists
