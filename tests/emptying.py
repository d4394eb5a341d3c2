"""Empties the database after a test that commits, by deleting the few rows that there are.

Django's own way is to TRUNCATE every table, which makes some hundred files of tables and indexes anew each time: more
than most of these tests take themselves.
"""

from collections.abc import Sequence
from typing import Any

from django.db.backends.postgresql.operations import DatabaseOperations
from pgtrigger import registered

_KEPT = ("django_content_type", "auth_permission")
"""Made from the models, alike after each flush: nobody else writes them."""
_DELETE = """
DO $$
DECLARE
    name text;
    found boolean;
BEGIN
    -- Rows of history let nobody delete them, and deleting others would write more.
    PERFORM set_config('pgtrigger.ignore', '{{{triggers}}}', true);
    FOREACH name IN ARRAY ARRAY[{names}] LOOP
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || name || ')' INTO found;
        IF found THEN
            EXECUTE 'DELETE FROM ' || name;
        END IF;
    END LOOP;
END $$
"""


def sql_flush(
    operations: DatabaseOperations,
    style: Any,
    tables: Sequence[str],
    *,
    reset_sequences: bool = False,
    allow_cascade: bool = False,
) -> list[str]:
    """What Django runs to flush, in place of its own. Foreign keys are checked at the end, so any order is right."""
    names = ", ".join(f"'{operations.quote_name(table)}'" for table in tables if table not in _KEPT)
    triggers = ",".join(trigger.get_pgid(model) for model, trigger in registered())
    return [_DELETE.format(names=names, triggers=triggers)] if names else []


def empty_by_deleting() -> None:
    """Have Django do so from now on."""
    DatabaseOperations.sql_flush = sql_flush  # type: ignore[method-assign,assignment]
