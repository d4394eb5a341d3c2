"""What the engine remembers: one row per Resource, what happened to it, and how each target last answered.

Nothing here is needed to find things outside: names are deterministic. Rows are what pages show and what the scan
compares with; the row of a resource is kept until a look says that the thing is gone.
"""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from provisioning.conditions import PEOPLE, Condition, Status, Word, resource_word
from provisioning.errors import Reason
from provisioning.phrases import as_kept, kept

STATUSES = [(status.value, status.value) for status in Status]
REASONS = [(reason.value, reason.value) for reason in Reason]

_APART = [Reason.SUSPENDED.value, Reason.DELETING.value, Reason.UNSUPPORTED.value]
_PEOPLE = [reason.value for reason in PEOPLE]
_IS_APART = Q(synced_reason__in=_APART) | Q(ready_reason__in=_APART)
_FOR_PERSON = Q(synced_reason__in=_PEOPLE) & ~Q(synced_status=Status.TRUE.value)
NEEDS_PERSON = ~_IS_APART & _FOR_PERSON
"""Resources of which a page says "Needs attention": the same in SQL as `provisioning.conditions` says it."""
NOT_USABLE = ~_IS_APART & ~_FOR_PERSON & ~Q(synced_status=Status.TRUE.value, ready_status=Status.TRUE.value)
"""Resources of which a page says "Working on it" or "Waiting"."""


class KeepsPhrases(models.Model):
    """A row that keeps sentences: each in a column of its own, whole and English, and here how it was put together."""

    phrases = models.JSONField(
        default=dict,
        # Processes of the version before write rows without it while an update goes on.
        db_default={},
        blank=True,
        editable=False,
        help_text="By column, how its sentence was put together.",
    )

    class Meta:
        abstract = True


class Resource(KeepsPhrases):
    """One thing of a Kind made for one project, with its two conditions as columns."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="resources")
    kind = models.CharField(max_length=40)
    target = models.CharField(max_length=63)
    observed_generation = models.PositiveBigIntegerField(default=0)
    applied = models.BooleanField(default=False, help_text="An attempt to make it has been started.")
    synced_status = models.CharField(max_length=7, choices=STATUSES, default=Status.UNKNOWN)
    synced_reason = models.CharField(max_length=24, choices=REASONS, default=Reason.PROGRESSING)
    synced_message = models.TextField(default="", blank=True)
    synced_since = models.DateTimeField(default=timezone.now)
    ready_status = models.CharField(max_length=7, choices=STATUSES, default=Status.FALSE)
    ready_reason = models.CharField(max_length=24, choices=REASONS, default=Reason.PROGRESSING)
    ready_message = models.TextField(default="", blank=True)
    ready_since = models.DateTimeField(default=timezone.now)
    last_look = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="Looks in a row that failed; drives the back-off.")
    wanted = models.CharField(
        max_length=64, default="", blank=True, help_text="Fingerprint of what was wanted when it was last found right."
    )
    remembered = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        editable=False,
        help_text="What its Kind has to know later and can't read outside any more.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "kind"], name="resource_once_per_kind"),
            models.CheckConstraint(
                condition=Q(synced_status__in=Status) & Q(ready_status__in=Status), name="resource_status_known"
            ),
            models.CheckConstraint(
                condition=Q(synced_reason__in=Reason) & Q(ready_reason__in=Reason), name="resource_reason_known"
            ),
        ]
        indexes = [
            models.Index(fields=["target", "synced_reason"], name="resource_by_target"),
            models.Index(fields=["kind", "ready_status"], name="resource_by_kind"),
            # Of a sound fleet these two are nearly empty, so lists find what is not ready without reading the rest.
            models.Index(fields=["project"], name="resource_for_person", condition=NEEDS_PERSON),
            models.Index(fields=["project"], name="resource_unusable", condition=NOT_USABLE),
            # What is not as it should be: few rows, and what the platform team looks at.
            models.Index(fields=["synced_since"], name="resource_not_synced", condition=~Q(synced_status=Status.TRUE)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of project {self.project_id}"

    @property
    def synced(self) -> Condition:
        """Did the last attempt work?"""
        return Condition(
            status=Status(self.synced_status),
            reason=Reason(self.synced_reason),
            message=kept(self.synced_message, self.phrases.get("synced_message")),
            since=self.synced_since,
        )

    @property
    def ready(self) -> Condition:
        """Can it be used?"""
        return Condition(
            status=Status(self.ready_status),
            reason=Reason(self.ready_reason),
            message=kept(self.ready_message, self.phrases.get("ready_message")),
            since=self.ready_since,
        )

    @property
    def telling(self) -> Condition:
        """Of the two conditions the one that keeps it from being ready; of one that is ready, what it is."""
        return self.ready if self.synced_status == Status.TRUE else self.synced

    @property
    def word(self) -> Word:
        """The one word pages say."""
        return resource_word(synced=self.synced, ready=self.ready)

    def set_conditions(self, *, synced: Condition, ready: Condition) -> None:
        """Take over both conditions into the columns; the caller saves."""
        self.synced_status, self.synced_reason = synced.status, synced.reason
        self.synced_message, self.synced_since = synced.message, synced.since
        self.ready_status, self.ready_reason = ready.status, ready.reason
        self.ready_message, self.ready_since = ready.message, ready.since
        # What is there when it is ready, the wish says again at any time (decision 0049).
        usable = ready.status is Status.TRUE
        self.phrases = as_kept(synced_message=synced.message, **({} if usable else {"ready_message": ready.message}))


ORDINARY = (Reason.AVAILABLE, Reason.DELETING)
"""Reasons of events that are steps of ordinary work."""


class Event(KeepsPhrases):
    """Something that happened to a resource: made, drifted, repaired, refused, removed. Never changed afterwards."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=40)
    target = models.CharField(
        max_length=63, default="", blank=True, help_text="Where; its resource may be gone by now."
    )
    at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=24, choices=REASONS)
    message = models.TextField()
    changes = models.JSONField(default=list)
    generation = models.PositiveBigIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["project", "-id"], name="event_by_project"),
            models.Index(fields=["-id"], name="event_drifted", condition=Q(reason=Reason.DRIFTED)),
            # Nearly all events are the steps of ordinary work, which no list over many projects shows.
            models.Index(fields=["-id"], name="event_telling", condition=~Q(reason__in=ORDINARY)),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"


class TargetHealth(KeepsPhrases):
    """How a target answered when it was last asked."""

    name = models.CharField(max_length=63, primary_key=True)
    answering = models.BooleanField(default=False)
    since = models.DateTimeField(default=timezone.now, help_text="When it began to answer, or to be silent.")
    last_asked = models.DateTimeField(null=True, blank=True)
    message = models.TextField(default="", blank=True)
    version = models.CharField(max_length=80, default="", blank=True)

    class Meta:
        verbose_name_plural = "target health"

    def __str__(self) -> str:
        return self.name

    def as_dict(self) -> dict[str, Any]:
        """JSON-able form for API and readiness."""
        return {
            "name": self.name,
            "answering": self.answering,
            "since": self.since,
            "last_asked": self.last_asked,
            "message": self.message,
            "version": self.version,
        }
