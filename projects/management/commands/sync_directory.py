"""`manage.py sync_directory [--confirm]`: read the company directory now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from projects import directory_sync
from projects.directory_state import directory_status
from projects.installation import installation


class Command(BaseCommand):
    """What the worker does every five minutes, and the only way past the brake."""

    help = "Read the company directory now and say what is known of it."

    def add_arguments(self, parser: CommandParser) -> None:
        """One switch."""
        parser.add_argument(
            "--confirm",
            action="store_true",
            help="also when so much would vanish at once that a person must look first",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Sync and say what is known. Raises CommandError with the reason when nothing was changed."""
        if why := directory_sync.sync_installed(installation(), confirmed=options["confirm"]):
            raise CommandError(why)
        status = directory_status()
        if status is None:
            raise CommandError("There is no directory in platform.yaml.")
        self.stdout.write(f"{status.title}: {status.people} people and {status.groups} groups.")
        for group in directory_sync.unknown_groups(installation()):
            self.stderr.write(
                f"The catalogue or the settings name the group {group}, which the directory hasn't (once)."
            )
