"""What the platform team's pages are made of: how long wishes took, and the figures of the fleet.

Nothing here says what a project should be; the engine runs without these rows.
"""

from datetime import datetime

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from projects.models.core import Project


class ReadyTime(models.Model):
    """How long one wish took, from accepted to ready. Written with the look that found it ready."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="ready_times")
    generation = models.PositiveBigIntegerField()
    accepted_at = models.DateTimeField()
    ready_at = models.DateTimeField(default=timezone.now)
    seconds = models.FloatField()
    queue_seconds = models.FloatField(
        null=True, blank=True, help_text="From accepted to the look; empty when it took more than one look."
    )
    steps = models.JSONField(default=dict, help_text="Seconds by Kind, in the look that found it ready.")

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["project", "generation"], name="ready_time_once_per_wish")]
        indexes = [models.Index(fields=["ready_at"], name="ready_time_by_day")]

    def __str__(self) -> str:
        return f"{self.project_id} at change {self.generation}: {self.seconds:.2f} s"


class FleetSummary(models.Model):
    """The newest figures that are too heavy to count for each page; one row. Its age stands on the page."""

    name = models.CharField(max_length=10, primary_key=True, default="fleet")
    at = models.DateTimeField(default=timezone.now)
    seconds = models.FloatField(default=0, help_text="How long the counting took.")
    figures = models.JSONField()

    class Meta:
        verbose_name_plural = "fleet summary"

    def __str__(self) -> str:
        return f"fleet at {self.at:%Y-%m-%d %H:%M:%S}"


class Scorecard(models.Model):
    """What the rules of the scorecard said of a project when all were judged last, for lists over the fleet."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="scorecard")
    marks = models.JSONField(default=dict, help_text="By rule: yes, no or unknown.")
    judged_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"scorecard of project {self.project_id}"


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.DeleteEvent(),
    model_name="SkippedKindHistory",
    append_only=True,
    obj_field=pghistory.ObjForeignKey(related_name="history"),
)
class SkippedKind(models.Model):
    """A Kind that the engine leaves alone in one project, until the row goes. A removal takes it away all the same."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="skipped_kinds")
    kind = models.CharField(max_length=40)
    because = models.TextField(help_text="Why, in the words of who skipped it.")
    by_name = models.CharField(max_length=254)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "kind"], name="skipped_kind_once")]

    def __str__(self) -> str:
        return f"{self.kind} of project {self.project_id}"

    @property
    def sentence(self) -> str:
        """What the resource says meanwhile, as it is stored; pages say it by `skipping.told`."""
        return (
            f"Nobody has looked at it since {self.since:%Y-%m-%d %H:%M} UTC: {self.by_name} skipped it. {self.because}"
        )


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    model_name="SeenAsHistory",
    append_only=True,
    obj_field=pghistory.ObjForeignKey(related_name="history"),
)
class SeenAs(models.Model):
    """Somebody of the platform team saw the portal as another person: who, as whom, from when to when, and why."""

    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="saw_as")
    by_name = models.CharField(max_length=254)
    seen = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="seen_as")
    seen_name = models.CharField(max_length=254)
    because = models.TextField()
    began_at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(help_text="When it ends by itself.")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "seen as"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(by=F("seen")), name="seen_as_another"),
            models.CheckConstraint(condition=Q(until__gt=F("began_at")), name="seen_as_has_time"),
        ]
        indexes = [models.Index(fields=["seen", "-id"], name="seen_as_by_person")]

    def __str__(self) -> str:
        return f"{self.by_name} as {self.seen_name}"

    @property
    def over_at(self) -> datetime:
        """When it was or will be over."""
        return min(self.ended_at or self.until, self.until)
