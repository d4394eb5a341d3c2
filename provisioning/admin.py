"""The engine's rows, to read."""

from django.contrib import admin
from django.http import HttpRequest

from provisioning.models import Event, Resource, TargetHealth


class ReadOnly(admin.ModelAdmin):
    """A list with search for the platform team; nothing can be added, changed or removed. The domain uses it too."""

    # The total of a long table is counted for nobody: it takes as long as the page itself.
    show_full_result_count = False
    list_per_page = 50

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The platform team."""
        return bool(request.user.is_staff)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """The platform team."""
        return bool(request.user.is_staff)


@admin.register(Resource)
class ResourceAdmin(ReadOnly):
    """Resources with their conditions."""

    list_display = (
        "project",
        "kind",
        "target",
        "synced_status",
        "synced_reason",
        "ready_status",
        "last_look",
        "failures",
    )
    list_filter = ("kind", "synced_reason", "ready_status", "target")
    search_fields = ("project__slug", "target", "synced_message", "ready_message")
    list_select_related = ("project",)


@admin.register(Event)
class EventAdmin(ReadOnly):
    """What happened."""

    list_display = ("at", "project", "kind", "reason", "message")
    list_filter = ("kind", "reason")
    search_fields = ("project__slug", "message")
    list_select_related = ("project",)


@admin.register(TargetHealth)
class TargetHealthAdmin(ReadOnly):
    """How the targets answer."""

    list_display = ("name", "answering", "since", "last_asked", "version", "message")
    search_fields = ("name", "message")
