"""What somebody is to be told: a row for each person, kept until it was sent and for a while after."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from projects.models.core import Project, ProjectRequest


class Notice(models.Model):
    """One sentence for one person. It gives no right: whether the person may still see the thing is asked again."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=40)
    text = models.TextField()
    request = models.ForeignKey(ProjectRequest, on_delete=models.CASCADE, related_name="notices", null=True, blank=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="notices", null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["person", "-id"], name="notice_by_person"),
            models.Index(fields=["created_at"], name="notice_unsent", condition=models.Q(sent_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.person_id}"
