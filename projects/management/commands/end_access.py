"""`manage.py end_access NAME --by YOU --because "…" [--give-back]`: end somebody's access at once, or give it back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from projects.ending import account_called, end_access, give_back_access
from projects.errors import ProjectError
from projects.models import Door


class Command(BaseCommand):
    """For the minutes in which nobody can wait for the directory."""

    help = "End sessions, tokens and rights of an account, or give the account its rights back."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose, by whom, and why."""
        parser.add_argument("name", help="the account's user name")
        parser.add_argument("--by", required=True, help="your own account, of the platform team")
        parser.add_argument("--because", required=True, help="the reason, kept with it")
        parser.add_argument("--give-back", action="store_true", help="let the account in again")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Do it and say so. Raises CommandError with the reason when nothing was changed."""
        act = give_back_access if options["give_back"] else end_access
        try:
            account, by = account_called(options["name"]), account_called(options["by"])
            act(account, by=by, because=options["because"], door=Door.SYSTEM)
        except ProjectError as error:
            raise CommandError(error.message) from error
        if not options["give_back"]:
            self.stdout.write(f"{account.username} is out. Workspaces and forge follow with the next look, in seconds.")
        elif account.object_id:
            self.stdout.write(f"{account.username} can sign in again. Ended sessions and tokens don't come back.")
        else:
            self.stdout.write(f"{account.username} needs a new password: manage.py changepassword {account.username}")
