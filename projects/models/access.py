"""Whose access the platform team ended, or gave back, and why. Kept for good."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from projects.models.core import Door


class AccessChange(models.Model):
    """The access of an account ended, or given back, by a person of the platform team."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="access_changes")
    ended = models.BooleanField(help_text="No: it was given back.")
    because = models.TextField()
    by_name = models.CharField(max_length=254)
    door = models.CharField(
        max_length=10, choices=Door.choices, default=Door.SYSTEM, help_text="Slipway: by `manage.py end_access`."
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{'ended' if self.ended else 'given back'}: {self.account_id}"
