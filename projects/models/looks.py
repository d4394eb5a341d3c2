"""Looks that somebody asked for, so that it is known who did, and by which door."""

from django.db import models
from django.utils import timezone

from projects.models.core import Door, Project


class LookAsked(models.Model):
    """Somebody had the project looked at without waiting. Nothing goes by this row: it is there to be read."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="looks_asked")
    kind = models.CharField(max_length=40, default="", blank=True, help_text="Empty: all of it.")
    asked_by_name = models.CharField(max_length=254)
    door = models.CharField(max_length=10, choices=Door.choices)
    because = models.TextField(default="", blank=True, help_text="Why, where it was said.")
    asked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "looks asked"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.kind or 'all'} of project {self.project_id}"
