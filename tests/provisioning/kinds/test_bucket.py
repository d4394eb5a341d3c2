"""The bucket Kind: what it asks for, in which order and with how many calls, and whose bucket it takes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from provisioning.errors import NameTaken, TargetUnavailable
from provisioning.kind import Object, Wish
from provisioning.kinds.bucket import KIND, BucketOptions, policy_document
from provisioning.plan import compare, counts
from provisioning.reconcile import each
from provisioning.secrets import Earlier
from tests.fakes.object_store import FakeObjectStore
from tests.provisioning.wishes import LABELS, UID, one_by_one, wish

BUCKET, ACCOUNT = "ml-demand", f"ml-demand-{UID[:8]}"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Bucket",
            "Effect": "Allow",
            "Action": [
                "s3:GetBucketLocation",
                "s3:ListBucket",
                "s3:ListBucketMultipartUploads",
                "s3:ListBucketVersions",
            ],
            "Resource": ["arn:aws:s3:::ml-demand"],
        },
        {
            "Sid": "Objects",
            "Effect": "Allow",
            "Action": [
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:GetObject",
                "s3:GetObjectVersion",
                "s3:ListMultipartUploadParts",
                "s3:PutObject",
            ],
            "Resource": ["arn:aws:s3:::ml-demand/*"],
        },
        {
            "Sid": "History",
            "Effect": "Deny",
            "Action": ["s3:DeleteObjectVersion"],
            "Resource": ["arn:aws:s3:::ml-demand/*"],
        },
        {
            "Sid": "OneKey",
            "Effect": "Deny",
            "Action": ["admin:CreateServiceAccount", "admin:CreateUser", "admin:UpdateServiceAccount"],
        },
        {
            "Sid": "NoOtherKey",
            "Effect": "Deny",
            "Action": ["s3:*"],
            "Resource": ["arn:aws:s3:::*"],
            "Condition": {"StringEquals": {"aws:principaltype": ["AssumedRole"]}},
        },
    ],
}
MOMENT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def with_options(**options: Any) -> Wish:
    return wish(options={"bucket": options})


def found(wanted: Wish, store: FakeObjectStore) -> dict[str, int]:
    objects = KIND.desired(wanted)
    changes = compare(kind="bucket", desired=objects, observed=KIND.observe(wanted, store, objects, one_by_one))
    return {action: number for action, number in counts(changes).items() if number}


def apply(wanted: Wish, store: FakeObjectStore, *keys: str) -> None:
    """Apply all objects, or those whose key begins with one of the words."""
    objects = [thing for thing in KIND.desired(wanted) if not keys or thing.key.startswith(keys)]
    KIND.apply(wanted, store, objects, one_by_one)


def names(store: FakeObjectStore) -> list[str]:
    return [call[0] for call in store.calls]


def test_desires_bucket_policy_and_user():
    assert KIND.desired(wish()) == (
        Object(
            key=f"bucket/{BUCKET}",
            body={
                "tags": LABELS,
                "kept": False,
                "versioning": True,
                "lifecycle": {"noncurrent_days": 30},
                "quota": 500 * 1024**3,
            },
        ),
        Object(key=f"policy/{ACCOUNT}", body=POLICY),
        Object(key=f"user/{ACCOUNT}", body={"enabled": True, "policies": [ACCOUNT]}),
    )


def test_desires_what_the_team_chose():
    chosen = KIND.desired(with_options(quota="1.5Gi", versioning=False, noncurrent_days=7))[0]

    assert chosen == Object(
        key=f"bucket/{BUCKET}",
        body={
            "tags": LABELS,
            "kept": False,
            "versioning": False,
            "lifecycle": {"noncurrent_days": 7},
            "quota": 1536 * 1024**2,
        },
    )


def test_the_policy_names_this_bucket_without_any_pattern_but_its_objects():
    allowed = [one for one in policy_document("ml-a")["Statement"] if one["Effect"] == "Allow"]
    resources = [resource for one in allowed for resource in one["Resource"]]

    assert resources == ["arn:aws:s3:::ml-a", "arn:aws:s3:::ml-a/*"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"quota": "0"}, "0 is too small for a bucket. Write at least 1Mi, such as 200Gi."),
        ({"quota": "500m"}, "500m is too small for a bucket. Write at least 1Mi, such as 200Gi."),
        ({"quota": "-1Gi"}, "'-1Gi' is not a quantity. Write a number with a unit, such as 4, 500m or 16Gi."),
        ({"quota": "much"}, "'much' is not a quantity. Write a number with a unit, such as 4, 500m or 16Gi."),
        ({"noncurrent_days": 0}, "Input should be greater than or equal to 1"),
        ({"noncurrent_days": 366}, "Input should be less than or equal to 365"),
        ({"public": True}, "Extra inputs are not permitted"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: Mapping[str, Any], sentence: str):
    with pytest.raises(ValidationError) as refusal:
        BucketOptions.model_validate(options)

    assert [fault["msg"].removeprefix("Value error, ") for fault in refusal.value.errors()] == [sentence]


@pytest.mark.parametrize(
    ("quota", "plan", "faults"),
    [
        (None, "medium", []),
        ("500Gi", "medium", []),
        ("0.4Ti", "medium", []),
        (
            "600Gi",
            "medium",
            ["600 GiB is more than plan medium allows (500). Enter 500 or less, or choose plan large."],
        ),
        (
            "1Ti",
            "small",
            ["1 TiB is more than plan small allows (200 GiB). Enter 200 GiB or less, or choose plan large."],
        ),
        ("300Gi", "small", ["300 GiB is more than plan small allows (200). Enter 200 or less, or choose plan medium."]),
        ("3Ti", "large", ["3 TiB is more than plan large allows (2). Enter 2 or less."]),
    ],
)
def test_a_size_beyond_the_plan_is_told_with_a_way_out(quota: str | None, plan: str, faults: list[str]):
    assert KIND.check is not None

    told = list(KIND.check(wish(plan=plan, options={"bucket": {"quota": quota}})))

    assert told == [("quota", fault) for fault in faults]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "ml-demand: 500 GiB, old versions kept 30 days"),
        ({"quota": "10Gi", "noncurrent_days": 1}, "ml-demand: 10 GiB, old versions kept 1 day"),
        ({"versioning": False}, "ml-demand: 500 GiB, no old versions"),
    ],
)
def test_summary(options: Mapping[str, Any], sentence: str):
    assert KIND.summary(with_options(**options)) == sentence


def test_a_new_bucket_costs_one_call_for_each_thing_made():
    store = FakeObjectStore()

    apply(wish(), store)

    assert store.calls == [
        ("put_user", ACCOUNT),
        ("put_policy", ACCOUNT),
        ("make_bucket", BUCKET),
        ("set_bucket_tags", BUCKET),
        ("set_versioning", BUCKET),
        ("set_lifecycle", BUCKET),
        ("set_quota", BUCKET),
        ("set_user_policy", ACCOUNT, ACCOUNT),
    ]
    assert store.users[ACCOUNT].secret == wish().secret("bucket")
    assert found(wish(), store) == {"keep": 3}


def test_threads_make_the_same():
    store = FakeObjectStore()

    KIND.apply(wish(), store, KIND.desired(wish()), each)

    assert found(wish(), store) == {"keep": 3}


def test_a_look_writes_nothing_and_asks_nothing_of_an_absent_bucket():
    store = FakeObjectStore()

    assert found(wish(), store) == {"create": 3}
    assert names(store) == ["bucket_tags", "policy", "user"]
    apply(wish(), store)
    store.calls.clear()

    assert found(wish(), store) == {"keep": 3}
    assert names(store) == ["bucket_tags", "policy", "user", "versioning", "lifecycle", "quota"]


def test_only_what_differs_is_written():
    store = FakeObjectStore()
    apply(wish(), store)
    store.calls.clear()

    apply(wish(), store, "policy/")
    assert names(store) == ["put_policy"]
    store.calls.clear()
    apply(wish(), store, "user/")
    assert names(store) == ["put_user", "set_user_policy"]
    store.calls.clear()
    apply(wish(), store, "bucket/")
    assert names(store) == ["bucket_tags", "set_bucket_tags", "set_versioning", "set_lifecycle", "set_quota"]


def test_applying_again_after_any_failure_ends_well():
    for method in (
        "put_policy",
        "make_bucket",
        "set_bucket_tags",
        "set_versioning",
        "set_quota",
        "put_user",
        "set_user_policy",
    ):
        store = FakeObjectStore()
        store.fail_with(TargetUnavailable("away"), on=method)
        with pytest.raises(TargetUnavailable):
            apply(wish(), store)

        apply(wish(), store)

        assert found(wish(), store) == {"keep": 3}, method


def test_a_repair_after_any_failure_ends_well():
    """As the engine does once a project was made: look, then apply only what differs."""
    for method in ("put_policy", "make_bucket", "set_bucket_tags"):
        store = FakeObjectStore()
        apply(wish(), store)
        store.remove_bucket(BUCKET, with_data=True)
        store.written[ACCOUNT] = (MOMENT, MOMENT)
        store.fail_with(TargetUnavailable("away"), on=method)
        with pytest.raises(TargetUnavailable):
            apply(wish(), store, "bucket/")

        assert found(wish(), store) in ({"create": 1, "keep": 2}, {"update": 1, "keep": 2})
        apply(wish(), store, "bucket/")

        assert found(wish(), store) == {"keep": 3}, method


def foreign(store: FakeObjectStore, *, tags: Mapping[str, str] | None = None) -> None:
    store.make_bucket(BUCKET)
    store.set_bucket_tags(BUCKET, dict(tags or {}))
    store.calls.clear()


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        ({}, "The bucket ml-demand exists and is not Slipway's. Pick another name, or have the bucket removed."),
        (
            {"cost-centre": "4711"},
            "The bucket ml-demand exists and is not Slipway's. Pick another name, or have the bucket removed.",
        ),
        (
            {"slipway.dev/uid": "another"},
            "The bucket ml-demand belongs to another project of Slipway. Pick another name.",
        ),
        (
            {"slipway.dev/uid": "another", "slipway.dev/kept": "true"},
            "The bucket ml-demand holds the kept data of an earlier project. Pick another name, or have it removed.",
        ),
    ],
)
def test_somebody_elses_bucket_is_not_touched(tags: Mapping[str, str], sentence: str):
    store = FakeObjectStore()
    foreign(store, tags=tags)

    for _ in range(2):
        with pytest.raises(NameTaken) as refusal:
            apply(wish(), store)
        assert refusal.value.message == sentence
    with pytest.raises(NameTaken):
        found(wish(), store)

    assert store.users[ACCOUNT].policies == []
    assert KIND.delete(wish(remove_data=True), store) is True
    assert (store.users, store.policies) == ({}, {})
    assert store.made("set_bucket_tags", "set_versioning", "set_lifecycle", "set_quota", "remove_bucket") == []
    assert store.buckets[BUCKET].tags == tags


def interrupted(store: FakeObjectStore, *, born: timedelta) -> None:
    """Our policy was written, the bucket was made so much later, and nothing else happened."""
    store.put_policy(ACCOUNT, POLICY)
    store.make_bucket(BUCKET)
    store.written[ACCOUNT] = (MOMENT, MOMENT)
    store.buckets[BUCKET].born = MOMENT + born


@pytest.mark.parametrize(
    ("born", "ours"),
    [
        (timedelta(milliseconds=-1), False),
        (timedelta(0), True),
        (timedelta(milliseconds=3), True),
        (timedelta(seconds=60), True),
        (timedelta(seconds=61), False),
    ],
)
def test_an_unmarked_bucket_is_ours_when_it_was_born_right_after_our_policy(born: timedelta, ours: bool):
    looking, applying = FakeObjectStore(), FakeObjectStore()
    for store in (looking, applying):
        interrupted(store, born=born)

    if ours:
        assert found(wish(), looking) == {"update": 1, "keep": 1, "create": 1}
        apply(wish(), applying)
        assert found(wish(), applying) == {"keep": 3}
    else:
        for call in (lambda: found(wish(), looking), lambda: apply(wish(), applying)):
            with pytest.raises(NameTaken):
                call()
        assert applying.buckets[BUCKET].tags == {}


def test_an_unmarked_bucket_with_something_in_it_is_ours_only_when_our_key_could_have_put_it_there():
    store = FakeObjectStore()
    interrupted(store, born=timedelta(milliseconds=3))
    store.put_object(BUCKET, "theirs", b"x")
    with pytest.raises(NameTaken):
        apply(wish(), store)

    live = FakeObjectStore()
    apply(wish(), live)
    live.put_object(BUCKET, "ours", b"x")
    live.set_bucket_tags(BUCKET, {"cost-centre": "4711"})

    assert found(wish(), live) == {"update": 1, "keep": 2}
    apply(wish(), live, "bucket/")
    assert live.buckets[BUCKET].tags == LABELS


def test_removal_kills_the_keys_first_and_keeps_the_data():
    store = FakeObjectStore()
    apply(wish(), store)
    store.put_object(BUCKET, "model", b"x")
    store.calls.clear()

    assert KIND.delete(wish(), store) is True

    assert names(store) == ["bucket_tags", "delete_user", "delete_user", "delete_policy", "set_bucket_tags"]
    assert (store.users, store.policies) == ({}, {})
    assert store.buckets[BUCKET].tags == {**LABELS, "slipway.dev/kept": "true"}
    store.calls.clear()
    assert KIND.delete(wish(), store) is True
    assert names(store) == ["bucket_tags", "delete_user", "delete_user", "delete_policy"]


def test_a_kept_bucket_is_taken_up_again_by_its_own_project():
    store = FakeObjectStore()
    apply(wish(), store)
    store.put_object(BUCKET, "model", b"x")
    KIND.delete(wish(), store)
    assert found(wish(), store) == {"update": 1, "create": 2}

    apply(wish(), store)

    assert found(wish(), store) == {"keep": 3}
    assert store.buckets[BUCKET].objects == {"model": [b"x"]}


def test_data_goes_only_with_the_second_yes():
    store = FakeObjectStore()
    apply(wish(), store)
    store.put_object(BUCKET, "model", b"x")
    KIND.delete(wish(), store)

    assert KIND.delete(wish(remove_data=True), store) is True
    assert store.buckets == {}
    assert KIND.delete(wish(remove_data=True), store) is True


def test_removal_of_what_was_never_made_is_done_at_once():
    assert KIND.delete(wish(remove_data=True), FakeObjectStore()) is True


def test_removal_can_be_interrupted_anywhere():
    for method in ("delete_user", "delete_policy", "remove_bucket"):
        store = FakeObjectStore()
        interrupted(store, born=timedelta(milliseconds=3))
        gone = wish(remove_data=True)
        store.fail_with(TargetUnavailable("away"), on=method)
        with pytest.raises(TargetUnavailable):
            KIND.delete(gone, store)

        assert KIND.delete(gone, store) is True
        assert (store.buckets, store.policies) == ({}, {}), method


def test_versions_take_two_users_in_turn_and_the_one_before_lives_as_long_as_it_is_told_to():
    store = FakeObjectStore()
    first = wish()
    apply(first, store)
    second = wish(versions={"bucket": 2}, earlier={"bucket": Earlier(version=1, key_id=None)})
    apply(second, store, "user/")
    assert keys(store) == {ACCOUNT: first.secret("bucket"), f"{ACCOUNT}-b": second.secret("bucket")}
    assert [one.policies for one in store.users.values()] == [[ACCOUNT], [ACCOUNT]]

    third = wish(versions={"bucket": 3}, earlier={"bucket": Earlier(version=2, key_id=None)})
    apply(third, store, "user/")
    assert keys(store) == {ACCOUNT: third.secret("bucket"), f"{ACCOUNT}-b": second.secret("bucket")}

    over = wish(versions={"bucket": 3})
    apply(over, store, "user/")
    assert keys(store) == {ACCOUNT: third.secret("bucket")}
    assert len({one.secret("bucket") for one in (first, second, third)}) == 3


def test_the_old_user_goes_only_when_the_new_one_opens_the_bucket():
    store = FakeObjectStore()
    apply(wish(), store)
    store.calls.clear()
    apply(wish(versions={"bucket": 2}), store, "user/")
    assert [call[:2] for call in store.made("put_user", "set_user_policy", "delete_user")] == [
        ("put_user", f"{ACCOUNT}-b"), ("set_user_policy", f"{ACCOUNT}-b"), ("delete_user", ACCOUNT),
    ]  # fmt: skip


def test_removal_takes_both_users():
    store = FakeObjectStore()
    second = wish(versions={"bucket": 2}, earlier={"bucket": Earlier(version=1, key_id=None)}, remove_data=True)
    apply(second, store)
    assert len(store.users) == 2
    assert KIND.delete(second, store) is True
    assert (store.users, store.policies, store.buckets) == ({}, {}, {})


def keys(store: FakeObjectStore) -> dict[str, str]:
    return {name: one.secret for name, one in store.users.items()}
