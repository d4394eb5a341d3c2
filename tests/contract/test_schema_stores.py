"""Schemas of other teams on a real Postgres: what a reader sees, what it doesn't, and that it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql

from projects.today import today
from provisioning import data_access
from provisioning.clients.postgres import Database
from provisioning.errors import NameTaken, PermanentError
from provisioning.kind import Consent, Wish
from provisioning.kinds.data_schemas import KIND
from tests.contract.feature_stores import as_slipway, entry, open_database
from tests.contract.made import PEOPLE, apply, found, look, project, repair
from tests.contract.stack import unique
from tests.provisioning.wishes import catalogue

TOMORROW = timedelta(days=1)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """The database for data of projects, with Slipway's account."""
    database = open_database()
    yield database
    database.close()


@pytest.fixture(scope="module")
def sales(database: Database) -> Iterator[str]:
    """A schema of another team's with a table, and the role of the same name that its readers get."""
    name = unique("sales").replace("-", "_")
    for statement in (
        "CREATE ROLE {} NOLOGIN",
        "CREATE SCHEMA {}",
        "GRANT USAGE ON SCHEMA {} TO {}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {} GRANT SELECT ON TABLES TO {}",
        "CREATE TABLE {}.weeks (week int, sold int)",
        "INSERT INTO {}.weeks VALUES (1, 12)",
        "GRANT {} TO CURRENT_USER WITH ADMIN OPTION",
    ):
        as_slipway(statement, *[name] * statement.count("{}"))
    yield name
    as_slipway("DROP SCHEMA {} CASCADE", name)
    as_slipway("DROP OWNED BY {}", name)
    as_slipway("DROP ROLE {}", name)


@pytest.fixture
def wanted(database: Database, sales: str) -> Iterator[Wish]:
    """A project that reads the schema until tomorrow; its role goes at the end."""
    sample = reading(sales)
    yield sample
    KIND.delete(sample, database)


def reading(schema: str, *, readers: tuple[str, ...] = ("forecasting",), until: date | None = None) -> Wish:
    store = {
        "name": "sales",
        "owner": "vision",
        "readers": readers,
        "database": entry()["name"],
        "database_schema": schema,
        "role": schema,
    }
    day = (until or today() + TOMORROW).isoformat()
    sample = project("", contributors=PEOPLE, options={"data": {"read": ["sales"], "until": day}})
    return replace(sample, catalogue=catalogue(databases=[entry()], data_stores=[store]))


@contextmanager
def as_project(wish: Wish) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the project's own, by what its Secret says and nothing else."""
    given = data_access.variables(wish)
    with psycopg.connect(
        given["DATA_SALES_URL"],
        user=given["PGUSER"],
        password=given["PGPASSWORD"],
        sslmode=given["PGSSLMODE"],
        autocommit=True,
    ) as connection:
        yield connection


