"""The stack's database for data of projects, as its catalogue names it."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from provisioning.catalogue import load
from provisioning.clients.postgres import Database
from tests.contract.stack import folder, secret


def entry() -> dict[str, Any]:
    """The catalogue's entry. Skips where the stack uses a Postgres that somebody else runs."""
    found = load(Path(folder()) / "platform.yaml").database()
    if found is None:
        pytest.skip("NOT TESTED: the stack has no database for features, as SLIPWAY_DEV_DATABASE_URL is set")
    return found.model_dump(mode="json", exclude_none=True)


def password() -> str:
    """The password of Slipway's account there."""
    return secret("features-1.password")


def open_database() -> Database:
    """The database with Slipway's account. Close it."""
    one = entry()
    return Database(
        name=one["name"],
        host=one["host"],
        port=one["port"],
        database=one["database"],
        username=one["username"],
        password=password(),
        tls=one["tls"],
        ca=None,
    )


def as_slipway(statement: str, *names: str) -> None:
    """Something that somebody with Slipway's account does by hand."""
    target = entry()
    with psycopg.connect(
        host=target["host"],
        port=target["port"],
        dbname=target["database"],
        user=target["username"],
        password=password(),
        autocommit=True,
    ) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
