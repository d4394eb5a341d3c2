"""A feature store as Kinds: who has it, what is asked for, and what the workspace and the repository are given."""

import base64
from typing import Any

from ruamel.yaml import YAML

from provisioning import ci, features
from provisioning.kind import Wish, kinds_of
from provisioning.kinds import credentials, feast, features_account
from provisioning.kinds.features import KIND
from tests.provisioning.wishes import DATABASE, KEY_RING, UID, catalogue, wish

ALL_OF_IT = {"features", "features_account", "feast"}


def stored(*, enabled: bool = True, **changes: Any) -> Wish:
    changes = {"slug": "demand-forecast", **changes}
    return wish(catalogue=catalogue(databases=[DATABASE]), options={"features": {"enabled": enabled}}, **changes)


def test_only_who_asks_has_it_and_only_where_there_is_a_database() -> None:
    assert not ALL_OF_IT & set(kinds_of(wish()))
    assert not ALL_OF_IT & set(kinds_of(stored(enabled=False)))
    assert set(kinds_of(stored())) >= ALL_OF_IT
    assert list(KIND.check(stored()) if KIND.check else ()) == []
    nowhere = wish(options={"features": {"enabled": True}})
    assert list(KIND.check(nowhere) if KIND.check else ()) == [
        ("enabled", "The platform offers no database for features. Leave this off, or ask the platform team for one.")
    ]


def test_a_role_and_a_schema_of_one_name_are_asked_for() -> None:
    mark = f"Slipway project {UID}"
    assert {thing.key: thing.body for thing in KIND.desired(stored(versions={"features": 2}))} == {
        "role/ml_demand_forecast": {"mark": mark, "login": True, "connections": 20, "password_version": 2},
        "schema/ml_demand_forecast": {"mark": mark, "rights": ["CREATE", "USAGE"]},
    }


def test_the_settings_stand_in_project_info_and_the_password_only_in_a_secret() -> None:
    password = KEY_RING.derive(uid=UID, purpose="features", version=1)
    (secret,) = features_account.desired(stored())
    given = {name: base64.b64decode(value).decode() for name, value in dict(secret.body or {})["data"].items()}
    assert secret.sensitive
    settings = {
        "FEATURES_DB_HOST": "features.corp.example",
        "FEATURES_DB_PORT": "5432",
        "FEATURES_DB_NAME": "features",
        "FEATURES_DB_SSLMODE": "verify-full",
        "FEATURES_URL": "s3://ml-demand-forecast/features",
    }
    assert given == {
        **settings,
        "FEATURES_DB_USER": "ml_demand_forecast",
        "FEATURES_DB_PASSWORD": password,
        "PGSSLROOTCERT": "/etc/ssl/certs/ca-certificates.crt",
    }
    info = {thing.key: thing.body for thing in credentials.desired(stored())}["ConfigMap/project-info"]
    assert {name: value for name, value in dict(info or {})["data"].items() if name.startswith("FEATURES")} == settings
    assert given.items() <= ci.variables(stored()).items()


def test_who_does_not_ask_is_given_nothing() -> None:
    for nothing in (wish(), stored(enabled=False)):
        assert not [name for name in ci.variables(nothing) if name.startswith("FEATURES")]
        info = {thing.key: thing.body for thing in credentials.desired(nothing)}["ConfigMap/project-info"]
        assert not [name for name in dict(info or {})["data"] if name.startswith("FEATURES")]


def test_the_file_names_what_the_project_has_and_no_password() -> None:
    told = YAML(typ="safe", pure=True).load(feast.file(stored()))
    assert told == {
        "project": "ml_demand_forecast",
        "provider": "local",
        "entity_key_serialization_version": 3,
        "registry": {
            "registry_type": "sql",
            "path": "postgresql+psycopg://${FEATURES_DB_USER}:${FEATURES_DB_PASSWORD}@${FEATURES_DB_HOST}"
            ":${FEATURES_DB_PORT}/${FEATURES_DB_NAME}?sslmode=${FEATURES_DB_SSLMODE}",
        },
        "offline_store": {"type": "file"},
        "online_store": {
            "type": "postgres",
            "host": "${FEATURES_DB_HOST}",
            "port": "${FEATURES_DB_PORT}",
            "database": "${FEATURES_DB_NAME}",
            "db_schema": "ml_demand_forecast",
            "user": "${FEATURES_DB_USER}",
            "password": "${FEATURES_DB_PASSWORD}",
            "sslmode": "${FEATURES_DB_SSLMODE}",
        },
    }


def test_two_projects_never_meet_in_one_name() -> None:
    assert features.schema(stored(slug="a-b")) != features.schema(stored(slug="ab"))
    assert len(features.schema(stored(slug="a" * 40))) <= 63, "Postgres cuts names there"


def test_a_viewer_and_a_stranger_can_not_use_it() -> None:
    may = {right.subject for right in (KIND.rights(stored()) if KIND.rights else ())}
    assert may == {"alice@corp.example", "ml-forecasting", "bob@corp.example"}
