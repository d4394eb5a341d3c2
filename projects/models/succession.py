"""Who is asked to take over a project whose last owner left: one row for each time that happened."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from projects.models.core import Project


class OfferedTo(models.IntegerChoices):
    """To whom it is offered, one after the other; those before may still accept."""

    EDITORS = 1, _("the editors")
    TEAM = 2, _("the team")
    PLATFORM = 3, _("the platform team")


class Succession(models.Model):
    """A project without a present owner, offered to those who may take it over."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="successions")
    offered_to = models.PositiveSmallIntegerField(choices=OfferedTo.choices)
    offered_at = models.DateTimeField(default=timezone.now, help_text="Since when it is offered to them too.")
    next_at = models.DateTimeField(null=True, blank=True, help_text="When the next are asked; empty for the last.")
    ended_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="successions",
        null=True,
        blank=True,
        help_text="Empty while it is open, and when an owner came back or was named otherwise.",
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["project"], condition=Q(ended_at=None), name="succession_open_once"),
            models.CheckConstraint(
                condition=Q(accepted_by=None) | Q(ended_at__isnull=False), name="succession_accepted_has_ended"
            ),
            models.CheckConstraint(condition=Q(offered_to__in=OfferedTo.values), name="succession_offered_to_known"),
        ]

    def __str__(self) -> str:
        return f"{self.project_id}: {OfferedTo(self.offered_to).name.lower()}"
