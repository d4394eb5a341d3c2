"""Training asked for beside pushes: by a person, by the clock, or because the data changed."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from projects.models.core import Door, Project
from projects.models.notices import Sending
from projects.models.reports import Report
from provisioning.models import KeepsPhrases


class TrainingPlan(KeepsPhrases):
    """When a project is trained again by itself, and the data that was last seen. Follows the project's options."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="training_plan")
    schedule = models.CharField(max_length=100, default="", blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    next_at = models.DateTimeField(null=True, blank=True)
    data = models.CharField(max_length=200, default="", blank=True, help_text="The watched folder of the bucket.")
    data_seen = models.CharField(
        max_length=64,
        default="",
        blank=True,
        help_text='Digest of the folder that the last training began with; "untrained" when that one came to nothing.',
    )
    data_moving = models.CharField(
        max_length=64, default="", blank=True, help_text="Digest of a change that may still be going on."
    )
    data_moving_since = models.DateTimeField(null=True, blank=True)
    data_unseen = models.CharField(
        max_length=500, default="", blank=True, help_text="What kept us from looking at the folder at the last try."
    )
    data_unseen_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["next_at"], name="training_plan_due")]

    def __str__(self) -> str:
        return f"training plan of project {self.project_id}"


class TrainingAsked(Sending):
    """One run of CI on the default branch that somebody or something asked for. Sent when CI took it."""

    class Because(models.TextChoices):
        PERSON = "person", "somebody asked"
        SCHEDULE = "schedule", "its time has come"
        DATA = "data", "the data changed"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="trainings")
    because = models.CharField(max_length=10, choices=Because.choices)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, related_name="+", null=True, blank=True
    )
    asked_by_name = models.CharField(max_length=254, default="", blank=True)
    door = models.CharField(
        max_length=10, choices=Door.choices, default="", blank=True, help_text="Empty: asked before this was kept."
    )
    cause = models.CharField(max_length=200, default="", blank=True, help_text="What changed, or which time it was.")
    branch = models.CharField(max_length=200, default="", blank=True, help_text="The default branch, when sent.")
    commit = models.CharField(max_length=64, default="", blank=True, help_text="What was trained; known when sent.")
    report = models.OneToOneField(
        Report,
        on_delete=models.SET_NULL,
        related_name="training",
        null=True,
        blank=True,
        help_text="What its run said about the model. Empty until then.",
    )
    missed_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was noted that its report will not come any more."
    )

    class Meta:
        verbose_name_plural = "trainings asked"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project"], name="training_waits_once", condition=Q(sent_at=None, given_up_at=None)
            )
        ]
        indexes = [
            models.Index(fields=["next_try_at"], name="training_due", condition=Q(sent_at=None, given_up_at=None)),
            # Few rows: those whose run goes on.
            models.Index(
                fields=["sent_at"],
                name="training_to_report",
                condition=Q(sent_at__isnull=False, report=None, missed_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project_id}: {self.get_because_display()}"
