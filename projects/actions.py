"""What people can do with projects: ask, decide, withdraw, look again. Every write of the domain goes through here.

Each action checks the right first, decides by the catalogue's policy, and records request, decision and new generation
in one transaction; the doorbell rings after it. Nothing outside is touched here.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone

from projects import permissions
from projects.audit import audited
from projects.contributors import set_memberships
from projects.doorbell import ring_project
from projects.errors import Conflict, Fault, InvalidSpec, NotAllowed, NotFound, StaleGeneration
from projects.installation import Installation
from projects.models import (
    Action,
    Decision,
    Door,
    Project,
    ProjectRequest,
    RegisteredRepository,
    Team,
    spec_as_json,
)
from projects.policy import Question, Verdict, decide, units_of
from projects.preview import Preview, plan_of
from projects.spec import read_spec, taken_sentence
from provisioning.models import Resource
from provisioning.spec import ProjectSpec

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Asked:
    """What came of asking: the preview always; request and project unless it was a dry run or nothing differs."""

    preview: Preview
    request: ProjectRequest | None = None
    project: Project | None = None

    @property
    def unchanged(self) -> bool:
        """True when the project is already wanted exactly so."""
        return self.request is None and self.project is not None


def create(
    data: Any,
    *,
    by: "Person",
    door: Door,
    installation: Installation,
    note: str = "",
    commit: str = "",
    dry_run: bool = False,
) -> Asked:
    """Ask for a new project. Raises InvalidSpec with every fault; a taken name is one of them."""
    spec, team = read_spec(data, installation=installation, by=by)
    with _audited(by=by, door=door), transaction.atomic():
        verdict, free = _verdict(
            Action.CREATE, before=None, after=spec, team=team, installation=installation, lock=not dry_run
        )
        preview = _preview(installation, after=spec, before=None, verdict=verdict, free=free)
        if dry_run:
            return Asked(preview=preview)
        _refuse_if(verdict)
        try:
            with transaction.atomic():
                request = ProjectRequest.objects.create(
                    slug=spec.slug,
                    team=team,
                    action=Action.CREATE,
                    door=door,
                    requested_by_id=by.pk,
                    requested_by_name=by.username,
                    after=spec_as_json(spec),
                    rule=verdict.rule,
                    because=verdict.because,
                    note=note,
                    commit=commit,
                )
                project = (
                    _grant(request, spec=spec, team=team, installation=installation)
                    if verdict.decision == "approve"
                    else None
                )
        except IntegrityError as error:
            # Two asked at the same moment: the database let one through.
            taken = Fault(path=("slug",), code="taken", message=taken_sentence(spec.slug))
            raise InvalidSpec([taken]) from error
    log.info("asked", action="create", slug=spec.slug, door=door.value, decision=verdict.decision, rule=verdict.rule)
    return Asked(preview=preview, request=request, project=project)


def change(
    project: Project,
    data: Any,
    *,
    by: "Person",
    door: Door,
    installation: Installation,
    expected: int | None = None,
    note: str = "",
    commit: str = "",
    dry_run: bool = False,
) -> Asked:
    """Ask for the whole spec to become `data`. `expected` is the generation the asker read, None to skip that check.

    Raises NotFound, NotAllowed, InvalidSpec, StaleGeneration, or Conflict for a project that is being removed.
    """
    _check_seen(by, project)
    if not permissions.may_change(by, project):
        raise NotAllowed(f"Only owners of {project.slug} and the platform team may change it. Ask an owner.")
    spec, team = read_spec(data, installation=installation, by=by, project=project)
    with _audited(by=by, door=door), transaction.atomic():
        project = Project.objects.select_for_update().get(pk=project.pk)
        _check_present(project, expected=expected)
        before, uid = project.wanted(), str(project.uid)
        verdict, free = _verdict(
            Action.CHANGE, before=before, after=spec, team=team, installation=installation, lock=not dry_run
        )
        preview = _preview(installation, after=spec, before=before, verdict=verdict, free=free, uid=uid)
        if dry_run:
            return Asked(preview=preview)
        if spec == before:
            return Asked(preview=preview, project=project)
        _refuse_if(verdict)
        _replace_pending(project)
        request = ProjectRequest.objects.create(
            project=project,
            slug=project.slug,
            team=team,
            action=Action.CHANGE,
            door=door,
            requested_by_id=by.pk,
            requested_by_name=by.username,
            before=project.spec,
            after=spec_as_json(spec),
            base_generation=project.generation,
            rule=verdict.rule,
            because=verdict.because,
            note=note,
            commit=commit,
        )
        if verdict.decision == "approve":
            _grant(request, spec=spec, team=team, installation=installation, project=project)
    log.info("asked", action="change", slug=project.slug, door=door.value, decision=verdict.decision, rule=verdict.rule)
    return Asked(preview=preview, request=request, project=project)


def retire(
    project: Project,
    *,
    by: "Person",
    door: Door,
    installation: Installation,
    expected: int | None = None,
    remove_data: bool = False,
    typed_name: str = "",
    note: str = "",
    dry_run: bool = False,
) -> Asked:
    """Ask for a project's removal. Data goes only with `remove_data`, and then the name must have been typed.

    Raises NotFound, NotAllowed, StaleGeneration, or Conflict when it is being removed already.
    """
    _check_seen(by, project)
    if not permissions.may_retire(by, project):
        raise NotAllowed(f"Only owners of {project.slug} and the platform team may retire it. Ask an owner.")
    if remove_data and typed_name != project.slug:
        message = f"To remove bucket and repository with all they hold, confirm with the name {project.slug}."
        raise InvalidSpec([Fault(path=("confirm",), code="not_confirmed", message=message)])
    with _audited(by=by, door=door), transaction.atomic():
        project = Project.objects.select_for_update().select_related("team").get(pk=project.pk)
        _check_present(project, expected=expected)
        before, team = project.wanted(), project.team
        verdict, free = _verdict(
            Action.RETIRE, before=before, after=None, team=team, installation=installation, lock=False
        )
        preview = _preview(installation, after=None, before=before, verdict=verdict, free=free, uid=str(project.uid))
        if dry_run:
            return Asked(preview=preview)
        _refuse_if(verdict)
        _replace_pending(project)
        request = ProjectRequest.objects.create(
            project=project,
            slug=project.slug,
            team=team,
            action=Action.RETIRE,
            door=door,
            requested_by_id=by.pk,
            requested_by_name=by.username,
            before=project.spec,
            remove_data=remove_data,
            base_generation=project.generation,
            rule=verdict.rule,
            because=verdict.because,
            note=note,
        )
        if verdict.decision == "approve":
            _grant(request, spec=None, team=team, installation=installation, project=project)
    log.info("asked", action="retire", slug=project.slug, door=door.value, decision=verdict.decision, rule=verdict.rule)
    return Asked(preview=preview, request=request, project=project)


def approve(
    request: ProjectRequest, *, by: "Person", door: Door, installation: Installation, comment: str = ""
) -> ProjectRequest:
    """Say yes. The spec is checked again as it is now: what was asked may no longer fit.

    Raises NotFound, NotAllowed (also for one's own request), Conflict when it was decided or overtaken, InvalidSpec.
    """
    with _audited(by=by, door=door), transaction.atomic():
        request = _open_request(request, by=by)
        project = None
        if request.project_id is not None:
            project = Project.objects.select_for_update().get(pk=request.project_id)
            _check_present(project, expected=None)
            if project.generation != request.base_generation:
                raise Conflict("The project was changed after this was asked. Ask again from its present state.")
        spec = ProjectSpec.model_validate(request.after) if request.after is not None else None
        if spec is not None and spec.plan not in installation.catalogue.plans:
            raise Conflict(f"The plan {spec.plan} is no longer offered. Reject this and ask for another plan.")
        request.decided_by_id, request.comment = by.pk, comment
        try:
            with transaction.atomic():
                _grant(request, spec=spec, team=request.team, installation=installation, project=project)
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
    with _audited(by=by, door=door), transaction.atomic():
        request = ProjectRequest.objects.select_for_update().get(pk=request.pk)
        _check_pending(request)
        request.decision, request.decided_at, request.decided_by_id = Decision.WITHDRAWN, timezone.now(), by.pk
        request.save(update_fields=["decision", "decided_at", "decided_by"])
    return request


def look_again(project: Project, *, by: "Person", kind: str | None = None) -> None:
    """Ask the engine to look at the project now, without waiting for its back-off. Raises NotFound, NotAllowed."""
    _check_seen(by, project)
    if not permissions.may_look_again(by, project):
        raise NotAllowed("Viewers can't ask for a look. Ask an owner or editor of the project.")
    with transaction.atomic():
        rows = Resource.objects.filter(project=project)
        (rows.filter(kind=kind) if kind else rows).update(failures=0)
        Project.objects.filter(pk=project.pk, deleted_at=None).update(next_look_at=timezone.now())
        ring_project(project.pk)


def suspend(project: Project, *, by: "Person", door: Door, suspended: bool) -> None:
    """Stop or resume looking at a project. Only the platform team. Raises NotFound, NotAllowed."""
    _check_seen(by, project)
    if not permissions.is_platform_admin(by):
        raise NotAllowed("Only the platform team suspends and resumes projects.")
    with _audited(by=by, door=door), transaction.atomic():
        Project.objects.filter(pk=project.pk).update(suspended=suspended, next_look_at=timezone.now())
        ring_project(project.pk)


def _audited(*, by: "Person", door: Door) -> AbstractContextManager[Any]:
    return audited(actor=by.username, door=door)


def _check_seen(by: "Person", project: Project) -> None:
    if not permissions.may_see(by, project):
        raise NotFound


def _check_present(project: Project, *, expected: int | None) -> None:
    if project.deleted_at is not None:
        raise NotFound
    if project.deletion_requested_at is not None:
        raise Conflict(f"{project.slug} is being removed. Nothing can be changed any more.")
    if expected is not None and expected != project.generation:
        now_at = f"{project.slug} was changed in between and is now at change {project.generation}."
        raise StaleGeneration(f"{now_at} Read it again, then send yours.")


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
    with _audited(by=by, door=door), transaction.atomic():
        request = _open_request(request, by=by)
        request.decision, request.decided_at, request.decided_by_id = decision, timezone.now(), by.pk
        request.comment = comment
        request.save(update_fields=["decision", "decided_at", "decided_by", "comment"])
        if request.commit:
            # Who asked by a commit reads the answer there.
            RegisteredRepository.objects.filter(seen_commit=request.commit).update(look_at=timezone.now())
    log.info("decided", decision=decision.value, request=request.pk, slug=request.slug)
    return request


def _replace_pending(project: Project) -> None:
    project.requests.filter(decision=Decision.PENDING).update(
        decision=Decision.WITHDRAWN, decided_at=timezone.now(), comment="Replaced by a newer request."
    )


def _refuse_if(verdict: Verdict) -> None:
    if verdict.decision == "refuse":
        raise InvalidSpec([Fault(path=(), code=verdict.rule, message=verdict.because)])


def _verdict(
    action: Action,
    *,
    before: ProjectSpec | None,
    after: ProjectSpec | None,
    team: Team,
    installation: Installation,
    lock: bool,
) -> tuple[Verdict, int]:
    """The policy's verdict and the team's free units without this project. `lock`: hold the budget until the commit."""
    if lock:
        team = Team.objects.select_for_update().get(pk=team.pk)
    others = team.projects.filter(deletion_requested_at=None)
    if before is not None:
        others = others.exclude(slug=before.slug)
    taken = others.aggregate(total=Sum("units"))["total"] or 0
    question = Question(action=_word_of(action), before=before, after=after, budget=team.budget, taken=taken)
    return decide(catalogue=installation.catalogue, question=question), team.budget - taken


def _word_of(action: Action) -> Literal["create", "change", "retire"]:
    words: dict[Action, Literal["create", "change", "retire"]] = {
        Action.CREATE: "create",
        Action.CHANGE: "change",
        Action.RETIRE: "retire",
    }
    return words[action]


def _preview(
    installation: Installation,
    *,
    after: ProjectSpec | None,
    before: ProjectSpec | None,
    verdict: Verdict,
    free: int,
    uid: str | None = None,
) -> Preview:
    extra: Mapping[str, str] = {"uid": uid} if uid else {}
    plan = plan_of(installation=installation, after=after, before=before, **extra)
    return replace(plan, verdict=verdict, units=units_of(after, catalogue=installation.catalogue), free_units=free)


def _grant(
    request: ProjectRequest,
    *,
    spec: ProjectSpec | None,
    team: Team,
    installation: Installation,
    project: Project | None = None,
) -> Project:
    """Make a decided request the project's newest wish: next generation, memberships, history; then ring."""
    now = timezone.now()
    if project is None:
        if spec is None:
            raise ValueError("a new project needs a spec")
        project = Project.objects.create(
            slug=spec.slug,
            team=team,
            spec=spec_as_json(spec),
            units=units_of(spec, catalogue=installation.catalogue),
            key_id=installation.key_ring.current,
            next_look_at=now,
            accepted_at=now,
        )
    else:
        project.generation += 1
        project.accepted_at = project.next_look_at = now
        project.ready_at = None
        if spec is None:
            project.deletion_requested_at, project.remove_data = now, request.remove_data
        else:
            if project.spec.get("expires") != spec_as_json(spec).get("expires"):
                # A new end date ends the suspension that the old one brought.
                project.suspended = False
            project.spec, project.units = spec_as_json(spec), units_of(spec, catalogue=installation.catalogue)
        project.save(
            update_fields=[
                "generation",
                "accepted_at",
                "next_look_at",
                "ready_at",
                "spec",
                "units",
                "deletion_requested_at",
                "remove_data",
                "suspended",
            ]
        )
        project.resources.update(failures=0)
    if spec is not None:
        set_memberships(project, spec=spec, door=Door(request.door))
    request.project, request.generation = project, project.generation
    request.decision, request.decided_at = Decision.APPROVED, now
    request.save(update_fields=["project", "generation", "decision", "decided_at", "decided_by", "comment"])
    ring_project(project.pk)
    return project
