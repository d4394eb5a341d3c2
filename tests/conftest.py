"""What every test shares."""

import os
from collections.abc import Iterator

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker, Settings

from devstack import migrated
from tests import live
from tests.emptying import empty_by_deleting

hypothesis_settings.register_profile(
    "slipway", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("slipway")
empty_by_deleting()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Have the test database copied from the one that the stack has for that, where there is one.

    And wait longer for a connection: `./dev test` gives all cores to others first, and whoever has no turn for three
    seconds is no database that is down.
    """
    connection.settings_dict["OPTIONS"]["pool"]["timeout"] = 30
    copied = migrated.name()
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", [copied])
        if cursor.fetchone() is not None:
            connection.settings_dict["TEST"]["TEMPLATE"] = copied


@pytest.fixture(scope="module")
def without_ci() -> Iterator[None]:
    """The stack's CI rests: to train and test each new project takes the cores from what is looked at."""
    if "SLIPWAY_STACK_DIR" not in os.environ:
        yield
        return
    with live.without_ci():
        yield


@pytest.fixture(autouse=True)
def plain_static_files(settings: Settings) -> None:
    """Pages name static files as they are called in git: a test needs no collectstatic.

    They are looked for when one is asked for. A portal lists them once, as it starts; here each `Client()` would list
    some hundred again, which took more than most tests themselves.
    """
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**django_settings.STORAGES, "staticfiles": plain}
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Passwords are hashed quickly: the real way is made to be slow, and tests try hundreds."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _english_afterwards() -> Iterator[None]:
    """The language of a request stays with its thread until the next one, which in tests may be no request."""
    yield
    translation.deactivate()
