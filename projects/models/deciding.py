"""What is said and done about a request until it is decided: its revisions, the conversation, stand-ins, reminders."""

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from projects.models.core import ProjectRequest, door_kept


class RequestRevision(models.Model):
    """What a request was before its asker changed it. Never changed afterwards."""

    request = models.ForeignKey(ProjectRequest, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    after = models.JSONField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    by_name = models.CharField(max_length=200, help_text="Who put the next revision in its place.")
    door = door_kept()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["request", "number"], name="request_revision_once")]

    def __str__(self) -> str:
        return f"revision {self.number} of request {self.request_id}"


class RequestComment(models.Model):
    """One thing that was said about a request. `asks`: the asker is to change it or to answer; `answers`: they did."""

    request = models.ForeignKey(ProjectRequest, on_delete=models.CASCADE, related_name="comments")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by_name = models.CharField(max_length=200)
    door = door_kept()
    text = models.TextField()
    asks = models.BooleanField(default=False)
    answers = models.BooleanField(default=False, db_default=False, help_text="It gave the request back to who decides.")
    revision = models.PositiveIntegerField(default=1, help_text="Of the request when it was said.")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["request"], name="comment_by_request")]

    def __str__(self) -> str:
        return f"{self.by_name} about request {self.request_id}"


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    model_name="StandInHistory",
    append_only=True,
    obj_field=pghistory.ObjForeignKey(related_name="history"),
)
class StandIn(models.Model):
    """Somebody decides in the place of an approver, from one day to another, both included."""

    approver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="stand_ins")
    stand_in = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="stands_in_for")
    begins = models.DateField()
    ends = models.DateField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["begins", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(ends__gte=F("begins")), name="stand_in_ends_after_it_begins"),
            models.CheckConstraint(condition=~Q(approver=F("stand_in")), name="stand_in_is_somebody_else"),
        ]
        indexes = [models.Index(fields=["stand_in", "ends"], name="stand_in_by_person")]

    def __str__(self) -> str:
        return f"{self.stand_in_id} for {self.approver_id}"


class Reminder(models.Model):
    """That approvers were reminded of a revision, or others asked as well: once each, and the last time of it."""

    class Kind(models.TextChoices):
        """What was done."""

        REMINDED = "reminded", "reminded"
        ESCALATED = "escalated", "escalated"

    request = models.ForeignKey(ProjectRequest, on_delete=models.CASCADE, related_name="reminders")
    revision = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["request", "revision", "kind"], name="reminder_once")]

    def __str__(self) -> str:
        return f"{self.kind}: request {self.request_id}"
