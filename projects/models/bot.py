"""Which commands under pull requests were answered: kept here, since anybody may delete an answer on the forge.

For how long, and what stays as the mark of what is old, says `projects.bot_comments`.
"""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from projects.models.core import RegisteredRepository


class Answered(models.Model):
    """One command. What it asked for was done when the row came to be; `text` waits there until the forge has it."""

    repository = models.ForeignKey(RegisteredRepository, on_delete=models.CASCADE, related_name="answered")
    comment = models.BigIntegerField(help_text="The forge's number of the comment that asked.")
    text = models.TextField(default="", blank=True, help_text="The answer, until it stands on the forge.")
    made_at = models.DateTimeField(default=timezone.now)
    posted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "answered"
        constraints = [
            models.UniqueConstraint(fields=["repository", "comment"], name="comment_answered_once"),
            models.CheckConstraint(condition=Q(posted_at=None) | Q(text=""), name="answer_kept_until_posted"),
        ]

    def __str__(self) -> str:
        return f"comment {self.comment} in {self.repository_id}"
