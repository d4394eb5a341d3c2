"""What somebody chose to have mailed, and how: a row for who chose, and one for each project that they muted."""

from django.conf import settings
from django.db import models

from projects.models.core import Project


class MailChoice(models.Model):
    """One person's choice. Who has none gets everything as usual."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mail_choice")
    zone = models.CharField(max_length=64, help_text="Time zone of the daily mail.")
    kinds = models.JSONField(default=dict, blank=True, help_text="By kind: now, digest or never; usual when left out.")
    muted_until = models.DateField(null=True, blank=True, help_text="Last day on which nothing is mailed.")

    def __str__(self) -> str:
        return f"mail choice of {self.person_id}"


class MutedProject(models.Model):
    """Somebody hears nothing of a project by mail, up to a day and including it."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="muted_projects")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="muted_by")
    until = models.DateField()

    class Meta:
        ordering = ["until", "pk"]
        constraints = [models.UniqueConstraint(fields=["person", "project"], name="project_muted_once")]

    def __str__(self) -> str:
        return f"{self.project_id} for {self.person_id}"
