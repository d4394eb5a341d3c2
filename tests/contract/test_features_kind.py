"""A feature store on a real Postgres: a project's own, nobody else's, put back when somebody changes it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from provisioning import features
from provisioning.clients.postgres import Database
from provisioning.errors import NameTaken, PermanentError, TargetUnavailable
from provisioning.kind import Wish
from provisioning.kinds.features import KIND
from tests.contract.feature_stores import as_slipway, entry, open_database, password
from tests.contract.made import PEOPLE, apply, found, project, repair
from tests.contract.stack import eventually, unique
from tests.provisioning.wishes import catalogue


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """The database for features, with Slipway's account."""
    database = open_database()
    yield database
    database.close()


@pytest.fixture
def wanted(database: Database) -> Iterator[Wish]:
    """A project with a feature store; all that it made goes at the end."""
    sample = stored()
    yield sample
    KIND.delete(replace(sample, remove_data=True), database)


def stored(slug: str = "") -> Wish:
    sample = project(slug, contributors=PEOPLE, options={"features": {"enabled": True}})
    return replace(sample, catalogue=catalogue(databases=[entry()]))


@contextmanager
def as_project(wish: Wish) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the project's own, as its Secret and ConfigMap say."""
    place, login = features.settings(wish), features.login(wish)
    with psycopg.connect(
        host=place["FEATURES_DB_HOST"],
        port=place["FEATURES_DB_PORT"],
        dbname=place["FEATURES_DB_NAME"],
        sslmode=place["FEATURES_DB_SSLMODE"],
        user=login["FEATURES_DB_USER"],
        password=login["FEATURES_DB_PASSWORD"],
        autocommit=True,
    ) as connection:
        yield connection


def test_made_found_right_and_put_back(database: Database, wanted: Wish) -> None:
    name = features.schema(wanted)
    assert found(KIND, wanted, database) == {"create": 2}
    apply(KIND, wanted, database)
    assert found(KIND, wanted, database) == {"keep": 2}
    apply(KIND, wanted, database)
    assert found(KIND, wanted, database) == {"keep": 2}

    as_slipway("ALTER ROLE {} CONNECTION LIMIT 500", name)
    as_slipway("ALTER ROLE {} PASSWORD 'by somebody else'", name)
    as_slipway("REVOKE CREATE ON SCHEMA {} FROM {}", name, name)
    assert found(KIND, wanted, database) == {"update": 2}
    repair(KIND, wanted, database)
    assert found(KIND, wanted, database) == {"keep": 2}

    as_slipway("DROP SCHEMA {} CASCADE", name)
    assert found(KIND, wanted, database) == {"keep": 1, "create": 1}
    repair(KIND, wanted, database)
    assert found(KIND, wanted, database) == {"keep": 2}


