"""The project's bucket, its policy and its user: data that outlives pods, and keys that open this one bucket only.

The user's secret key is derived (`wish.secret("bucket")`) and can't be read back from the store, so observing can't
tell an old key from a new one: whoever moves `wish.versions["bucket"]` has the users applied again. Versions take two
user names in turn, so that the key before can go on working while it is replaced; when its time is over, its user is
one of the things that must not be there. docs/decisions/0017-two-users-in-turn.md

Whose an existing bucket is, and how that stays decidable when we die between making and marking it:
docs/decisions/0002-whose-bucket.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import Field, field_validator

from provisioning.data_access import statements
from provisioning.errors import NameTaken, TemporaryError
from provisioning.kind import Body, Each, Kind, Object, Options, Right, Wish
from provisioning.measures import Measure, Reading, Survey, Usage
from provisioning.names import LABEL_UID
from provisioning.phrases import Phrase, numbered, phrase
from provisioning.plan_limits import beyond_plan
from provisioning.quantities import human, parse_quantity

TAG_KEPT = "slipway.dev/kept"
MEASURES = (
    Measure(name="bucket", title="Bucket", unit="bytes", plan="bucket", lasting=True),
    Measure(name="objects", title="Objects in the bucket", unit="pieces", lasting=True),
)

_SMALLEST = "1Mi"
_ABORT_MULTIPART_DAYS = 7
# From writing our policy to the bucket's birth: milliseconds, or as long as a stalled store may take over a request.
_BIRTH_WINDOW = timedelta(seconds=60)

_ON_BUCKET = ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions")
_ON_OBJECTS = (
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
)
_OWN_KEYS = ("admin:CreateServiceAccount", "admin:CreateUser", "admin:UpdateServiceAccount")


class Store(Protocol):
    """What this Kind uses of `provisioning.clients.minio.ObjectStore` (and of its fake)."""

    def make_bucket(self, name: str) -> bool: ...
    def bucket_tags(self, name: str) -> dict[str, str] | None: ...
    def set_bucket_tags(self, name: str, tags: dict[str, str]) -> None: ...
    def bucket_born(self, name: str) -> datetime | None: ...
    def bucket_empty(self, name: str) -> bool: ...
    def versioning(self, name: str) -> bool: ...
    def set_versioning(self, name: str, on: bool) -> None: ...
    def lifecycle(self, name: str) -> Mapping[str, Any] | None: ...
    def set_lifecycle(self, name: str, *, noncurrent_days: int, abort_multipart_days: int | None = None) -> None: ...
    def quota(self, name: str) -> int: ...
    def set_quota(self, name: str, size: int) -> None: ...
    def remove_bucket(self, name: str, *, with_data: bool) -> bool: ...
    def policy(self, name: str) -> dict[str, Any] | None: ...
    def policy_written(self, name: str) -> tuple[datetime, datetime] | None: ...
    def put_policy(self, name: str, document: dict[str, Any]) -> None: ...
    def delete_policy(self, name: str) -> bool: ...
    def user(self, name: str) -> Mapping[str, Any] | None: ...
    def put_user(self, name: str, secret: str) -> None: ...
    def set_user_policy(self, name: str, policy: str) -> None: ...
    def delete_user(self, name: str) -> bool: ...


class BucketOptions(Options):
    """What a team may choose about its bucket."""

    quota: str | None = Field(
        default=None,
        title="Size limit",
        description="Such as 200Gi. The plan's limit when left out; never more than it.",
    )
    versioning: bool = Field(
        default=True, title="Keep old versions", description="An overwritten or deleted object can be brought back."
    )
    noncurrent_days: int = Field(
        default=30, ge=1, le=365, title="Days to keep old versions", description="Then they are removed for good."
    )

    @field_validator("quota")
    @classmethod
    def _some_room(cls, value: str | None) -> str | None:
        # 0 would mean "no limit" to the store.
        if value is not None and parse_quantity(value) < parse_quantity(_SMALLEST):
            raise ValueError(
                phrase(
                    "%(size)s is too small for a bucket. Write at least %(least)s, such as 200Gi.",
                    size=value,
                    least=_SMALLEST,
                )
            )
        return value


def _options(wish: Wish) -> BucketOptions:
    return wish.options("bucket", BucketOptions)


def _size(wish: Wish) -> str:
    return _options(wish).quota or wish.plan.bucket


def policy_document(bucket: str) -> dict[str, Any]:
    """The policy that opens exactly this bucket: read, write and delete objects, nothing about the bucket itself.

    MinIO lets whoever may delete objects also delete single old versions, unless that is denied; hence "History".
    Unless it is denied, too, a user changes its own secret key, and makes others of itself: service accounts, which go
    on when the secret is rotated, and temporary ones for up to a year, which nothing can forbid to make and which
    outlive even the user, where one of its name is made anew. So the former are not made, and none of either opens
    anything.
    """
    arn = f"arn:aws:s3:::{bucket}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Bucket", "Effect": "Allow", "Action": list(_ON_BUCKET), "Resource": [arn]},
            {"Sid": "Objects", "Effect": "Allow", "Action": list(_ON_OBJECTS), "Resource": [f"{arn}/*"]},
            {"Sid": "History", "Effect": "Deny", "Action": ["s3:DeleteObjectVersion"], "Resource": [f"{arn}/*"]},
            {"Sid": "OneKey", "Effect": "Deny", "Action": list(_OWN_KEYS)},
            {
                "Sid": "NoOtherKey",
                "Effect": "Deny",
                "Action": ["s3:*"],
                "Resource": ["arn:aws:s3:::*"],
                "Condition": {"StringEquals": {"aws:principaltype": ["AssumedRole"]}},
            },
        ],
    }


def _policy_of(wish: Wish) -> dict[str, Any]:
    """The same for a project, with the data of others that it reads."""
    document = policy_document(wish.names.bucket)
    return {**document, "Statement": [*document["Statement"], *statements(wish)]}


def _keys(wish: Wish) -> tuple[str, str]:
    """Keys of bucket and policy."""
    return f"bucket/{wish.names.bucket}", f"policy/{wish.names.store_user}"


def _users(wish: Wish) -> dict[str, str | None]:
    """The users by name, with the secret key that each shall have; None: it must not be there."""
    version = wish.version("bucket")
    users: dict[str, str | None] = {wish.names.store_user_at(version): wish.secret("bucket")}
    if version > 1:
        users[wish.names.store_user_at(version - 1)] = wish.earlier_secret("bucket")
    return users


def desired(wish: Wish) -> tuple[Object, ...]:
    """Bucket with its settings, policy, a user for the key and one for the key before, or none."""
    options = _options(wish)
    bucket, policy = _keys(wish)
    user = {"enabled": True, "policies": [wish.names.store_user]}
    settings = {
        "tags": wish.names.labels(),
        "kept": False,
        "versioning": options.versioning,
        "lifecycle": {"noncurrent_days": options.noncurrent_days},
        "quota": int(parse_quantity(_size(wish))),
    }
    return (
        Object(key=bucket, body=settings),
        Object(key=policy, body=_policy_of(wish)),
        *(Object(key=f"user/{name}", body=user if secret else None) for name, secret in _users(wish).items()),
    )


def rights(wish: Wish) -> Iterator[Right]:
    """Who can work with the bucket: whoever may read the Secret with its keys in the workspace."""
    for one in wish.spec.readers_of_secrets():
        text = phrase("read and write %(bucket)s (keys in the Secret bucket-credentials)", bucket=wish.names.bucket)
        yield Right(subject=one.subject, is_group=one.is_group, text=text)


def check(wish: Wish) -> Iterator[tuple[str, Phrase]]:
    """A size beyond the plan's, with the way out."""
    beyond = beyond_plan(wish, "bucket", _size(wish))
    if beyond is not None:
        yield "quota", beyond


