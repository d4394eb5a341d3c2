"""Taking in what a project's CI reports, once, and noting that the forge is to be told.

Nothing is asked outside: the worker says it on the forge (`projects.feedback`). What a project may keep here is
bounded, so that a pipeline that runs wild fills no disk.
"""

from datetime import datetime, timedelta

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Max, Q
from django.utils import timezone

from projects import model_history
from projects.audit import audited
from projects.doorbell import ring
from projects.errors import Conflict
from projects.models import Delivery, Door, Feedback, Plot, Project, Report
from projects.report_body import ReportIn
from projects.training import came_to

log = structlog.get_logger(__name__)

TELL = "projects.feedback_tasks.tell"
KEPT = 1000
"""Reports of a project from pull requests, and as many from branches; the oldest go, but for what the gate needs and
what trainings came to."""
TOLD_ANEW = 100
"""Pull requests that a report of a branch has told anew at most, the newest."""
OF_MAIN = 100
"""Reports of the default branch that stay however many other branches report: a gate without a base holds less."""
WITH_PLOTS = 20
"""Reports of a project whose plots are kept."""
AFTER_REMOVAL = timedelta(days=90)
"""How long those of a removed project stay whose bucket and repository were kept."""


def take_in(project: Project, said: ReportIn) -> tuple[Report, bool]:
    """The report as a row, and whether it is new. Raises Conflict when this commit and run said something else."""
    with audited(actor="ci", door=Door.API), transaction.atomic():
        known = _known(project, said)
        if known is None:
            try:
                with transaction.atomic():
                    made = _make(project, said)
            except IntegrityError:
                # Sent twice at the same time.
                known = _known(project, said)
                if known is None:
                    raise
            else:
                came_to(made)
                _to_be_told(made)
                _tell_beside(made)
                _forget(made)
                log.info("reported", slug=project.slug, commit=made.commit[:10], metrics=len(made.metrics))
                return made, True
        if known.digest != said.digest():
            raise Conflict(
                f"Run {said.run} has reported something else about {said.commit[:10]} before. "
                "A report is never changed: send it under another run."
            )
        return known, False


def _known(project: Project, said: ReportIn) -> Report | None:
    return Report.objects.filter(project=project, commit=said.commit, run=said.run).first()


def _make(project: Project, said: ReportIn) -> Report:
    made = Report.objects.create(
        project=project,
        commit=said.commit,
        branch=said.branch,
        pull_request=said.pull_request,
        run=said.run,
        run_url=said.run_url or "",
        metrics=[one.model_dump(mode="json") for one in said.metrics],
        data_hash=said.data_hash or "",
        environment_hash=said.environment_hash or "",
        tests=said.tests.model_dump(mode="json") if said.tests else {},
        reproduced=said.reproduced,
        digest=said.digest(),
        commit_at=_came(project, said),
    )
    Plot.objects.bulk_create(
        Plot(report=made, name=one.name, media_type=one.media_type, content=one.decoded()) for one in said.plots
    )
    return made


def _came(project: Project, said: ReportIn) -> datetime:
    """When the commit came to its branch: as the forge told of the push, or else when it first reported, if not now."""
    pushes = Delivery.objects.filter(repository__project=project, commit=said.commit, pull_request=None)
    known = model_history.of_branch(project, said.branch).filter(commit=said.commit)
    pushed, before = pushes.aggregate(last=Max("received_at")), known.aggregate(last=Max("commit_at"))
    return max((one for one in (pushed["last"], before["last"]) if one is not None), default=timezone.now())


def _to_be_told(report: Report) -> None:
    """Have the forge told. Of several reports about one pull request, or one commit of a branch, the newest counts."""
    on_branch = report.pull_request is None
    row, made = Feedback.objects.select_for_update().get_or_create(
        project_id=report.project_id,
        pull_request=report.pull_request,
        branch=report.branch if on_branch else "",
        commit=report.commit if on_branch else "",
        defaults={"report": report, "look_at": timezone.now()},
    )
    if not made:
        # A report with a smaller number may be written later, and be the one about the head: it is looked at too.
        row.report_id, row.look_at, row.tries = max(row.report_id, report.pk), timezone.now(), 0
        row.save(update_fields=["report", "look_at", "tries"])
    ring(TELL, row.pk)