def test_a_reader_reads_the_schema_and_nothing_else(database: Database, sales: str, wanted: Wish) -> None:
    assert found(KIND, wanted, database) == {"create": 1}
    apply(KIND, wanted, database)
    assert found(KIND, wanted, database) == {"keep": 1}
    with as_project(wanted) as own:
        assert own.execute("SELECT week, sold FROM weeks").fetchall() == [(1, 12)]
        as_slipway("CREATE TABLE {}.months AS SELECT 3 AS month", sales)
        assert own.execute("SELECT month FROM months").fetchall() == [(3,)]
        for forbidden in (
            "INSERT INTO weeks VALUES (2, 1)",
            "DELETE FROM weeks",
            "DROP TABLE weeks",
            f"CREATE TABLE {sales}.more (id int)",
            "CREATE TABLE public.anywhere (id int)",
            "CREATE SCHEMA more",
            f'GRANT {sales} TO "{database_account()}"',
            "SELECT rolpassword FROM pg_authid",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                own.execute(forbidden)


def database_account() -> str:
    return str(entry()["username"])


def test_what_nobody_lets_it_read_stays_shut(database: Database, sales: str, wanted: Wish) -> None:
    private = f"{sales}_private"
    as_slipway("CREATE SCHEMA {}", private)
    as_slipway("CREATE TABLE {}.wages (id int)", private)
    apply(KIND, wanted, database)
    with as_project(wanted) as own, pytest.raises(errors.InsufficientPrivilege):
        own.execute(sql.SQL("SELECT * FROM {}.wages").format(sql.Identifier(private)))
    as_slipway("DROP SCHEMA {} CASCADE", private)


def test_what_somebody_changed_is_put_back(database: Database, sales: str, wanted: Wish) -> None:
    apply(KIND, wanted, database)
    name, other = data_access.reader(wanted), f"{sales}_more"
    as_slipway("CREATE ROLE {} NOLOGIN", other)
    as_slipway("GRANT {} TO CURRENT_USER WITH ADMIN OPTION", other)
    as_slipway("GRANT {} TO {}", other, name)
    as_slipway("REVOKE {} FROM {}", sales, name)
    as_slipway("ALTER ROLE {} VALID UNTIL 'infinity'", name)
    differing = {item.path for one in look(KIND, wanted, database) for item in one.differences}
    assert {path.split("[")[0] for path in differing} == {"member_of", "until"}
    repair(KIND, wanted, database)
    assert found(KIND, wanted, database) == {"keep": 1}
    with as_project(wanted) as own:
        assert own.execute("SELECT count(*) FROM weeks").fetchone() == (1,)
    as_slipway("DROP ROLE {}", other)


def test_what_is_not_let_any_more_ends_at_once(database: Database, sales: str, wanted: Wish) -> None:
    apply(KIND, wanted, database)
    shut = replace(
        wanted,
        catalogue=catalogue(
            databases=[entry()],
            data_stores=[
                {**one.model_dump(exclude={"readers"}), "readers": []} for one in wanted.catalogue.data_stores
            ],
        ),
    )
    assert (KIND.is_wanted(wanted), KIND.is_wanted(shut), data_access.variables(shut)) == (True, False, {})
    with as_project(wanted) as own:
        assert own.execute("SELECT count(*) FROM weeks").fetchone() == (1,)
        assert KIND.delete(shut, database)
        with pytest.raises(psycopg.OperationalError):
            own.execute("SELECT count(*) FROM weeks")
    with pytest.raises(psycopg.OperationalError), as_project(wanted):
        pass
    assert database.reader(data_access.reader(wanted)) is None
    assert KIND.delete(shut, database), "and again, when there is nothing left"


def test_a_consent_does_not_open_the_schema_that_its_name_stands_for_later(
    database: Database, sales: str, wanted: Wish
) -> None:
    place = f"{entry()['name']}/{sales} by the role {sales}"
    let = {"sales": Consent(owner="vision", place=place, until=today() + TOMORROW, given=today())}
    by_consent = replace(reading(sales, readers=()), uid=wanted.uid, names=wanted.names, spec=wanted.spec, consents=let)
    apply(KIND, by_consent, database)
    private = f"{sales}_wages"
    for statement in ("CREATE ROLE {} NOLOGIN", "CREATE SCHEMA {}", "GRANT {} TO CURRENT_USER WITH ADMIN OPTION"):
        as_slipway(statement, private)
    stores = [
        {**one.model_dump(), "database_schema": private, "role": private} for one in by_consent.catalogue.data_stores
    ]
    moved = replace(by_consent, catalogue=catalogue(databases=[entry()], data_stores=stores))
    with as_project(by_consent) as own:
        assert own.execute("SELECT count(*) FROM weeks").fetchone() == (1,)
        assert (KIND.is_wanted(moved), data_access.variables(moved)) == (False, {})
        assert KIND.delete(moved, database)
    with pytest.raises(psycopg.OperationalError), as_project(by_consent):
        pass
    as_slipway("DROP SCHEMA {} CASCADE", private)
    as_slipway("DROP ROLE {}", private)


def test_after_the_last_day_the_password_opens_nothing_also_where_nobody_looks(database: Database, sales: str) -> None:
    late = reading(sales, until=today() - timedelta(days=2))
    apply(KIND, late, database)
    with pytest.raises(psycopg.OperationalError), as_project(late):
        pass
    KIND.delete(late, database)


def test_a_rotated_password_opens_and_the_one_before_does_not(database: Database, wanted: Wish) -> None:
    apply(KIND, wanted, database)
    rotated = replace(wanted, versions={data_access.PURPOSE: 2})
    assert found(KIND, rotated, database) == {"update": 1}
    repair(KIND, rotated, database)
    with as_project(rotated) as own:
        assert own.execute("SELECT count(*) FROM weeks").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError), as_project(wanted):
        pass


def test_a_role_of_somebody_else_is_left_alone(database: Database, wanted: Wish) -> None:
    name = data_access.reader(wanted)
    as_slipway("CREATE ROLE {} NOLOGIN", name)
    with pytest.raises(NameTaken, match="is not this project's"):
        found(KIND, wanted, database)
    with pytest.raises(NameTaken, match="is not this project's"):
        apply(KIND, wanted, database)
    assert KIND.delete(wanted, database)
    assert database.reader(name) is not None
    as_slipway("DROP ROLE {}", name)


@pytest.mark.parametrize("role", ["postgres", "no_such_role_of_readers"])
def test_a_readers_role_that_we_can_not_give_is_told_with_what_to_do(database: Database, sales: str, role: str) -> None:
    sample = reading(sales)
    (store,) = sample.catalogue.data_stores
    other = catalogue(databases=[entry()], data_stores=[{**store.model_dump(), "role": role}])
    with pytest.raises(PermanentError, match=f"GRANT {role} TO {database_account()} WITH ADMIN OPTION"):
        apply(KIND, replace(sample, catalogue=other), database)
    assert database.reader(data_access.reader(sample)) is None, "nothing is left half made"
