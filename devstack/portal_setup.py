"""What the portal needs before it serves, in one process because each start of Django costs a second.

`.venv/bin/python -m devstack.portal_setup STACK`: tables, texts of other languages, static files, the stack's teams
and its local admin.
"""

import os
import sys

import django
from django.core.management import call_command, get_commands


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    call_command("migrate", interactive=False)
    call_command("translations")
    call_command("collectstatic", interactive=False, verbosity=0)
    if "seed_dev" in get_commands():
        call_command("seed_dev")
    else:
        print("there is no command seed_dev: teams and the local admin are not made")
    return 0


if __name__ == "__main__":
    sys.exit(main())