def test_its_tables_are_its_own_and_nobody_else_s(database: Database, wanted: Wish) -> None:
    other = stored()
    for one in (wanted, other):
        apply(KIND, one, database)
    name = features.schema(wanted)
    with as_project(wanted) as own:
        own.execute("CREATE TABLE drivers (id int, trips int)")
        own.execute("INSERT INTO drivers VALUES (1, 12)")
        assert own.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'drivers'").fetchall() == [(name,)]
        for forbidden in (
            "CREATE SCHEMA more",
            "CREATE TABLE public.anywhere (id int)",
            f"DROP SCHEMA {name} CASCADE",
            f"GRANT USAGE ON SCHEMA {name} TO PUBLIC",
            f"ALTER ROLE {name} CONNECTION LIMIT 1000",
            "CREATE ROLE another LOGIN",
            "CREATE DATABASE another",
            "SELECT rolpassword FROM pg_authid",
        ):
            if forbidden.startswith("GRANT"):
                # Postgres only warns here; what counts is that the other project still can't read it.
                own.execute(forbidden)
                continue
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                own.execute(forbidden)
    with as_project(other) as stranger:
        for forbidden in (
            f"SELECT * FROM {name}.drivers",
            f"CREATE TABLE {name}.mine (id int)",
            f"SET ROLE {name}",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                stranger.execute(forbidden)
    assert not database.signs_in(name, features.login(other)["FEATURES_DB_PASSWORD"])
    assert KIND.delete(replace(other, remove_data=True), database)


def test_no_other_database_of_the_server_opens(database: Database, wanted: Wish) -> None:
    apply(KIND, wanted, database)
    login = features.login(wanted)
    for name in ("slipway", "postgres"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(
                host=entry()["host"],
                port=entry()["port"],
                dbname=name,
                user=login["FEATURES_DB_USER"],
                password=login["FEATURES_DB_PASSWORD"],
            )


def test_another_s_role_and_schema_of_the_name_stay_untouched(database: Database) -> None:
    wanted = stored()
    name = features.schema(wanted)
    as_slipway("CREATE SCHEMA {}", name)
    with pytest.raises(NameTaken, match=f"The schema {name} exists"):
        apply(KIND, wanted, database)
    assert database.role(name) is None
    as_slipway("DROP SCHEMA {}", name)

    theirs = stored(wanted.spec.slug)
    apply(KIND, theirs, database)
    with pytest.raises(NameTaken, match=f"The role {name} exists"):
        apply(KIND, wanted, database)
    assert KIND.delete(replace(wanted, remove_data=True), database)
    assert found(KIND, theirs, database) == {"keep": 2}
    assert KIND.delete(replace(theirs, remove_data=True), database)
    assert (database.role(name), database.schema(name, role=name)) == (None, None)


def test_a_rotated_password_takes_the_old_one_s_place_at_once(database: Database, wanted: Wish) -> None:
    apply(KIND, wanted, database)
    rotated = replace(wanted, versions={"features": 2})
    assert found(KIND, rotated, database) == {"update": 1, "keep": 1}
    repair(KIND, rotated, database)
    assert found(KIND, rotated, database) == {"keep": 2}
    name = features.schema(wanted)
    passwords = [features.login(one)["FEATURES_DB_PASSWORD"] for one in (wanted, rotated)]
    assert [database.signs_in(name, one) for one in passwords] == [False, True]


def test_a_password_is_right_also_while_all_connections_are_in_use(database: Database, wanted: Wish) -> None:
    apply(KIND, wanted, database)
    name, given = features.schema(wanted), features.login(wanted)["FEATURES_DB_PASSWORD"]
    database.put_role(name, password=given, mark=f"Slipway project {wanted.uid}", connections=1)
    with as_project(wanted):
        assert database.signs_in(name, given)
    eventually(lambda: _sessions(name) == 0)
    assert not database.signs_in(name, "another")


def _sessions(name: str) -> int:
    target = entry()
    with psycopg.connect(
        host=target["host"],
        port=target["port"],
        dbname=target["database"],
        user=target["username"],
        password=password(),
    ) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [name]).fetchone()
    return int(row[0]) if row else 0


def test_tables_are_kept_on_removal_unless_asked_and_open_sessions_end(database: Database, wanted: Wish) -> None:
    apply(KIND, wanted, database)
    name = features.schema(wanted)
    with as_project(wanted) as own:
        own.execute("CREATE TABLE drivers (id int)")
        own.execute("SELECT lo_create(0)")
        assert KIND.delete(wanted, database)
        with pytest.raises(psycopg.OperationalError):
            own.execute("SELECT 1")
    assert not database.signs_in(name, features.login(wanted)["FEATURES_DB_PASSWORD"])
    assert database.schema(name, role=name) is not None

    apply(KIND, wanted, database)
    with as_project(wanted) as own:
        assert own.execute("SELECT count(*) FROM drivers").fetchone() == (0,)
    for _ in range(2):
        assert KIND.delete(replace(wanted, remove_data=True), database)
    assert (database.role(name), database.schema(name, role=name)) == (None, None)


def test_a_removal_that_was_cut_short_goes_on(database: Database, wanted: Wish) -> None:
    apply(KIND, wanted, database)
    name = features.schema(wanted)
    database.close_role(name)
    database.drop_schema(name)
    assert KIND.delete(replace(wanted, remove_data=True), database)
    assert database.role(name) is None


def test_a_silent_server_and_a_refused_account_are_waited_for(wanted: Wish) -> None:
    target = entry()
    wrong = {"name": "features-1", "database": "features", "tls": False, "ca": None}
    away = Database(host="127.0.0.1", port=9, username="features", password="x", **wrong)  # type: ignore[arg-type]
    with pytest.raises(TargetUnavailable, match="does not answer, or refuses our account"):
        apply(KIND, wanted, away)
    refused = Database(host=target["host"], port=target["port"], username="features", password="x", **wrong)  # type: ignore[arg-type]
    with pytest.raises(TargetUnavailable, match="does not answer, or refuses our account"):
        apply(KIND, wanted, refused)
    with pytest.raises(TargetUnavailable):
        refused.signs_in("anybody", "x")


def test_an_account_that_may_not_do_its_work_is_told_apart(database: Database, wanted: Wish) -> None:
    assert database.probe().split(".")[0].isdigit()
    apply(KIND, wanted, database)
    login = features.login(wanted)
    weak = Database(
        name="features-1",
        host=entry()["host"],
        port=entry()["port"],
        database="features",
        username=login["FEATURES_DB_USER"],
        password=login["FEATURES_DB_PASSWORD"],
        tls=False,
        ca=None,
    )
    with pytest.raises(PermanentError, match="may not make roles and schemas"):
        weak.probe()
    with pytest.raises(PermanentError, match="refuses to make the role"):
        weak.put_role(unique("x"), password="x", mark="", connections=1)


def test_hostile_names_are_names(database: Database) -> None:
    name = f'x"; DROP SCHEMA public; -- {uuid.uuid4().hex[:8]}'
    database.put_role(name, password="p' OR '1", mark='it\'s "mine"; --', connections=1)
    assert database.role(name) == {"mark": 'it\'s "mine"; --', "login": True, "connections": 1}
    assert database.signs_in(name, "p' OR '1")
    database.close_role(name)
    database.drop_role(name)
    assert database.role(name) is None
