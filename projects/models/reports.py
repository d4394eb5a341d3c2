"""What a project's CI reports about its model, and what we say about it on the forge.

What CI said never changes: the same commit and run sent again is the same row. `Feedback` is the queue of what is to be
said: one row for each pull request, or for each commit of a branch, so that a newer report takes the place of one not
yet told. A branch has no row of its own: each of its commits has a status, also where two runs end at the same time.
"""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from projects.models.core import Project
from provisioning.models import KeepsPhrases

_CLOSED = "The pull request is closed."


class Report(models.Model):
    """One run's numbers. `metrics` and `tests` are lists and figures as `projects.report_body` checked them."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="reports")
    commit = models.CharField(max_length=64)
    branch = models.CharField(max_length=200)
    pull_request = models.PositiveIntegerField(null=True, blank=True)
    run = models.CharField(max_length=200)
    run_url = models.CharField(max_length=500, default="", blank=True)
    metrics = models.JSONField(default=list)
    data_hash = models.CharField(max_length=128, default="", blank=True)
    environment_hash = models.CharField(max_length=128, default="", blank=True)
    tests = models.JSONField(default=dict)
    reproduced = models.BooleanField(null=True, blank=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of what was sent: the same again is no other report.")
    received_at = models.DateTimeField(default=timezone.now)
    commit_at = models.DateTimeField(
        default=timezone.now,
        help_text="When its commit came to the branch: pushed, as the forge told, or else first reported.",
    )
    base = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        help_text="What the forge was told it beside, but for the default branch. Empty until then.",
    )
    told_alone = models.BooleanField(
        default=False, help_text="The forge was told of it on its pull request, beside nothing: there was no base."
    )

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "commit", "run"], name="report_once_per_commit_and_run")
        ]
        indexes = [
            models.Index(fields=["project", "-id"], name="report_by_project"),
            models.Index(fields=["project", "branch", "-id"], name="report_by_branch", condition=Q(pull_request=None)),
            models.Index(
                fields=["project", "branch", "-commit_at", "-id"],
                name="report_by_commit",
                condition=Q(pull_request=None),
            ),
            models.Index(fields=["project", "pull_request", "-id"], name="report_by_pull_request"),
        ]

    def __str__(self) -> str:
        return f"{self.commit[:10]}, run {self.run}"


class Plot(models.Model):
    """A picture of a report. Its first bytes were checked to be those of its media type."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="plots")
    name = models.CharField(max_length=100)
    media_type = models.CharField(max_length=20)
    content = models.BinaryField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["report", "name"], name="plot_once_per_name"),
            models.CheckConstraint(condition=Q(media_type__in=["image/png", "image/jpeg"]), name="plot_is_a_picture"),
        ]

    def __str__(self) -> str:
        return self.name


class Feedback(KeepsPhrases):
    """What the forge is to be told about a pull request, or about a commit of a branch.

    Due when `look_at` has come and nobody holds the lease. A report that comes in sets `report` and `look_at`; a push
    to the pull request, another branch to go to, or a report that it should have been told beside, sets `look_at`.
    """

    CLOSED = _CLOSED
    """`why`, where nothing is wrong: nobody was left to tell of the newest report."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="feedback")
    pull_request = models.PositiveIntegerField(null=True, blank=True)
    branch = models.CharField(max_length=200, default="", blank=True, help_text="Empty for a pull request.")
    commit = models.CharField(max_length=64, default="", blank=True, help_text="Empty for a pull request.")
    head = models.CharField(
        max_length=64,
        default="",
        blank=True,
        help_text="What the pull request offers, as the forge said when it was last told. Empty: not told yet.",
    )
    base_branch = models.CharField(
        max_length=255, default="", blank=True, help_text="Where the pull request went then. Empty: not told yet."
    )
    merge_base = models.CharField(
        max_length=64, default="", blank=True, help_text="The commit that it left that branch at, where the forge said."
    )
    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="+", help_text="The newest.")
    told = models.ForeignKey(Report, on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    comment_id = models.BigIntegerField(null=True, blank=True, help_text="Our comment's number at the forge.")
    look_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    why = models.TextField(default="", blank=True, help_text="What kept us from telling it at the last try.")
    # Processes of the version before write rows without these two while an update goes on.
    closed = models.BooleanField(default=False, db_default=False, help_text="The pull request was seen closed.")
    held_by = models.TextField(
        default="",
        db_default="",
        blank=True,
        help_text="What shut the gate then, though this pull request would open it: another one with the same commit.",
    )

    class Meta:
        verbose_name_plural = "feedback"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "pull_request", "branch", "commit"], name="feedback_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(pull_request=None, branch__gt="", commit__gt="")
                | Q(pull_request__isnull=False, branch="", commit=""),
                name="feedback_on_a_pull_request_or_a_commit",
            ),
        ]
        indexes = [
            models.Index(fields=["look_at"], name="feedback_due", condition=Q(look_at__isnull=False)),
            # Few rows: what a forge refused for good.
            models.Index(
                fields=["project"],
                name="feedback_refused",
                condition=Q(look_at=None) & ~Q(why__in=["", _CLOSED]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project_id}: {self.pull_request or self.commit[:10]}"
