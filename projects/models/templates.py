"""Project templates in use: what each version looked like, and which one each project is at.

A version's files are kept because a newer one is merged against them, and the folder has only the newest.
"""

from django.db import models
from django.utils import timezone

from projects.models.core import Project
from provisioning.models import KeepsPhrases


class TemplateVersion(models.Model):
    """One version of a template as it was rendered, a mark for each answer. Never changed, never removed."""

    template = models.CharField(max_length=63)
    version = models.CharField(max_length=20)
    files = models.BinaryField(help_text="Packed by projects.template_versions.")
    digest = models.CharField(max_length=64, help_text="Of the files: a version that looks different is no version.")
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["template", "version"], name="template_version_once")]

    def __str__(self) -> str:
        return f"{self.template} {self.version}"


class TemplateUse(KeepsPhrases):
    """Which version of its template a project is at, as of the last look, and the pull request with a newer one."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="template_use")
    template = models.CharField(max_length=63, blank=True, help_text="Empty: its repository follows no template.")
    version = models.CharField(max_length=20, blank=True)
    since = models.DateTimeField(default=timezone.now, help_text="When it was first found at this version.")
    offered = models.CharField(max_length=20, blank=True, help_text="The newest version that was offered to it.")
    offered_at = models.DateTimeField(null=True, blank=True)
    pull_request = models.PositiveIntegerField(null=True, blank=True)
    pull_request_url = models.CharField(max_length=500, blank=True)
    pull_request_open = models.BooleanField(default=False)
    note = models.CharField(max_length=300, blank=True, help_text="Why nothing could be offered.")
    look_at = models.DateTimeField(default=timezone.now, help_text="When to look again.")

    class Meta:
        indexes = [models.Index(fields=["look_at"], name="template_use_due")]

    def __str__(self) -> str:
        return f"{self.template} {self.version} in project {self.project_id}"
