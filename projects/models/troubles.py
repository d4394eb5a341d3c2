"""That owners were told of a project that needs attention: once for each time, however often it comes and goes."""

from django.db import models
from django.utils import timezone

from projects.models.core import Project


class TroubleTold(models.Model):
    """Owners know of it. The row goes when the project has been well for long enough; then it would be news again."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="trouble_told")
    told_at = models.DateTimeField(default=timezone.now)
    well_since = models.DateTimeField(null=True, blank=True, help_text="Since when nothing needs attention.")

    class Meta:
        verbose_name_plural = "troubles told"

    def __str__(self) -> str:
        return f"trouble of {self.project_id}"
