"""Django's entry for the domain."""

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    """The domain."""

    name = "projects"
    default_auto_field = "django.db.models.BigAutoField"
