"""Data of others as a Kind: who reads what, until when, and that it is never more than that."""

from datetime import date
from typing import Any

import pytest

from provisioning import data_access
from provisioning.catalogue import DataStore
from provisioning.kind import Wish, kinds_of
from provisioning.kinds import bucket, credentials
from provisioning.kinds.data import KIND
from tests.provisioning.wishes import catalogue, wish

ROADS = {
    "name": "winter-roads",
    "owner": "vision",
    "readers": ["forecasting"],
    "object_store": "store-1",
    "bucket": "vision-shared",
    "prefix": "roads/raw",
}
SECRET_ROADS = {**ROADS, "name": "secret-roads", "readers": [], "prefix": "roads/secret"}
CATALOGUE = catalogue(data_stores=[ROADS, SECRET_ROADS])
UNTIL = "2027-06-30"


def reading(*stores: str, until: str | None = UNTIL, **changes: Any) -> Wish:
    options = {"read": list(stores)} | ({"until": until} if until else {})
    return wish(options={"data": options}, **{"catalogue": CATALOGUE, **changes})


def policy(wanted: Wish) -> list[dict[str, Any]]:
    bodies = {thing.key: dict(thing.body or {}) for thing in bucket.KIND.desired(wanted)}
    found: list[dict[str, Any]] = bodies[f"policy/{wanted.names.store_user}"]["Statement"]
    return found


def info(wanted: Wish) -> set[str]:
    body = next(dict(one.body or {}) for one in credentials.KIND.desired(wanted) if one.key == "ConfigMap/project-info")
    return {f"{name}={value}" for name, value in body["data"].items() if name.startswith("DATA_")}


def faults(wanted: Wish) -> list[tuple[str, str]]:
    assert KIND.check is not None
    return list(KIND.check(wanted))


def test_who_chooses_nothing_has_none_of_it() -> None:
    assert "data" not in kinds_of(wish())
    assert "data" in kinds_of(reading("winter-roads"))
    assert KIND.desired(reading("winter-roads")) == ()


def test_a_store_adds_its_statements_and_its_address() -> None:
    wanted = reading("winter-roads")
    assert policy(wanted) == [
        *policy(wish()),
        {
            "Sid": "DataList1",
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": ["arn:aws:s3:::vision-shared"],
            "Condition": {"StringLike": {"s3:prefix": ["roads/raw/*"]}},
        },
        {
            "Sid": "DataRead1",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::vision-shared/roads/raw/*"],
        },
    ]
    assert info(wanted) == {"DATA_WINTER_ROADS_URL=s3://vision-shared/roads/raw"}
    assert faults(wanted) == []
    assert KIND.summary(wanted) == "Reads s3://vision-shared/roads/raw until 2027-06-30"


@pytest.mark.parametrize(
    "wanted",
    [
        reading("secret-roads"),
        reading("no-such-store"),
        reading("winter-roads", until=None),
        reading("winter-roads", team="logistics"),
        reading("winter-roads", catalogue=catalogue(data_stores=[{**ROADS, "readers": []}])),
        reading("winter-roads", catalogue=catalogue()),
        reading("winter-roads", catalogue=catalogue(data_stores=[{**ROADS, "bucket": "ml-demand"}])),
    ],
    ids=[
        "not for this team",
        "none of that name",
        "no end",
        "another team",
        "taken out",
        "left the catalogue",
        "own bucket",
    ],
)
def test_what_the_catalogue_does_not_allow_opens_nothing(wanted: Wish) -> None:
    assert policy(wanted) == policy(wish())
    assert info(wanted) == set()
    assert len(faults(wanted)) == 1
    assert KIND.summary(wanted) == "Reads no data of others now"


def test_the_owner_needs_no_leave() -> None:
    assert faults(reading("secret-roads", team="vision")) == []


def test_the_answer_is_the_same_for_what_is_not_there_and_what_is_not_theirs() -> None:
    sentence = (
        "Team forecasting may read no data store {}. Stores that it may read: winter-roads. "
        "For another one, ask the platform team."
    )
    assert faults(reading("secret-roads", "no-such-store")) == [
        ("read", sentence.format("no-such-store")),
        ("read", sentence.format("secret-roads")),
    ]


def test_the_last_day_counts_and_the_next_does_not() -> None:
    spec = reading("winter-roads").spec
    assert data_access.without_ended(spec, today=date(2027, 6, 30)) == spec
    assert data_access.without_ended(spec, today=date(2027, 7, 1)).options == {}


@pytest.mark.parametrize(
    "prefix", ["", "/", "raw/", "/raw", "raw*", "a/../b", "..", "${aws:username}", "a?", "a//b", "a\n"]
)
def test_a_prefix_can_not_be_a_pattern(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        DataStore.model_validate({**ROADS, "prefix": prefix})


@pytest.mark.parametrize("name", ["*", "a*b", "vision/x", "Vision", "a"])
def test_a_bucket_can_not_be_a_pattern(name: str) -> None:
    with pytest.raises(ValueError, match="bucket"):
        DataStore.model_validate({**ROADS, "bucket": name})


@pytest.mark.parametrize(
    ("stores", "sentence"),
    [
        ([ROADS, ROADS], "the data store name winter-roads is used twice"),
        ([{**ROADS, "object_store": "store-9"}], "data_stores.winter-roads: no object store store-9"),
    ],
)
def test_faults_of_the_catalogue(stores: list[dict[str, Any]], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        catalogue(data_stores=stores)
