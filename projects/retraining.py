"""Training again by itself: whose time has come, and whose data has changed.

Plans follow the projects' options round by round, so a change by form, API or profile.yaml counts within a minute. What
was missed in an outage happens once. A change of the data counts when two looks find the same: an upload that goes on
is not trained half. Where it goes on and on, it is trained as it is after LONGEST_CHANGE; where it rests again and
again, one training comes LEAST after the other.

While a project rests nothing is asked for: its times pass, and a change of its data counts once it is resumed.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from pydantic import ValidationError

from projects.installation import Installation
from projects.models import Project, TrainingAsked, TrainingPlan
from projects.phrases import as_kept
from projects.readable import fields_of
from projects.rounds import alone
from projects.training import Because, note
from projects.wishes import NoWish, present_wish
from provisioning.conditions import Status
from provisioning.errors import ProvisioningError
from provisioning.kinds.retrain import RetrainOptions
from provisioning.models import Resource
from provisioning.phrases import phrase
from provisioning.schedule import following

log = structlog.get_logger(__name__)

LONGEST_CHANGE = timedelta(hours=1)
"""A folder that never comes to rest is trained this long after its last training."""
LEAST = timedelta(hours=1)
"""From one training by data to the next. Data that comes file by file rests between any two, and a run that writes into
the watched folder itself would start the next one without end."""


def follow_schedules() -> None:
    """Bring every plan in line with its project's options, and ask for the trainings whose time has come."""
    with alone("training-schedules") as mine:
        if mine:
            _follow_options()
            _ask_in_time(timezone.now())


def _follow_options() -> None:
    chosen_by = {project: options for project in _with_options() if (options := options_of(project)) is not None}
    TrainingPlan.objects.exclude(project__in=chosen_by).delete()
    for project, chosen in chosen_by.items():
        plan = getattr(project, "training_plan", None) or TrainingPlan(project=project)
        before = (plan.schedule, plan.time_zone, plan.data)
        now = (chosen.schedule or "", chosen.time_zone, chosen.data or "")
        if plan.pk is not None and before == now:
            continue
        plan.schedule, plan.time_zone, plan.data = now
        if before[:2] != now[:2]:
            plan.next_at = _next(plan, after=timezone.now())
        if before[2] != now[2]:
            plan.data_seen = plan.data_moving = plan.data_unseen = ""
            plan.data_moving_since = plan.data_unseen_since = None
        plan.save()


def _with_options() -> QuerySet[Project]:
    """Projects that say something about training again, but for those that go."""
    here = Project.objects.filter(deletion_requested_at=None)
    return here.filter(spec__options__has_key="retrain").select_related("training_plan")


def options_of(project: Project) -> RetrainOptions | None:
    """What the project chose; None for nothing, and for what this version can't read: others go on."""
    try:
        chosen = RetrainOptions.model_validate(fields_of(project).options.get("retrain", {}))
    except ValidationError as error:
        log.error("retrain_unreadable", project=project.slug, faults=error.error_count())
        return None
    return chosen if chosen.anything else None


def _ask_in_time(now: datetime) -> None:
    for pk in TrainingPlan.objects.filter(next_at__lte=now).values_list("pk", flat=True):
        with transaction.atomic():
            plan = TrainingPlan.objects.select_for_update(of=("self",)).select_related("project").get(pk=pk)
            due = plan.next_at
            if due is None or due > now:
                continue
            # Whatever was missed meanwhile is this one training; the next is in the future.
            if not plan.project.suspended:
                note(plan.project, because=Because.SCHEDULE, cause=f"{due:%Y-%m-%d %H:%M} UTC")
            plan.next_at = _next(plan, after=now)
            plan.save(update_fields=["next_at"])


def _next(plan: TrainingPlan, *, after: datetime) -> datetime | None:
    """When its time comes next; None without a schedule, or with one that this version can't read."""
    if not plan.schedule:
        return None
    try:
        return following(plan.schedule, zone=plan.time_zone, after=after)
    except (ValueError, StopIteration):
        log.warning("schedule_unreadable", project=plan.project_id, schedule=plan.schedule)
        return None


def follow_data(*, installation: Installation, open_client: Callable[[str], Any]) -> None:
    """Look at the watched folders, and ask for a training where one has changed and is at rest again."""
    with alone("training-data") as mine:
        if not mine:
            return
        ready = Resource.objects.filter(kind="bucket", ready_status=Status.TRUE).values("project")
        plans = TrainingPlan.objects.exclude(data="").filter(project__in=ready, project__deletion_requested_at=None)
        for plan in plans.filter(project__suspended=False).select_related("project__team"):
            try:
                _look_at_data(plan, installation=installation, open_client=open_client)
            except (ProvisioningError, NoWish) as error:
                log.warning("data_unseen", project=plan.project.slug, error=error.message)
                since = plan.data_unseen_since or timezone.now()
                how = as_kept(data_unseen=error.message)
                _keep(plan, data_unseen=error.message[:500], data_unseen_since=since, phrases=how)


def _look_at_data(plan: TrainingPlan, *, installation: Installation, open_client: Callable[[str], Any]) -> None:
    wish = present_wish(plan.project, settings=installation)
    found = open_client(wish.object_store.name).folder_state(wish.names.bucket, plan.data)
    if found is None:
        return
    # At the first look: what lies there was there before anybody wanted it watched.
    seen, moving, since = plan.data_seen or found, "", None
    if found != seen:
        since = plan.data_moving_since or timezone.now()
        at_rest = found == plan.data_moving or timezone.now() - since >= LONGEST_CHANGE
        cause = phrase("%(folder)s in %(bucket)s", folder=plan.data, bucket=wish.names.bucket)
        if at_rest and not _lately(plan) and note(plan.project, because=Because.DATA, cause=cause) is not None:
            seen, since = found, None
        else:
            moving = found
    _keep(plan, data_seen=seen, data_moving=moving, data_moving_since=since, data_unseen="", data_unseen_since=None)


def _lately(plan: TrainingPlan) -> bool:
    """Was a training by data asked for less than LEAST ago, whatever came of it?"""
    asked = TrainingAsked.objects.filter(project=plan.project_id, because=Because.DATA)
    return asked.filter(made_at__gt=timezone.now() - LEAST).exists()


def _keep(plan: TrainingPlan, **found: Any) -> None:
    """Note what a look found, but not on a plan whose folder was changed meanwhile."""
    TrainingPlan.objects.filter(pk=plan.pk, data=plan.data).update(**found)
