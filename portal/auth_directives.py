"""The settings object of django_auth_adfs with three directives of our own.

It is a module by itself because django_auth_adfs.config imports it half-way through its own import: nothing else of
that package may be needed here, and nobody but that package imports this module.
"""

from django_auth_adfs.config import Settings


class PortalSettings(Settings):  # type: ignore[misc]  # the library has no types
    """AUTH_ADFS, plus the tenant all accounts belong to, the Entra host, and where the client secret lies."""

    def __init__(self) -> None:
        # The parent accepts only directives that exist already as attributes.
        self.IDENTITY_TENANT = ""
        self.IDENTITY_HOST = ""
        self.CLIENT_SECRET_FILE = ""
        super().__init__()
        if self.IDENTITY_HOST:
            # The parent knows one Entra host; sovereign clouds and the development stack have others.
            self.SERVER = self.IDENTITY_HOST
