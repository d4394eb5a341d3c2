"""What somebody is to be told: a row for each person, kept until it was sent and for a while after.

A mail holds the notices of one person. Its row is made before it is sent, so that a worker's death loses none.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from projects.models.bulk import BulkRun
from projects.models.consents import DataConsent
from projects.models.core import Project, ProjectRequest
from provisioning.models import KeepsPhrases


class Sending(KeepsPhrases):
    """Something that goes out: sent, given up, or to be tried (again) at `next_try_at`."""

    made_at = models.DateTimeField(default=timezone.now)
    next_try_at = models.DateTimeField(default=timezone.now)
    tries = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)
    why = models.TextField(blank=True, help_text="Why it was not sent at the last try.")

    class Meta:
        abstract = True


class Mailing(Sending):
    """One mail to one person."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mailings")
    message_id = models.CharField(max_length=300, unique=True, help_text="The same when it has to be sent again.")

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["next_try_at"], name="mailing_due", condition=Q(sent_at=None, given_up_at=None)),
        ]

    def __str__(self) -> str:
        return self.message_id


class Notice(KeepsPhrases):
    """One sentence for one person. It gives no right: whether the person may still see the thing is asked again."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=40)
    text = models.TextField()
    request = models.ForeignKey(ProjectRequest, on_delete=models.CASCADE, related_name="notices", null=True, blank=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="notices", null=True, blank=True)
    consent = models.ForeignKey(DataConsent, on_delete=models.CASCADE, related_name="notices", null=True, blank=True)
    run = models.ForeignKey(BulkRun, on_delete=models.CASCADE, related_name="notices", null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    mail_at = models.DateTimeField(null=True, blank=True, help_text="Not mailed before; never when empty.")
    mailing = models.ForeignKey(Mailing, on_delete=models.SET_NULL, related_name="notices", null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True, help_text="When the person marked it as read.")

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["person", "-id"], name="notice_by_person"),
            models.Index(
                fields=["mail_at"],
                name="notice_to_mail",
                condition=Q(mailing=None, sent_at=None, mail_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.person_id}"


class EndTold(models.Model):
    """Owners were told of an end date, so and so many days before it: once for each date."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="ends_told")
    expires = models.DateField()
    days = models.PositiveSmallIntegerField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "ends told"
        constraints = [models.UniqueConstraint(fields=["project", "expires", "days"], name="end_told_once")]

    def __str__(self) -> str:
        return f"{self.project_id}, {self.days} days before {self.expires}"
