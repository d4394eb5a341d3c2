"""While an update goes on, processes of the version before write rows without the columns that are new."""

from django.db.migrations import AddField
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED, ManyToManyField

SINCE = {"projects": "0055", "provisioning": "0008"}
"""The first migrations that were held to it."""


def test_a_new_column_may_be_empty_or_is_filled_by_the_database() -> None:
    left_alone = []
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        if app not in SINCE or name < SINCE[app]:
            continue
        added = (one for one in migration.operations if isinstance(one, AddField))
        left_alone += [
            f"{app}.{name}: {one.model_name}.{one.name}"
            for one in added
            if not (
                isinstance(one.field, ManyToManyField) or one.field.null or one.field.db_default is not NOT_PROVIDED
            )
        ]
    assert left_alone == []
