"""Saying yes, no, or taking it back: what becomes of a request that waits for a person.

The right is checked again under the request's lock, so that who lost it meanwhile decides nothing.
"""

from typing import TYPE_CHECKING

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from projects import permissions
from projects.errors import Conflict, Fault, InvalidSpec, NotAllowed, NotFound
from projects.granting import audited_by, check_present, grant
from projects.installation import Installation
from projects.models import Decision, Door, Project, ProjectRequest, RegisteredRepository
from provisioning.spec import ProjectSpec

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)


def approve(
    request: ProjectRequest, *, by: "Person", door: Door, installation: Installation, comment: str = ""
) -> ProjectRequest:
    """Say yes. The spec is checked again as it is now: what was asked may no longer fit.

    Raises NotFound, NotAllowed (also for one's own request), Conflict when it was decided or overtaken, InvalidSpec.
    """
    with audited_by(by=by, door=door), transaction.atomic():
        request = _open_request(request, by=by)
        project = None
        if request.project_id is not None:
            project = Project.objects.select_for_update().get(pk=request.project_id)
            check_present(project, expected=None)
            if project.generation != request.base_generation:
                raise Conflict("The project was changed after this was asked. Ask again from its present state.")
        spec = ProjectSpec.model_validate(request.after) if request.after is not None else None
        if spec is not None and spec.plan not in installation.catalogue.plans:
            raise Conflict(f"The plan {spec.plan} is no longer offered. Reject this and ask for another plan.")
        request.decided_by_id, request.comment = by.pk, comment
        try:
            with transaction.atomic():
                grant(request, spec=spec, team=request.team, installation=installation, project=project)
        except IntegrityError as error:
            raise Conflict(f"The name {request.slug} was given to somebody else in between.") from error
    log.info("decided", decision="approved", request=request.pk, slug=request.slug)
    return request


def reject(request: ProjectRequest, *, by: "Person", door: Door, comment: str) -> ProjectRequest:
    """Say no, with a reason. Raises NotFound, NotAllowed, Conflict when it was decided already."""
    if not comment.strip():
        raise InvalidSpec(
            [Fault(path=("comment",), code="missing", message="Say why, so that the team knows what to change.")]
        )
    return _close(request, by=by, door=door, decision=Decision.REJECTED, comment=comment)


def withdraw(request: ProjectRequest, *, by: "Person", door: Door) -> ProjectRequest:
    """Take a request back before it is decided. Raises NotFound, NotAllowed, Conflict."""
    if not permissions.visible_requests(by).filter(pk=request.pk).exists():
        raise NotFound
    if not permissions.may_withdraw(by, request):
        raise NotAllowed("Only who asked, or an owner of the project, can take this request back.")
    with audited_by(by=by, door=door), transaction.atomic():
        request = ProjectRequest.objects.select_for_update().get(pk=request.pk)
        _check_pending(request)
        request.decision, request.decided_at, request.decided_by_id = Decision.WITHDRAWN, timezone.now(), by.pk
        request.save(update_fields=["decision", "decided_at", "decided_by"])
    return request


def _check_pending(request: ProjectRequest) -> None:
    if request.decision != Decision.PENDING:
        raise Conflict(f"This request is {Decision(request.decision).label} already.")


def _open_request(request: ProjectRequest, *, by: "Person") -> ProjectRequest:
    if not permissions.visible_requests(by).filter(pk=request.pk).exists():
        raise NotFound
    request = ProjectRequest.objects.select_for_update(of=("self",)).select_related("team").get(pk=request.pk)
    if not permissions.may_decide(by, request):
        raise NotAllowed("Only the platform team decides about requests, and nobody about their own.")
    _check_pending(request)
    return request


def _close(request: ProjectRequest, *, by: "Person", door: Door, decision: Decision, comment: str) -> ProjectRequest:
    with audited_by(by=by, door=door), transaction.atomic():
        request = _open_request(request, by=by)
        request.decision, request.decided_at, request.decided_by_id = decision, timezone.now(), by.pk
        request.comment = comment
        request.save(update_fields=["decision", "decided_at", "decided_by", "comment"])
        if request.commit:
            # Who asked by a commit reads the answer there.
            RegisteredRepository.objects.filter(seen_commit=request.commit).update(look_at=timezone.now())
    log.info("decided", decision=decision.value, request=request.pk, slug=request.slug)
    return request