def observe(wish: Wish, client: Store, objects: Sequence[Object], each: Each) -> dict[str, Body | None]:
    """The objects as the store has them. Raises NameTaken for a bucket that isn't this project's."""
    name, account = wish.names.bucket, wish.names.store_user
    bucket, policy = _keys(wish)

    def look(key: str) -> Any:
        if key == bucket:
            return client.bucket_tags(name)
        return client.policy(account) if key == policy else client.user(key.removeprefix("user/"))

    asked = [thing.key for thing in objects]
    seen: dict[str, Any] = dict(zip(asked, each(look, asked), strict=True))
    tags = seen.get(bucket)
    if tags is not None:
        _claim(wish, client, tags, announced_now=False)
        settings: tuple[Callable[[str], Any], ...] = (client.versioning, client.lifecycle, client.quota)
        versioning, lifecycle, quota = each(lambda look: look(name), settings)
        seen[bucket] = {
            "tags": tags,
            "kept": tags.get(TAG_KEPT) == "true",
            "versioning": versioning,
            "lifecycle": lifecycle,
            "quota": quota,
        }
    return seen


def apply(wish: Wish, client: Store, objects: Sequence[Object], each: Each) -> None:
    """Make the objects so. A new project costs one call per thing made; the user's slow one runs beside the others.

    A user that must go does so last: by then the key that takes its place opens the bucket.
    """
    name, account = wish.names.bucket, wish.names.store_user
    bucket, policy = _keys(wish)
    bodies = {thing.key: dict(thing.body or {}) for thing in objects}
    users = {user: secret for user, secret in _users(wish).items() if f"user/{user}" in bodies}

    def put(user: str, secret: str) -> Callable[[], None]:
        return lambda: client.put_user(user, secret)

    def put_bucket() -> None:
        if policy in bodies:
            client.put_policy(account, bodies[policy])
        if bucket in bodies:
            _have_bucket(wish, client, announced=policy in bodies)
            _set_up(client, name, bodies[bucket])

    jobs = [put(user, secret) for user, secret in users.items() if secret is not None]
    if bucket in bodies or policy in bodies:
        jobs.append(put_bucket)
    each(lambda job: job(), jobs)
    for user, secret in users.items():
        if secret is not None:
            # Only now: before the bucket is known to be ours, the user may do nothing.
            client.set_user_policy(user, account)
    for user, secret in users.items():
        if secret is None:
            client.delete_user(user)


