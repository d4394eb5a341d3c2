"""Who gave a project new credentials, until when the old ones work, and who was shown which. Never a secret itself."""

from typing import Any

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from projects.models.core import Door, Project, door_kept


def _pointing_back() -> Any:
    return pghistory.ObjForeignKey(related_name="history")


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    model_name="RotationHistory",
    append_only=True,
    obj_field=_pointing_back(),
)
class Rotation(models.Model):
    """A credential got a new version; the one before works until `earlier_until`: when it was ended, if it was."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rotations")
    purpose = models.CharField(max_length=40)
    version = models.PositiveIntegerField(help_text="The new version.")
    earlier_key_id = models.CharField(max_length=40, default="", blank=True, help_text="The key of the one before.")
    earlier_until = models.DateTimeField(help_text="Until then the version before works.")
    rotated_at = models.DateTimeField(default=timezone.now)
    rotated_by = models.CharField(max_length=200)
    door = models.CharField(
        max_length=10, choices=Door.choices, default="", blank=True, help_text="Empty: before this was kept."
    )
    ended_by = models.CharField(max_length=200, default="", blank=True, help_text="Who ended the one before early.")
    ended_door = door_kept()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "purpose", "version"], name="rotation_once_per_version"),
            models.CheckConstraint(condition=Q(version__gt=1), name="rotation_makes_a_later_version"),
            models.CheckConstraint(condition=Q(earlier_until__gte=F("rotated_at")), name="rotation_overlaps_forward"),
        ]
        indexes = [models.Index(fields=["earlier_until"], name="rotation_overlapping")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.version} of project {self.project_id}"


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    model_name="RevealHistory",
    append_only=True,
    obj_field=_pointing_back(),
)
class Reveal(models.Model):
    """A person was shown a version of a credential: once, and that is noted before the answer is given."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="reveals")
    purpose = models.CharField(max_length=40)
    version = models.PositiveIntegerField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reveals")
    person_name = models.CharField(max_length=200)
    revealed_at = models.DateTimeField(default=timezone.now)
    door = models.CharField(
        max_length=10, choices=Door.choices, default="", blank=True, help_text="Empty: before this was kept."
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "purpose", "version", "person"], name="reveal_once_per_version_and_person"
            )
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.version} of project {self.project_id} to {self.person_name}"
