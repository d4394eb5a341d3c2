"""`manage.py register_repository FORGE OWNER/NAME`: listen to a repository whose profile.yaml asks for a project."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from projects import listening
from projects.errors import ProjectError
from projects.installation import installation
from provisioning import targets
from provisioning.errors import ProvisioningError


class Command(BaseCommand):
    """Register a repository and put the portal's hook on it. Doing it again changes nothing."""

    help = "Listen to a repository: put the portal's hook on it and read its profile.yaml."

    def add_arguments(self, parser: CommandParser) -> None:
        """Forge and full name."""
        parser.add_argument("forge", help="name of the forge in the catalogue, such as git-1")
        parser.add_argument("full_name", help="owner/name of the repository")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Register and say what was done. Raises CommandError with the reason."""
        settings = installation()
        try:
            repository = listening.register(
                forge=options["forge"],
                full_name=options["full_name"],
                installation=settings,
                open_client=targets.opener(settings.catalogue, resolve=settings.resolve),
            )
        except KeyError as error:
            raise CommandError(f"There is no forge {options['forge']} in the catalogue.") from error
        except (ProjectError, ProvisioningError) as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{repository.full_name} is registered; its profile.yaml will be read.")
