"""Skipping one Kind of one project: the way out when a resource can't be mended soon and its tries only disturb.

Nothing outside changes. The resource says who skipped it and why; everything else of the project goes on.
"""

from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from projects import permissions
from projects.audit import audited
from projects.dates import short_moment
from projects.doorbell import ring_project
from projects.errors import Conflict, Fault, InvalidSpec, NotAllowed, NotFound
from projects.locks import hold_project
from projects.models import Door, Project, SkippedKind
from projects.phrases import say
from provisioning.kind import kinds

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)


def skip(project: Project, kind: str, *, by: "Person", door: Door, because: str) -> SkippedKind:
    """Look no more at this Kind of the project. Only the platform team; said twice, the first reason stays.

    Raises NotFound, NotAllowed, Conflict during a removal, InvalidSpec for an unknown Kind or without a reason.
    """
    _check(project, by=by)
    faults = []
    if kind not in kinds():
        known = ", ".join(kinds())
        faults.append(
            Fault(
                path=("kind",),
                code="unknown_kind",
                message=say("There is no Kind %(kind)s. Kinds: %(known)s.", kind=kind, known=known),
            )
        )
    if not because.strip():
        faults.append(Fault(path=("because",), code="missing", message=say("Say why, for those who find it skipped.")))
    if faults:
        raise InvalidSpec(faults)
    with audited(actor=by.username, door=door, because=because.strip()), transaction.atomic():
        project = hold_project(project.pk)
        if project.deletion_requested_at is not None:
            raise Conflict(say("%(slug)s is being removed, and a removal leaves no Kind out.", slug=project.slug))
        row, made = SkippedKind.objects.get_or_create(
            project=project, kind=kind, defaults={"because": because.strip(), "by_name": by.username}
        )
        _ring(project)
    if made:
        log.info("skipped", slug=project.slug, kind=kind)
    return row


def look_at_again(project: Project, kind: str, *, by: "Person", door: Door, because: str) -> bool:
    """End the skipping; the next look puts right what moved meanwhile. False when the Kind was not skipped.

    because: why, for the history. Raises NotFound, NotAllowed.
    """
    _check(project, by=by)
    with audited(actor=by.username, door=door, because=because.strip()), transaction.atomic():
        hold_project(project.pk)
        ended, _ = SkippedKind.objects.filter(project=project, kind=kind).delete()
        _ring(project)
    return bool(ended)


def told(row: SkippedKind) -> str:
    """What the resource says meanwhile, in the reader's language and time zone."""
    said = gettext("Nobody has looked at it since %(since)s: %(who)s skipped it. %(because)s")
    return said % {"since": short_moment(row.since), "who": row.by_name, "because": row.because}


def _check(project: Project, *, by: "Person") -> None:
    if not permissions.may_see(by, project):
        raise NotFound
    if not permissions.is_platform_admin(by):
        raise NotAllowed(say("Only the platform team skips a resource."))


def _ring(project: Project) -> None:
    Project.objects.filter(pk=project.pk, deleted_at=None).update(next_look_at=timezone.now())
    ring_project(project.pk)
