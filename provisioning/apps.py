"""Django's entry for the engine's rows."""

from django.apps import AppConfig


class ProvisioningConfig(AppConfig):
    """The engine."""

    name = "provisioning"
    default_auto_field = "django.db.models.BigAutoField"
