"""What the platform team tells everybody, at the top of every page."""

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class AnnouncementState(models.TextChoices):
    """Where an announcement stands at a moment. Computed, never stored."""

    TO_COME = "to_come", "To come"
    SHOWN = "shown", "Shown"
    OVER = "over", "Over"


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    model_name="AnnouncementHistory",
    append_only=True,
    obj_field=pghistory.ObjForeignKey(related_name="history"),
)
class Announcement(models.Model):
    """A few sentences, from one moment to another. `by`, `because` and `changed_at` are of the present revision."""

    class Level(models.TextChoices):
        """How much it matters."""

        INFORMATION = "information", _("Information")
        WARNING = "warning", _("Warning")

    text = models.CharField(max_length=500)
    level = models.CharField(max_length=11, choices=Level.choices, default=Level.INFORMATION)
    begins = models.DateTimeField(default=timezone.now)
    ends = models.DateTimeField(null=True, blank=True, help_text="Shown until somebody ends it when empty.")
    dismissible = models.BooleanField(default=True, help_text="Readers can put it away until they sign in again.")
    public = models.BooleanField(default=False, help_text="Shown to those who are not signed in, too.")
    revision = models.PositiveIntegerField(default=1)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by_name = models.CharField(max_length=200)
    because = models.CharField(max_length=500)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When somebody ended it, before its time.")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends=None) | Q(ends__gt=F("begins")), name="announcement_ends_after_it_begins"
            ),
        ]
        indexes = [models.Index(fields=["ends"], condition=Q(ended_at=None), name="announcement_not_ended")]

    def __str__(self) -> str:
        return f"announcement {self.pk}"

    @property
    def state(self) -> AnnouncementState:
        """Where it stands now."""
        now = timezone.now()
        if self.ended_at is not None or (self.ends is not None and self.ends <= now):
            return AnnouncementState.OVER
        return AnnouncementState.SHOWN if self.begins <= now else AnnouncementState.TO_COME
