"""Rows keep how their sentences were put together, also those that a process of the version before writes."""

import pytest
from django.apps import apps
from django.db import connection

from provisioning.models import KeepsPhrases

pytestmark = pytest.mark.django_db
TABLES = sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, KeepsPhrases))


def test_while_an_update_goes_on_the_version_before_still_writes_rows() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_default FROM information_schema.columns WHERE column_name = 'phrases'"
            " AND table_name = ANY(%s)",
            [TABLES],
        )
        assert dict(cursor.fetchall()) == dict.fromkeys(TABLES, "'{}'::jsonb")
