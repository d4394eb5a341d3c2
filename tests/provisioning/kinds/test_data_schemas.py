"""Schemas of others as Kinds: who reads what, until when, and how programs find it."""

import base64
from datetime import date
from typing import Any

import pytest

from provisioning import ci
from provisioning.data_stores import SchemaData
from provisioning.kind import Consent, Wish, kinds_of
from provisioning.kinds import bucket, credentials, data, data_account
from provisioning.kinds.data_schemas import KIND
from tests.provisioning.kinds.test_data import ROADS
from tests.provisioning.wishes import DATABASE, KEY_RING, UID, catalogue, wish

SALES = {
    "name": "sales",
    "owner": "vision",
    "readers": ["forecasting"],
    "database": "features-1",
    "database_schema": "sales",
    "role": "sales_readers",
}
STAFF = {**SALES, "name": "staff", "readers": [], "database_schema": "staff", "role": "staff_readers"}
STAFF_LET = Consent(
    owner="vision",
    place="features-1/staff by the role staff_readers",
    until=date(2027, 5, 1),
    given=date(2027, 4, 1),
)
CATALOGUE = catalogue(databases=[DATABASE], data_stores=[ROADS, SALES, STAFF])
PASSWORD = KEY_RING.derive(uid=UID, purpose="data-schemas", version=1)
URL = "postgresql://features.corp.example:5432/features?options=-csearch_path%3D"


def reading(*stores: str, until: str = "2027-06-30", **changes: Any) -> Wish:
    options = {"data": {"read": list(stores), "until": until}}
    return wish(**{"options": options, "catalogue": CATALOGUE, **changes})


def role(wanted: Wish) -> dict[str, Any]:
    (thing,) = KIND.desired(wanted)
    assert thing.key == "role/ml_demand.data"
    return dict(thing.body or {})


def given(wanted: Wish) -> dict[str, str]:
    """What the workspace's Secret holds."""
    (secret,) = data_account.desired(wanted)
    assert (secret.key, secret.sensitive) == ("Secret/data-credentials", True)
    return {name: base64.b64decode(value).decode() for name, value in dict(secret.body or {})["data"].items()}


def test_it_is_there_only_for_who_reads_one_now() -> None:
    ours = {"data", "data_schemas", "data_account"}
    assert ours & set(kinds_of(wish(catalogue=CATALOGUE))) == set()
    assert ours & set(kinds_of(reading("staff"))) == {"data"}
    assert ours & set(kinds_of(reading("winter-roads"))) == {"data", "data_account"}
    assert ours & set(kinds_of(reading("sales"))) == ours


def test_one_role_reads_all_of_them_until_the_last_one_ends() -> None:
    body = {
        "mark": f"Slipway project {UID}, reading",
        "login": True,
        "connections": 20,
        "member_of": ["sales_readers"],
        "until": "2027-07-01T12:00:00+00:00",
        "password_version": 1,
    }
    assert role(reading("sales", "staff", "winter-roads")) == body
    let = {"staff": STAFF_LET}
    both = reading("sales", "staff", consents=let)
    assert role(both) == {**body, "member_of": ["sales_readers", "staff_readers"]}
    assert role(reading("staff", consents=let)) == {
        **body,
        "member_of": ["staff_readers"],
        "until": "2027-05-02T12:00:00+00:00",
    }
    assert KIND.summary(both) == (
        "Role ml_demand.data reads features-1/sales until 2027-06-30, features-1/staff until 2027-05-01"
    )
    assert role(reading("sales", until="9999-12-31"))["until"] == "9999-01-02T12:00:00+00:00"


@pytest.mark.parametrize("changes", [{"database_schema": "wages"}, {"role": "wages_readers"}, {"owner": "logistics"}])
def test_a_consent_opens_no_other_schema_of_that_name(changes: dict[str, str]) -> None:
    moved = catalogue(databases=[DATABASE], data_stores=[{**STAFF, **changes}])
    wanted = reading("staff", consents={"staff": STAFF_LET}, catalogue=moved)
    assert "data_schemas" not in kinds_of(wanted)
    assert data.KIND.summary(wanted).endswith("ask again.")


