"""Rows for the platform team: to search and to read. What the engine or an action owns is changed there, not here."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from projects.models import (
    Announcement,
    BulkItem,
    BulkRun,
    Delivery,
    DirectoryEdge,
    DirectoryEntry,
    DirectoryState,
    EndTold,
    FleetSummary,
    Heartbeat,
    IdempotencyKey,
    Mailing,
    Membership,
    Notice,
    Project,
    ProjectRequest,
    ReadyTime,
    RegisteredRepository,
    Reminder,
    RequestComment,
    RequestRevision,
    Reveal,
    Rotation,
    SeenAs,
    SkippedKind,
    StandIn,
    Succession,
    TargetUsage,
    Team,
    Usage,
    UsageDay,
)
from provisioning.admin import ReadOnly


@admin.register(Team)
class TeamAdmin(ReadOnly):
    """Teams. They are made, changed and removed on their own pages, where a preview and a reason belong to it."""

    list_display = ("slug", "name", "ad_groups", "budget")
    search_fields = ("slug", "name", "ad_groups")


@admin.register(Project)
class ProjectAdmin(ReadOnly):
    """Projects with lease and fence."""

    list_display = ("slug", "team", "generation", "observed_generation", "next_look_at", "lease_holder", "ready_at")
    search_fields = ("slug", "uid")
    list_filter = ("team", "suspended", "ended")
    list_select_related = ("team",)


@admin.register(ProjectRequest)
class ProjectRequestAdmin(ReadOnly):
    """Requests with their decisions."""

    list_display = ("slug", "action", "door", "requested_by_name", "decision", "rule", "created_at")
    search_fields = ("slug", "requested_by_name", "commit")
    list_filter = ("decision", "action", "door")
    list_select_related = ("project", "team")


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
    search_fields = ("name",)


@admin.register(RequestRevision)
class RequestRevisionAdmin(ReadOnly):
    """What requests were before they were asked in other words."""

    list_display = ("request", "number", "by_name", "door", "at")
    search_fields = ("request__slug", "by_name")
    list_select_related = ("request",)


@admin.register(RequestComment)
class RequestCommentAdmin(ReadOnly):
    """What was said about requests."""

    list_display = ("request", "by_name", "door", "text", "asks", "at")
    search_fields = ("request__slug", "by_name", "text")
    list_filter = ("asks",)
    list_select_related = ("request",)


@admin.register(StandIn)
class StandInAdmin(ReadOnly):
    """Who decides in whose place."""

    list_display = ("approver", "stand_in", "begins", "ends")
    search_fields = ("approver__username", "stand_in__username")
    list_select_related = ("approver", "stand_in")


@admin.register(Reminder)
class ReminderAdmin(ReadOnly):
    """Who was reminded of what, once each."""

    list_display = ("request", "kind", "revision", "at")
    search_fields = ("request__slug",)
    list_filter = ("kind",)
    list_select_related = ("request",)


@admin.register(Notice)
class NoticeAdmin(ReadOnly):
    """What somebody is told, and whether it went out."""

    list_display = ("created_at", "person", "kind", "text", "mail_at", "sent_at")
    search_fields = ("person__username", "text", "request__slug", "project__slug")
    list_filter = ("kind",)
    list_select_related = ("person",)


@admin.register(Mailing)
class MailingAdmin(ReadOnly):
    """Mails, with why one did not go out."""

    list_display = ("made_at", "person", "tries", "next_try_at", "sent_at", "given_up_at", "why")
    search_fields = ("person__username", "message_id", "why")
    list_select_related = ("person",)


@admin.register(EndTold)
class EndToldAdmin(ReadOnly):
    """Which end dates were told."""

    list_display = ("project", "expires", "days", "at")
    search_fields = ("project__slug",)
    list_select_related = ("project",)


@admin.register(Succession)
class SuccessionAdmin(ReadOnly):
    """Projects without an owner, and to whom they are offered."""

    list_display = ("project", "offered_to", "offered_at", "next_at", "ended_at", "accepted_by")
    search_fields = ("project__slug", "accepted_by__username")
    list_filter = ("offered_to",)
    list_select_related = ("project", "accepted_by")


@admin.register(SkippedKind)
class SkippedKindAdmin(ReadOnly):
    """What nobody looks at, and who wanted it so."""

    list_display = ("project", "kind", "by_name", "because", "since")
    search_fields = ("project__slug", "by_name", "because")
    list_filter = ("kind",)
    list_select_related = ("project",)


@admin.register(Rotation)
class RotationAdmin(ReadOnly):
    """When keys were rotated."""

    list_display = (
        "project",
        "purpose",
        "version",
        "rotated_by",
        "rotated_at",
        "earlier_until",
        "ended_by",
        "ended_door",
    )
    search_fields = ("project__slug", "rotated_by")
    list_filter = ("purpose",)
    list_select_related = ("project",)


@admin.register(Reveal)
class RevealAdmin(ReadOnly):
    """Who was shown which key."""

    list_display = ("project", "purpose", "version", "person_name", "revealed_at")
    search_fields = ("project__slug", "person_name")
    list_filter = ("purpose",)
    list_select_related = ("project",)


@admin.register(BulkRun)
class BulkRunAdmin(ReadOnly):
    """Actions over many projects."""

    list_display = ("id", "action", "kind", "plan", "by_name", "state", "because", "created_at")
    search_fields = ("by_name", "because")
    list_filter = ("action", "state")


@admin.register(BulkItem)
class BulkItemAdmin(ReadOnly):
    """What an action did with each project."""

    list_display = ("run", "position", "project", "state", "message", "at")
    search_fields = ("project__slug", "message")
    list_filter = ("state",)
    list_select_related = ("run", "project")


@admin.register(SeenAs)
class SeenAsAdmin(ReadOnly):
    """Who saw the portal as whom."""

    list_display = ("began_at", "by_name", "seen_name", "because", "ended_at")
    search_fields = ("by_name", "seen_name", "because")


@admin.register(Announcement)
class AnnouncementAdmin(ReadOnly):
    """What everybody is told. Changed at /platform/announcements/, with a reason."""

    list_display = ("begins", "ends", "level", "text", "public", "by_name", "ended_at")
    search_fields = ("text", "by_name", "because")
    list_filter = ("level", "public")


@admin.register(DirectoryEntry)
class DirectoryEntryAdmin(ReadOnly):
    """People and groups as of the last sync."""

    list_display = ("account", "name", "is_group", "enabled", "place", "gone_at")
    search_fields = ("account", "name", "mail", "object_id")
    list_filter = ("is_group", "enabled")


@admin.register(DirectoryEdge)
class DirectoryEdgeAdmin(ReadOnly):
    """Who is a direct member of what, by object id."""

    list_display = ("member", "group")
    search_fields = ("=member", "=group")


@admin.register(DirectoryState)
class DirectoryStateAdmin(ReadOnly):
    """How the last syncs went."""

    list_display = ("source", "complete_at", "tried_at", "failing_since", "needs_person", "message")
    search_fields = ("source", "message")


@admin.register(Usage)
class UsageAdmin(ReadOnly):
    """What is used of what is allowed."""

    list_display = ("project", "measure", "target", "used", "limit", "moved_at")
    search_fields = ("project__slug", "target")
    list_filter = ("measure",)
    list_select_related = ("project",)


@admin.register(UsageDay)
class UsageDayAdmin(ReadOnly):
    """The most of each day."""

    list_display = ("project", "day")
    search_fields = ("project__slug",)
    list_select_related = ("project",)


@admin.register(TargetUsage)
class TargetUsageAdmin(ReadOnly):
    """What the targets have in all."""

    list_display = ("target", "asked_at", "as_of")
    search_fields = ("target",)


@admin.register(ReadyTime)
class ReadyTimeAdmin(ReadOnly):
    """How long projects took to be ready."""

    list_display = ("project", "generation", "accepted_at", "seconds", "queue_seconds")
    search_fields = ("project__slug",)
    list_select_related = ("project",)


@admin.register(FleetSummary)
class FleetSummaryAdmin(ReadOnly):
    """The figures of the fleet page as they were last counted."""

    list_display = ("name", "at", "seconds")
    search_fields = ("name",)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnly):
    """Calls that happen once however often they are sent."""

    list_display = ("user", "key", "status", "created_at")
    search_fields = ("user__username", "key")
    list_select_related = ("user",)


class HistoryAdmin(ReadOnly):
    """What a row was, who made it so, by which door and why: written by the database, changed by nobody."""

    list_display = ("pgh_created_at", "pgh_label", "pgh_obj_id", "actor", "door", "because")
    list_filter = ("pgh_label",)
    list_select_related = ("pgh_context",)
    search_fields = ("pgh_obj_id__exact", "pgh_context__metadata__actor", "pgh_context__metadata__because")
    ordering = ("-pgh_id",)

    @admin.display()
    def actor(self, entry: Any) -> str:
        """Who; "" for what the engine did by itself."""
        return _told(entry, "actor")

    @admin.display()
    def door(self, entry: Any) -> str:
        """By which door."""
        return _told(entry, "door")

    @admin.display()
    def because(self, entry: Any) -> str:
        """The reason that was given, where one was."""
        return _told(entry, "because")


def _told(entry: Any, name: str) -> str:
    return str(entry.pgh_context.metadata.get(name, "")) if entry.pgh_context else ""


class PlainAdmin(ReadOnly):
    """Any other rows: short fields as columns, words to search in, and what they point to by name."""

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:  # noqa: ARG002
        """The first of its fields that fit into a column."""
        long = (models.TextField, models.JSONField, models.BinaryField)
        return tuple(one.name for one in self.opts.concrete_fields if not isinstance(one, long))[:8]

    def get_list_select_related(self, request: HttpRequest) -> list[str]:  # noqa: ARG002
        """All that a column may show."""
        return [one.name for one in self.opts.concrete_fields if isinstance(one, models.ForeignKey)]

    def get_search_fields(self, request: HttpRequest) -> list[str]:  # noqa: ARG002
        """Its words, and the name of its project."""
        names = [one.name for one in self.opts.concrete_fields if isinstance(one, models.CharField | models.TextField)]
        return [*names, *(f"{one.name}__slug" for one in self.opts.concrete_fields if one.related_model is Project)]


# pghistory makes its models; they are in no module. Others that have no page of their own get a plain one.
for _model in apps.get_app_config("projects").get_models():
    if not admin.site.is_registered(_model):
        admin.site.register(_model, HistoryAdmin if hasattr(_model, "pgh_label") else PlainAdmin)