def _have_bucket(wish: Wish, client: Store, *, announced: bool) -> None:
    """Make the bucket, or find it to be ours. `announced`: the policy, which tells of our intent, was written just now.

    Raises NameTaken when it is somebody else's.
    """
    name = wish.names.bucket
    tags = None if announced else client.bucket_tags(name)
    if tags is None:
        if not announced:
            client.put_policy(wish.names.store_user, _policy_of(wish))
        if client.make_bucket(name):
            return
        announced = True
        tags = client.bucket_tags(name)
        if tags is None:
            raise TemporaryError(
                phrase("The bucket %(name)s is being removed by somebody. We look again.", name=name), delay=1
            )
    _claim(wish, client, tags, announced_now=announced)


def _set_up(client: Store, name: str, settings: Mapping[str, Any]) -> None:
    client.set_bucket_tags(name, dict(settings["tags"]))
    client.set_versioning(name, settings["versioning"])
    client.set_lifecycle(
        name,
        noncurrent_days=settings["lifecycle"]["noncurrent_days"],
        abort_multipart_days=_ABORT_MULTIPART_DAYS,
    )
    client.set_quota(name, settings["quota"])


def _claim(wish: Wish, client: Store, tags: Mapping[str, str], *, announced_now: bool) -> None:
    """Return when the existing bucket is this project's, else raise NameTaken with what to do."""
    name, uid = wish.names.bucket, tags.get(LABEL_UID)
    if uid == wish.uid or (uid is None and _ours_unmarked(wish, client, tags, announced_now=announced_now)):
        return
    if uid is None:
        raise NameTaken(
            phrase(
                "The bucket %(name)s exists and is not Slipway's. Pick another name, or have the bucket removed.",
                name=name,
            )
        )
    if tags.get(TAG_KEPT) == "true":
        raise NameTaken(
            phrase(
                "The bucket %(name)s holds the kept data of an earlier project. Pick another name, or have it removed.",
                name=name,
            )
        )
    raise NameTaken(phrase("The bucket %(name)s belongs to another project of Slipway. Pick another name.", name=name))


