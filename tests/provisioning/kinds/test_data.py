"""Data of others as a Kind: who reads what, until when, and that it is never more than that."""

from datetime import date
from typing import Any

import pytest

from provisioning import data_access
from provisioning.data_stores import PrefixData
from provisioning.kind import Consent, Wish, kinds_of
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


def let(until: date, *, given: date = date(2027, 5, 31), **changes: str) -> dict[str, Consent]:
    """What team vision lets read of secret-roads until that day."""
    what = {"owner": "vision", "place": "s3://vision-shared/roads/secret on store-1"}
    return {"secret-roads": Consent(**{**what, **changes}, until=until, given=given)}


def faults(wanted: Wish) -> list[tuple[str, str]]:
    assert KIND.check is not None
    return list(KIND.check(wanted))


def test_who_chooses_nothing_has_none_of_it() -> None:
    assert "data" not in kinds_of(wish())
    assert "data" in kinds_of(reading("winter-roads"))
    assert KIND.desired(reading("winter-roads")) == ()


def test_a_store_adds_its_statements_and_its_address() -> None:
    wanted = reading("winter-roads")
    ends = {"DateLessThan": {"aws:CurrentTime": ["2027-07-01T12:00:00Z"]}}
    assert policy(wanted) == [
        *policy(wish()),
        {
            "Sid": "DataWhere1",
            "Effect": "Allow",
            "Action": ["s3:GetBucketLocation"],
            "Resource": ["arn:aws:s3:::vision-shared"],
            "Condition": ends,
        },
        {
            "Sid": "DataList1",
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": ["arn:aws:s3:::vision-shared"],
            "Condition": {**ends, "StringLike": {"s3:prefix": ["roads/raw/*"]}},
        },
        {
            "Sid": "DataRead1",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::vision-shared/roads/raw/*"],
            "Condition": ends,
        },
        {
            "Sid": "DataNow1",
            "Effect": "Deny",
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": ["arn:aws:s3:::vision-shared/roads/raw/*"],
            "Condition": {"StringLike": {"s3:versionid": ["?*"]}},
        },
    ]
    assert info(wanted) == {"DATA_WINTER_ROADS_URL=s3://vision-shared/roads/raw"}
    assert faults(wanted) == []
    assert KIND.summary(wanted) == "Reads s3://vision-shared/roads/raw until 2027-06-30."


NEEDS = "winter-roads needs the consent of team vision."
NOTHING = "Reads no data of others now."


@pytest.mark.parametrize(
    ("wanted", "said", "wrong"),
    [
        (reading("secret-roads"), NEEDS.replace("winter", "secret"), 0),
        (reading("no-such-store"), NOTHING, 1),
        (reading("winter-roads", until=None), NOTHING, 1),
        (reading("winter-roads", team="logistics"), NEEDS, 0),
        (reading("winter-roads", catalogue=catalogue(data_stores=[{**ROADS, "readers": []}])), NEEDS, 0),
        (reading("winter-roads", catalogue=catalogue()), NOTHING, 1),
        (reading("winter-roads", catalogue=catalogue(data_stores=[{**ROADS, "bucket": "ml-demand"}])), NOTHING, 1),
        (reading("winter-roads", team="logistics", consents=let(date(2027, 6, 30))), NEEDS, 0),
    ],
    ids=[
        "without consent",
        "none of that name",
        "no end",
        "another team",
        "taken out",
        "left the catalogue",
        "own bucket",
        "consent for another",
    ],
)
def test_what_nobody_let_it_read_stays_shut(wanted: Wish, said: str, wrong: int) -> None:
    assert policy(wanted) == policy(wish())
    assert info(wanted) == set()
    assert len(faults(wanted)) == wrong
    assert KIND.summary(wanted) == said


def test_the_owner_needs_no_leave() -> None:
    wanted = reading("secret-roads", team="vision")
    assert faults(wanted) == []
    assert KIND.summary(wanted) == "Reads s3://vision-shared/roads/secret until 2027-06-30."


@pytest.mark.parametrize(
    ("consent", "until"), [(date(2027, 5, 1), "2027-05-01"), (date(2027, 6, 30), UNTIL), (date(2028, 1, 1), UNTIL)]
)
def test_a_consent_opens_its_store_until_whichever_day_comes_first(consent: date, until: str) -> None:
    wanted = reading("secret-roads", consents=let(consent))
    assert [one["Sid"] for one in policy(wanted)[-4:]] == ["DataWhere1", "DataList1", "DataRead1", "DataNow1"]
    assert info(wanted) == {"DATA_SECRET_ROADS_URL=s3://vision-shared/roads/secret"}
    assert KIND.summary(wanted) == f"Reads s3://vision-shared/roads/secret until {until}."


@pytest.mark.parametrize(
    ("given", "was"),
    [
        ({"place": "s3://vision-shared/roads/faces on store-1"}, "s3://vision-shared/roads/faces on store-1"),
        ({"place": "s3://vision-shared/roads/secret on store-2"}, "s3://vision-shared/roads/secret on store-2"),
        ({"place": ""}, "another place"),
        ({"owner": "logistics"}, "s3://vision-shared/roads/secret on store-1"),
    ],
    ids=["prefix", "server", "not kept", "owner"],
)
def test_a_consent_for_another_place_opens_nothing_and_says_so(given: dict[str, str], was: str) -> None:
    wanted = reading("secret-roads", consents=let(date(2027, 6, 30), **given))
    assert (policy(wanted), info(wanted)) == (policy(wish()), set())
    assert KIND.summary(wanted) == (
        f"secret-roads needs the consent of team vision. The one of team {given.get('owner', 'vision')} was for {was}, "
        "and the name stands for s3://vision-shared/roads/secret on store-1 now: ask again."
    )


def test_a_consent_is_needed_for_each_store_by_itself() -> None:
    assert KIND.summary(reading("secret-roads", "winter-roads")) == (
        "Reads s3://vision-shared/roads/raw until 2027-06-30. secret-roads needs the consent of team vision."
    )


def test_a_consent_opens_nothing_that_was_not_chosen() -> None:
    assert policy(wish(catalogue=CATALOGUE, consents=let(date(2027, 6, 30)))) == policy(wish())


def test_a_store_that_there_is_none_of_is_refused_with_those_that_there_are() -> None:
    assert faults(reading("winter-roads", "no-such-store")) == [
        ("read", "There is no data store no-such-store. Data stores: winter-roads, secret-roads."),
    ]


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("2027-06-30", []),
        (
            "2027-07-01",
            [
                (
                    "until",
                    "winter-roads is read for at most 30 days at a time. Choose 2027-06-30 or an earlier day.",
                )
            ],
        ),
    ],
)
def test_a_store_is_read_for_so_long_at_a_time(until: str, said: list[tuple[str, str]]) -> None:
    stores = catalogue(data_stores=[{**ROADS, "max_days": 30}, SECRET_ROADS])
    wanted = reading("winter-roads", "secret-roads", until=until, catalogue=stores, today=date(2027, 5, 31))
    assert faults(wanted) == said


SHORT = catalogue(data_stores=[{**ROADS, "max_days": 9}, {**SECRET_ROADS, "max_days": 9}])


@pytest.mark.parametrize(
    ("accepted", "today", "until"),
    [
        (date(2027, 5, 1), date(2027, 5, 10), "2027-05-10"),
        (date(2027, 6, 25), date(2027, 6, 28), "2027-06-30"),
        (date(2027, 5, 1), date(2027, 5, 11), None),
    ],
    ids=["on its last day", "its own day is earlier", "over"],
)
def test_a_longest_time_that_became_shorter_cuts_what_was_let(accepted: date, today: date, until: str | None) -> None:
    by_catalogue = reading("winter-roads", catalogue=SHORT, accepted=accepted, today=today)
    by_consent = reading("secret-roads", catalogue=SHORT, today=today, consents=let(date(2027, 6, 30), given=accepted))
    for wanted, name, path in ((by_catalogue, "winter-roads", "raw"), (by_consent, "secret-roads", "secret")):
        if until is None:
            assert (policy(wanted), info(wanted)) == (policy(wish()), set())
            said = f"{name} is read for at most 9 days at a time, and they have passed: name a new last day."
            assert KIND.summary(wanted) == said
        else:
            assert len(info(wanted)) == 1
            assert KIND.summary(wanted) == f"Reads s3://vision-shared/roads/{path} until {until}."


def test_what_is_only_asked_for_is_read_from_today_on() -> None:
    wanted = reading("winter-roads", catalogue=SHORT, today=date(2027, 6, 25))
    assert KIND.summary(wanted) == "Reads s3://vision-shared/roads/raw until 2027-06-30."


def test_the_last_day_counts_and_the_next_does_not() -> None:
    spec = reading("winter-roads").spec
    assert data_access.without_ended(spec, today=date(2027, 6, 30)) == spec
    assert data_access.without_ended(spec, today=date(2027, 7, 1)).options == {}


@pytest.mark.parametrize(
    "prefix", ["", "/", "raw/", "/raw", "raw*", "a/../b", "..", "${aws:username}", "a?", "a//b", "a\n"]
)
def test_a_prefix_can_not_be_a_pattern(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        PrefixData.model_validate({**ROADS, "prefix": prefix})


@pytest.mark.parametrize("name", ["*", "a*b", "vision/x", "Vision", "a"])
def test_a_bucket_can_not_be_a_pattern(name: str) -> None:
    with pytest.raises(ValueError, match="bucket"):
        PrefixData.model_validate({**ROADS, "bucket": name})


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
