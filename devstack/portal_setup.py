"""What the portal needs before it serves, in one process because each start of Django costs a second.

`.venv/bin/python -m devstack.portal_setup STACK [copy]`: tables, texts of other languages, static files, the stack's
teams and its local admin.
"""

import os
import sys

import django
from django.core.management import call_command, get_commands

from devstack import migrated


def main(*, copied: bool) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    call_command("migrate", interactive=False)
    if copied:
        _keep_a_copy()
    call_command("translations")
    call_command("collectstatic", interactive=False, verbosity=0)
    if "seed_dev" in get_commands():
        call_command("seed_dev")
    else:
        print("there is no command seed_dev: teams and the local admin are not made")
    return 0


def _keep_a_copy() -> None:
    """Have the database that tests copy. Nobody else may be connected to ours meanwhile: the portal starts later."""
    from django.db import connection

    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    ours, copy = (connection.ops.quote_name(name) for name in (connection.settings_dict["NAME"], migrated.name()))
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", [migrated.name()])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {copy} TEMPLATE {ours}")


if __name__ == "__main__":
    sys.exit(main(copied="copy" in sys.argv[2:]))