def _tell_beside(report: Report) -> None:
    """Have pull requests told anew that were told without this report of a branch, and should have been beside it: it
    is of the commit that they left from, or the first about their base's on their own data, or the first of the branch
    that they go to.

    Those that are being told look again too, as they may have looked before this one was there.
    """
    if report.pull_request is not None:
        return
    rows = Feedback.objects.filter(project=report.project_id, pull_request__isnull=False, closed=False)
    alone = Q(told__isnull=False, told__base=None, base_branch__in=("", report.branch))
    left_here = Q(told__isnull=False, merge_base=report.commit) & ~Q(told__base__commit=report.commit)
    on_its_data = Q(told__base__commit=report.commit, told__data_hash=report.data_hash)
    on_its_data &= ~Q(told__base__data_hash=report.data_hash)
    found = rows.filter(alone | left_here | on_its_data | Q(lease_until__isnull=False) | Q(look_at__isnull=False))
    ids = list(found.order_by("-report_id").values_list("pk", flat=True)[:TOLD_ANEW])
    for row in Feedback.objects.select_for_update().filter(pk__in=ids, look_at=None).order_by("pk"):
        row.look_at, row.tries = timezone.now(), 0
        row.save(update_fields=["look_at", "tries"])
        ring(TELL, row.pk)


def head_seen(project: Project, number: int, *, head: str, base_branch: str) -> bool:
    """A pull request was seen to offer this commit to this branch: have its comment and gate say so, where they speak
    of another one, or of one that is closed.

    False, and nothing done, for one without a report.
    """
    with transaction.atomic():
        row = Feedback.objects.select_for_update().filter(project=project, pull_request=number).first()
        if row is None:
            return False
        if (row.head, row.base_branch) != (head, base_branch) or row.closed:
            row.look_at = timezone.now()
            row.save(update_fields=["look_at"])
            ring(TELL, row.pk)
    return True


def feedback_about(report: Report) -> Feedback | None:
    """What the forge is told of a report's pull request, or of its commit on a branch; None when that isn't known."""
    rows = Feedback.objects.filter(project_id=report.project_id, pull_request=report.pull_request)
    if report.pull_request is None:
        rows = rows.filter(branch=report.branch, commit=report.commit)
    return rows.first()


def _forget(report: Report) -> None:
    """Let go of what is beyond what a project may keep."""
    rows = Report.objects.filter(project_id=report.project_id)
    alike = rows.filter(pull_request__isnull=report.pull_request is None)
    oldest = list(alike.order_by("-pk").values_list("pk", flat=True)[KEPT : KEPT + 1])
    if oldest:
        of_main = list(model_history.of_main(report.project).values_list("pk", flat=True)[:OF_MAIN])
        bases = rows.filter(base__isnull=False).values("base")
        # One that came of a training goes after that: without it the training would seem to have sent none.
        over = alike.filter(pk__lte=oldest[0], training=None)
        over.exclude(pk__in=of_main).exclude(pk__in=bases).delete()
    plots = Plot.objects.filter(report__project=report.project_id)
    with_plots = list(plots.order_by("-report").values_list("report", flat=True).distinct()[:WITH_PLOTS])
    plots.exclude(report__in=with_plots).delete()


def forget_removed() -> None:
    """Let go of the reports of removed projects: at once where their data was to go too, else after AFTER_REMOVAL."""
    over = Q(project__remove_data=True) | Q(project__deleted_at__lt=timezone.now() - AFTER_REMOVAL)
    Report.objects.filter(over, project__deleted_at__isnull=False).delete()
