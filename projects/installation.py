"""What this installation is: catalogue, keys, address and timing, handed down by the portal's settings.

The domain may not import the portal; `django.conf.settings.INSTALLATION` is the one thing it takes from there.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings

from projects import addresses
from provisioning.catalogue import Catalogue
from provisioning.errors import TargetUnavailable
from provisioning.project_templates.rendering import Templates
from provisioning.secrets import KeyRing, Resolve


@dataclass(frozen=True)
class Installation:
    """One per process, made at start."""

    catalogue: Catalogue
    key_ring: KeyRing = field(repr=False)
    resolve: Resolve = field(repr=False)
    templates: Templates
    public_url: str
    lease: timedelta = timedelta(seconds=8)
    resync: timedelta = timedelta(minutes=10)
    directory_every: timedelta = timedelta(minutes=5)
    platform_group: str = ""
    """Name or object id of the directory group whose members are the platform team."""
    tenant: str = ""
    """That of all accounts of people, as sign-in has it."""
    mail_from: str = ""
    """Whom mails come from. Empty where no mail server is named: nothing is mailed then."""
    mail_window: timedelta = timedelta(minutes=2)

    def database_ca(self) -> str:
        """The authorities that the catalogue names for the projects' database, as PEM; "" for none, or while their
        file is not there."""
        database = self.catalogue.database()
        if database is None or database.ca is None:
            return ""
        try:
            return self.resolve(database.ca)
        except TargetUnavailable:
            return ""

    def project_url(self, slug: str) -> str:
        """Address of a project's page."""
        return self.public_url + addresses.of_project(slug)


def installation() -> Installation:
    """The installation of this process."""
    made: Installation = settings.INSTALLATION
    return made
