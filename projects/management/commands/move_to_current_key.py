"""`manage.py move_to_current_key [SLUG …]`: have projects' credentials come from the key ring's first key.

Without slugs: all projects that come from another one. Afterwards the old line of the key ring may go, once every
project was looked at and the overlap is over.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from projects import credentials
from projects.installation import installation
from projects.models import Project


class Command(BaseCommand):
    """Rotate all credentials of projects that come from an older key of the ring."""

    help = "Rotate the credentials of projects that come from an older key of the key ring onto its first key."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which projects, and what of the old secrets."""
        parser.add_argument("slugs", nargs="*", help="slugs of projects; none: all that come from another key")
        parser.add_argument("--end-old-now", action="store_true", help="the old key leaked: its secrets end at once")
        parser.add_argument("--by", default="slipway", help="who does this, for the project's history")
        parser.add_argument("--dry-run", action="store_true", help="say which projects would be moved; change nothing")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Move them, one transaction each, so that what is done stays done. Raises CommandError."""
        settings = installation()
        projects = Project.objects.filter(deletion_requested_at=None).exclude(
            key_id__in=["", settings.key_ring.current]
        )
        if options["slugs"]:
            known = Project.objects.filter(deleted_at=None, slug__in=options["slugs"]).values_list("slug", flat=True)
            if missing := sorted(set(options["slugs"]) - set(known)):
                raise CommandError(f"There is no project {', '.join(missing)}.")
            projects = projects.filter(slug__in=options["slugs"])
        moved = 0
        for project in projects.order_by("pk").iterator():
            if options["dry_run"]:
                self.stdout.write(f"{project.slug}: from {project.key_id} to {settings.key_ring.current}")
                continue
            moved += credentials.move_to_current_key(
                project, by=options["by"], installation=settings, end_old_now=options["end_old_now"]
            )
        if not options["dry_run"]:
            self.stdout.write(f"{moved} project(s) moved to the key {settings.key_ring.current}.")
