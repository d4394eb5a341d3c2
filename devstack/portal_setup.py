"""What the portal needs before it serves, in one process because each start of Django costs a second.

`.venv/bin/python -m devstack.portal_setup STACK [copy]`: tables, texts of other languages, static files, the stack's
teams and its local admin.
"""

import os
import subprocess
import sys
from urllib.parse import urlsplit

import django
from django.core.management import call_command, get_commands

from devstack import migrated
from devstack.stack import ROOT

_DRAFT = "being_migrated"


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
    """Have the database that tests copy: a copy of ours, which nobody has written into yet.

    A stack that is kept through a new migration has rows by then, so there it is made from nothing. Nobody else may be
    connected to ours meanwhile: the portal starts later.
    """
    from django.db import connection

    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    name = migrated.name()
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [migrated.PREFIX])
        there = {row[0] for row in cursor.fetchall()}
        if name in there:
            return
        ours, copy, draft = map(connection.ops.quote_name, (connection.settings_dict["NAME"], name, _DRAFT))
        if not there:
            cursor.execute(f"CREATE DATABASE {copy} TEMPLATE {ours}")
            return
        # Under its name only once it is whole.
        cursor.execute(f"DROP DATABASE IF EXISTS {draft}")
        cursor.execute(f"CREATE DATABASE {draft}")
        elsewhere = urlsplit(os.environ["SLIPWAY_DATABASE_URL"])._replace(path=f"/{_DRAFT}").geturl()
        command = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"]
        subprocess.run(command, cwd=ROOT, env={**os.environ, "SLIPWAY_DATABASE_URL": elsewhere}, check=True)
        cursor.execute(f"ALTER DATABASE {draft} RENAME TO {copy}")


if __name__ == "__main__":
    sys.exit(main(copied="copy" in sys.argv[2:]))
