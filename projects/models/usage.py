"""How much is used: the newest figures, one row a day of the past, and what each target told about itself.

Measured in rounds, from whole targets at once; the engine runs without these rows.
"""

from django.db import models
from django.utils import timezone

from projects.models.core import Project


class Usage(models.Model):
    """The newest figure of one measure of a project. Written when it moves; how old it is, the target's row says."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="usage")
    measure = models.CharField(max_length=40)
    target = models.CharField(max_length=63)
    used = models.FloatField()
    limit = models.FloatField(null=True, blank=True, help_text="Empty: it has none.")
    moved_at = models.DateTimeField(default=timezone.now, help_text="When it was first found so.")

    class Meta:
        verbose_name_plural = "usage"
        constraints = [models.UniqueConstraint(fields=["project", "measure"], name="usage_once_per_measure")]
        indexes = [models.Index(fields=["target", "measure"], name="usage_by_target")]

    def __str__(self) -> str:
        return f"{self.measure} of project {self.project_id}"


class UsageDay(models.Model):
    """The most that a project used on one day."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="usage_days")
    day = models.DateField()
    figures = models.JSONField(default=dict, help_text="By measure: the most that was used, and the limit then.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "day"], name="usage_once_per_day")]
        indexes = [models.Index(fields=["day"], name="usage_by_day")]

    def __str__(self) -> str:
        return f"project {self.project_id} on {self.day}"


class TargetUsage(models.Model):
    """What a target last told about use: when, of when its figures are, and how much it has in all."""

    target = models.CharField(max_length=63, primary_key=True)
    asked_at = models.DateTimeField(default=timezone.now, help_text="When it last answered.")
    as_of = models.DateTimeField(null=True, blank=True, help_text="Of when its figures are; empty: it has none yet.")
    capacity = models.JSONField(default=dict, help_text="By measure: all that there is. Missing: it doesn't tell.")

    class Meta:
        verbose_name_plural = "target usage"

    def __str__(self) -> str:
        return self.target
