"""Requests that wait too long: approvers are reminded after some working hours, and later others are asked as well.

Each happens once for a revision, whatever comes twice: the row that says so is written with what it tells of.
"""

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Max

from projects import permissions
from projects.audit import audited
from projects.installation import Installation
from projects.models import Decision, Door, ProjectRequest, Reminder
from projects.notices import announce
from projects.working_hours import hours_between

log = structlog.get_logger(__name__)


def remind(*, installation: Installation, now: datetime) -> int:
    """Remind and escalate what is due at `now`. Returns for how many requests something was done."""
    waiting = ProjectRequest.objects.filter(decision=Decision.PENDING, asked_back_at=None)
    done = 0
    for pk in waiting.order_by("pk").values_list("pk", flat=True):
        with audited(actor="slipway", door=Door.SYSTEM), transaction.atomic():
            done += _look(pk, installation=installation, now=now)
    return done


def _look(pk: int, *, installation: Installation, now: datetime) -> bool:
    held = ProjectRequest.objects.select_for_update(of=("self",), skip_locked=True)
    request = held.filter(pk=pk, decision=Decision.PENDING, asked_back_at=None).first()
    if request is None:
        return False
    rules = installation.catalogue.decisions
    waited = hours_between(_since(request), now, calendar=rules.working_hours)
    if waited < rules.remind_after:
        return False
    done = False
    text = f"{request.slug}: {request.requested_by_name} has waited {waited:.0f} working hours for a decision."
    if _first(request, Reminder.Kind.REMINDED):
        announce("reminder", to=permissions.deciders_of(request), text=text, request=request)
        done = True
    if waited >= rules.escalate_after and _first(request, Reminder.Kind.ESCALATED):
        request.approvers = list(dict.fromkeys([*request.approvers, *rules.escalate_to]))
        request.save(update_fields=["approvers"])
        announce("escalation", to=permissions.deciders_of(request), text=text, request=request)
        log.info("escalated", request=request.pk, approvers=request.approvers)
        done = True
    return done


def _since(request: ProjectRequest) -> datetime:
    """Since when it waits for who decides: asked, put in other words, or answered by the asker."""
    authors = permissions.authors_of(request)
    revised = request.revisions.aggregate(at=Max("at"))["at"]
    answered = request.comments.filter(by__in=authors).aggregate(at=Max("at"))["at"]
    return max(moment for moment in (request.created_at, revised, answered) if moment is not None)


def _first(request: ProjectRequest, kind: Reminder.Kind) -> bool:
    _, made = Reminder.objects.get_or_create(request=request, revision=request.revision, kind=kind)
    return made