def test_the_password_ends_with_a_longest_time_that_became_shorter() -> None:
    short = catalogue(databases=[DATABASE], data_stores=[{**SALES, "max_days": 9}])
    wanted = reading("sales", catalogue=short, accepted=date(2027, 4, 1), today=date(2027, 4, 2))
    assert role(wanted)["until"] == "2027-04-11T12:00:00+00:00"
    later = reading("sales", catalogue=short, accepted=date(2027, 4, 1), today=date(2027, 4, 11))
    assert "data_schemas" not in kinds_of(later)


def test_programs_find_addresses_and_account() -> None:
    account = {
        "PGUSER": "ml_demand.data",
        "PGPASSWORD": PASSWORD,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/etc/ssl/certs/ca-certificates.crt",
    }
    addresses = {"DATA_SALES_URL": f"{URL}sales", "DATA_WINTER_ROADS_URL": "s3://vision-shared/roads/raw"}
    both = reading("sales", "winter-roads")
    assert given(both) == {**addresses, **account}
    assert given(reading("winter-roads")) == {"DATA_WINTER_ROADS_URL": "s3://vision-shared/roads/raw"}
    assert {**addresses, **account}.items() <= ci.variables(both).items()
    info = {thing.key: thing.body for thing in credentials.desired(both)}["ConfigMap/project-info"]
    assert addresses.items() <= dict(info or {})["data"].items()
    assert PASSWORD not in str(info)


def test_a_schema_adds_nothing_to_the_key_of_the_bucket() -> None:
    assert bucket.KIND.desired(reading("sales")) == bucket.KIND.desired(wish())


def test_the_choice_says_what_is_read_of_both() -> None:
    assert data.KIND.summary(reading("sales", "winter-roads", "staff")) == (
        "Reads features-1/sales until 2027-06-30. Reads s3://vision-shared/roads/raw until 2027-06-30. "
        "staff needs the consent of team vision."
    )


def test_without_that_database_there_is_no_such_store() -> None:
    elsewhere = reading("sales", catalogue=catalogue(data_stores=[ROADS]))
    assert list(data.KIND.check(elsewhere) if data.KIND.check else ()) == [
        ("read", "There is no data store sales. Data stores: winter-roads.")
    ]


def test_owners_and_editors_read_by_it_and_viewers_do_not() -> None:
    people = [{"user": f"{name}@corp.example", "role": role} for name, role in (("alice", "owner"), ("bob", "viewer"))]
    assert KIND.rights is not None
    assert [(one.subject, one.text) for one in KIND.rights(reading("sales", contributors=people))] == [
        ("alice@corp.example", "read sales until 2027-06-30 (account in the Secret data-credentials)")
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"role": "pg_read_all_data"}, "roles of Postgres' own open far more than a schema"),
        ({"role": 'a"; DROP'}, "data_stores.0.schema.role"),
        ({"database_schema": "a b"}, "data_stores.0.schema.database_schema"),
        ({"database": "elsewhere"}, "data_stores.sales: no database elsewhere"),
        ({"role": "slipway_features"}, "data_stores.sales: slipway_features is Slipway's own account"),
        ({"bucket": "vision-shared"}, "data_stores.0.schema.bucket"),
        ({"owner": None}, "data_stores.0.schema.owner"),
    ],
)
def test_a_catalogue_with_such_a_store_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="data_stores") as error:
        catalogue(databases=[DATABASE], data_stores=[{**SALES, **changes}])
    places = [".".join(str(part) for part in one["loc"]) + " " + one["msg"] for one in error.value.errors()]  # type: ignore[attr-defined]
    assert said in str(places)


def test_a_readers_role_stands_for_one_store_alone() -> None:
    with pytest.raises(ValueError, match="the role sales_readers in features-1 stands for several stores"):
        catalogue(databases=[DATABASE], data_stores=[SALES, {**STAFF, "role": "sales_readers"}])


def test_the_address_is_for_people_too() -> None:
    assert SchemaData.model_validate(SALES).address == "features-1/sales"
