"""Runs: one action of the platform team over many projects, previewed first, then done one after the other."""

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from projects.models.core import Door, Project, ProjectRequest
from provisioning.models import KeepsPhrases


class BulkAction(models.TextChoices):
    """What a run does with each of its projects."""

    LOOK = "look", _("Look again")
    SUSPEND = "suspend", _("Suspend")
    RESUME = "resume", _("Resume")
    RETRY = "retry", _("Retry one resource")
    SKIP = "skip", _("Skip one resource")
    UNSKIP = "unskip", _("Look at a skipped resource again")
    PLAN = "plan", _("Change plan")


class RunState(models.TextChoices):
    """How far a run is. Draft: it was previewed, and nothing has happened."""

    DRAFT = "draft", "Previewed"
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    STOPPED = "stopped", "Stopped"
    DONE = "done", "Done"


class ItemState(models.TextChoices):
    """What became of one project of a run. Left out: the preview said that it can't be. Asked: a person decides."""

    WAITING = "waiting", "Waits for its turn"
    LEFT_OUT = "left_out", "Left out"
    DONE = "done", "Done"
    ASKED = "asked", "Waits for a decision"
    REFUSED = "refused", "Refused"


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    model_name="BulkRunHistory",
    append_only=True,
    obj_field=pghistory.ObjForeignKey(related_name="history"),
)
class BulkRun(models.Model):
    """One action over the projects of its items. Whoever made it is the one who acts."""

    action = models.CharField(max_length=10, choices=BulkAction.choices)
    kind = models.CharField(max_length=40, default="", blank=True)
    plan = models.CharField(max_length=63, default="", blank=True)
    because = models.TextField(help_text="Why, for the record.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="bulk_runs")
    by_name = models.CharField(max_length=254)
    door = models.CharField(max_length=10, choices=Door.choices)
    state = models.CharField(max_length=10, choices=RunState.choices, default=RunState.DRAFT)
    pause_after = models.PositiveIntegerField(
        null=True, blank=True, help_text="Pause when so many items are through; empty: go on to the end."
    )
    said = models.TextField(default="", blank=True, help_text="Why it stands still, where nobody paused it.")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=(RunState.STOPPED, RunState.DONE), ended_at__isnull=False)
                | Q(state__in=(RunState.DRAFT, RunState.RUNNING, RunState.PAUSED), ended_at=None),
                name="bulk_run_ended_has_time",
            ),
        ]
        indexes = [models.Index(fields=["id"], name="bulk_run_running", condition=Q(state=RunState.RUNNING))]

    def __str__(self) -> str:
        return f"{self.get_action_display()}, run {self.pk}"


class BulkItem(KeepsPhrases):
    """One project of a run: what the preview said of it, and what became of it."""

    run = models.ForeignKey(BulkRun, on_delete=models.CASCADE, related_name="items")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="bulk_items")
    position = models.PositiveIntegerField()
    generation = models.PositiveBigIntegerField(help_text="The wish that the preview was made of.")
    state = models.CharField(max_length=10, choices=ItemState.choices, default=ItemState.WAITING)
    foreseen = models.TextField(help_text="What the preview said.")
    changes = models.JSONField(default=list, help_text="Lines of the plan that the preview showed.")
    message = models.TextField(default="", blank=True, help_text="What came of it.")
    request = models.ForeignKey(ProjectRequest, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="bulk_item_position_once"),
            models.UniqueConstraint(fields=["run", "project"], name="bulk_item_project_once"),
        ]

    def __str__(self) -> str:
        return f"item {self.position} of run {self.run_id}"
