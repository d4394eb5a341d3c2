"""What is posted to a chat channel: a row for each piece of news and channel."""

from django.db import models
from django.db.models import Q

from projects.models.consents import DataConsent
from projects.models.core import Project, ProjectRequest
from projects.models.notices import Sending


class ChatPost(Sending):
    """One sentence for one channel of the catalogue. What its team may know is asked again when it is posted."""

    channel = models.CharField(max_length=63)
    kind = models.CharField(max_length=40)
    text = models.TextField()
    request = models.ForeignKey(ProjectRequest, on_delete=models.CASCADE, related_name="+", null=True, blank=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", null=True, blank=True)
    consent = models.ForeignKey(DataConsent, on_delete=models.CASCADE, related_name="+", null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["channel", "next_try_at"], name="chat_post_due", condition=Q(sent_at=None, given_up_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.channel}"
