"""Django's entry for the building."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The portal."""

    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make our Celery app the current one, so that whoever rings uses our broker; register the checks."""
        import portal.celery
        import portal.checks  # noqa: F401
