"""Consent of a team that a project of others reads one of its data stores, and what became of it, step by step."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from projects.models.core import Door, Project, ProjectRequest, Team
from projects.models.deciding import Reminder
from provisioning.models import KeepsPhrases


class ConsentState(models.TextChoices):
    """What became of a question for consent. Asked and given are open, the rest is over for good."""

    ASKED = "asked", _("asked")
    GIVEN = "given", _("given")
    REJECTED = "rejected", pgettext_lazy("consent", "rejected")
    WITHDRAWN = "withdrawn", pgettext_lazy("consent", "withdrawn")
    ENDED = "ended", _("no longer wanted")


class DataConsent(models.Model):
    """One question to a team: may this project read that store until this day? Asking again is another row.

    It opens what it says only while it is given, the day has not passed, and the store is still that place of that
    team's.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="consents")
    store = models.CharField(max_length=63, help_text="Its name in the catalogue.")
    place = models.CharField(
        max_length=400,
        default="",
        blank=True,
        help_text="What that name stood for when it was asked. Empty, as before it was kept: it opens nothing.",
    )
    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, related_name="consents", help_text="Whose data it is, and who decides."
    )
    until = models.DateField(help_text="The last day of reading.")
    request = models.ForeignKey(
        ProjectRequest,
        on_delete=models.SET_NULL,
        related_name="consents",
        null=True,
        blank=True,
        help_text="The request that it came with; empty when it was asked again by itself.",
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    state = models.CharField(max_length=10, choices=ConsentState.choices, default=ConsentState.ASKED)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "store"], condition=Q(state=ConsentState.ASKED), name="consent_asked_once"
            ),
            models.UniqueConstraint(
                fields=["project", "store"], condition=Q(state=ConsentState.GIVEN), name="consent_given_once"
            ),
            models.CheckConstraint(condition=Q(state__in=ConsentState.values), name="consent_state_known"),
        ]
        indexes = [models.Index(fields=["team", "-id"], name="consent_by_team")]

    def __str__(self) -> str:
        return f"{self.store} for project {self.project_id}"


class ConsentStep(KeepsPhrases):
    """What happened to a consent: into which state, when, by whom, and why. Never changed afterwards."""

    consent = models.ForeignKey(DataConsent, on_delete=models.CASCADE, related_name="steps")
    state = models.CharField(max_length=10, choices=ConsentState.choices)
    at = models.DateTimeField(default=timezone.now)
    by_name = models.CharField(max_length=200)
    door = models.CharField(
        max_length=10, choices=Door.choices, default="", blank=True, help_text="Empty: before this was kept."
    )
    why = models.TextField(default="", blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["consent", "state"], name="consent_step_once")]

    def __str__(self) -> str:
        return f"{self.state}: consent {self.consent_id}"


class ConsentReminder(models.Model):
    """That those who decide about a consent were reminded, or the platform team was told as well. Once each."""

    consent = models.ForeignKey(DataConsent, on_delete=models.CASCADE, related_name="reminders")
    kind = models.CharField(max_length=10, choices=Reminder.Kind.choices)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["consent", "kind"], name="consent_reminder_once")]

    def __str__(self) -> str:
        return f"{self.kind}: consent {self.consent_id}"


class DataEndTold(models.Model):
    """Owners were told that the project reads data of others until this day: once for each day."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="data_ends_told")
    until = models.DateField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "data ends told"
        constraints = [models.UniqueConstraint(fields=["project", "until"], name="data_end_told_once")]

    def __str__(self) -> str:
        return f"{self.project_id}, {self.until}"