def _ours_unmarked(wish: Wish, client: Store, tags: Mapping[str, str], *, announced_now: bool) -> bool:
    """Is a bucket without our mark ours? See docs/decisions/0002-whose-bucket.md.

    It is, when it was born right after we wrote our policy for it (both times are the store's own), and when it is
    still empty and untouched, or our user already holds the policy: we give it only for a bucket that we own.
    """
    account = wish.names.store_user
    written = client.policy_written(account)
    born = client.bucket_born(wish.names.bucket)
    if written is None or born is None:
        return False
    first, last = written
    # What was written a moment ago in this very call can't announce a bucket that was there before it.
    announcements = {first} - {last} if announced_now else {first, last}
    if not any(moment <= born <= moment + _BIRTH_WINDOW for moment in announcements):
        return False
    for name in _users(wish):
        user = client.user(name)
        if user is not None and account in user["policies"]:
            return True
    return not tags and client.bucket_empty(wish.names.bucket)


def delete(wish: Wish, client: Store) -> bool:
    """Keys die first. The bucket goes only with `wish.remove_data`; otherwise it stays and is marked as kept.

    A bucket that isn't ours is left alone. Raises TemporaryError while a large bucket is being emptied.
    """
    name, account = wish.names.bucket, wish.names.store_user
    tags = client.bucket_tags(name)
    ours = tags is not None and _is_ours(wish, client, tags)
    if ours and tags is not None and LABEL_UID not in tags:
        # The policy, which is all that proves this bucket to be ours, is about to go.
        client.set_bucket_tags(name, wish.names.labels())
    # Both names, whatever the version: a policy that a forgotten user still has could not be removed.
    for version in (1, 2):
        client.delete_user(wish.names.store_user_at(version))
    client.delete_policy(account)
    if ours and wish.remove_data:
        client.remove_bucket(name, with_data=True)
    elif ours and tags is not None and TAG_KEPT not in tags:
        client.set_bucket_tags(name, {**wish.names.labels(), TAG_KEPT: "true"})
    return True


def _is_ours(wish: Wish, client: Store, tags: Mapping[str, str]) -> bool:
    try:
        _claim(wish, client, tags, announced_now=False)
    except NameTaken:
        return False
    return True


class Counts(Protocol):
    """What measuring uses of a store's client."""

    def data_usage(self) -> Mapping[str, Any]: ...


def survey(client: Counts) -> Survey:
    """Bytes and objects of every bucket, as the store counted them last."""
    told = client.data_usage()
    return Survey(told["buckets"] if told["counted_at"] else {}, as_of=told["counted_at"])


def readings(wish: Wish, found: Mapping[str, tuple[int, int]]) -> dict[str, Reading]:
    """The project's figures; none while the store has not come to count its bucket."""
    if wish.names.bucket not in found:
        return {}
    size, objects = found[wish.names.bucket]
    limit = float(parse_quantity(_size(wish)))
    return {"bucket": Reading(used=float(size), limit=limit), "objects": Reading(used=float(objects), limit=None)}


def summary(wish: Wish) -> Phrase:
    """One line: name, size, how long old versions stay."""
    options = _options(wish)
    history = phrase("no old versions")
    if options.versioning:
        days = options.noncurrent_days
        history = numbered("old versions kept %(number)s day", "old versions kept %(number)s days", days)
    return phrase(
        "%(bucket)s: %(size)s, %(history)s", bucket=wish.names.bucket, size=human(_size(wish)), history=history
    )


KIND = Kind(
    name="bucket",
    title="Bucket",
    system="object_store",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=delete,
    summary=summary,
    holds_data=True,
    options=BucketOptions,
    check=check,
    usage=Usage(measures=MEASURES, survey=survey, readings=readings),
    rights=rights,
)
