"""Rows for the platform team: to search and to read. What the engine or an action owns is changed there, not here."""

from django.contrib import admin
from django.http import HttpRequest

from projects.models import Delivery, Heartbeat, Membership, Project, ProjectRequest, RegisteredRepository, Team
from provisioning.admin import ReadOnly


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):
    """Teams are made here: name, directory groups, budget."""

    list_display = ("slug", "name", "ad_groups", "budget")
    search_fields = ("slug", "name", "ad_groups")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The platform team."""
        return bool(request.user.is_staff)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """The platform team."""
        return bool(request.user.is_staff)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The platform team."""
        return bool(request.user.is_staff)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """The platform team."""
        return bool(request.user.is_staff)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Never: projects and requests point to their team."""
        return False


@admin.register(Project)
class ProjectAdmin(ReadOnly):
    """Projects with lease and fence."""

    list_display = ("slug", "team", "generation", "observed_generation", "next_look_at", "lease_holder", "ready_at")
    search_fields = ("slug", "uid")
    list_filter = ("team", "suspended")
    list_select_related = ("team",)


@admin.register(ProjectRequest)
class ProjectRequestAdmin(ReadOnly):
    """Requests with their decisions."""

    list_display = ("slug", "action", "door", "requested_by_name", "decision", "rule", "created_at")
    search_fields = ("slug", "requested_by_name", "commit")
    list_filter = ("decision", "action", "door")


@admin.register(Membership)
class MembershipAdmin(ReadOnly):
    """Who has which role where."""

    list_display = ("project", "subject", "is_group", "role", "source", "until")
    search_fields = ("subject", "project__slug")
    list_select_related = ("project",)


@admin.register(RegisteredRepository)
class RegisteredRepositoryAdmin(ReadOnly):
    """Repositories we listen to."""

    list_display = ("full_name", "forge", "project", "look_at", "seen_commit")
    search_fields = ("full_name",)
    list_select_related = ("project",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    """What came in by webhook."""

    list_display = ("repository", "event", "commit", "received_at", "answered_at", "outcome")
    search_fields = ("delivery_id", "commit", "repository__full_name")
    list_select_related = ("repository",)


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnly):
    """The loops."""

    list_display = ("name", "at", "detail")
