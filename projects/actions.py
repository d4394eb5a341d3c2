"""What people can do with projects: ask for them, change them, retire them, have them looked at.

Each action checks the right first, once more when it holds the project, decides by the catalogue's policy, and records
request, decision and new generation in one transaction; the doorbell rings after it. Nothing outside is touched here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from projects import conversation, permissions, telling_again
from projects.audit import audited
from projects.consents import in_force
from projects.contributors import meaning
from projects.doorbell import ring_project
from projects.end_dates import why_not_resumed
from projects.errors import Conflict, Fault, InvalidSpec, NotAllowed
from projects.file_source import warning_of
from projects.granting import (
    audited_by,
    check_present,
    check_seen,
    end_waiting,
    grant,
    held,
    hold_for,
    tell_deciders,
    verdict_of,
    write_down,
)
from projects.installation import Installation
from projects.kept import with_kept
from projects.locks import hold_project
from projects.models import (
    Action,
    Decision,
    Door,
    LookAsked,
    Project,
    ProjectRequest,
    RegisteredRepository,
    spec_as_json,
)
from projects.phrases import say, translated
from projects.policy import Verdict, units_of
from projects.preview import Preview, plan_of
from projects.spec import NOBODY, read_spec, taken_sentence
from provisioning.models import Resource
from provisioning.phrases import phrase
from provisioning.spec import ProjectSpec

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Asked:
    """What came of asking: the preview always; request and project unless it was a dry run or nothing differs.

    joins: of a dry run, what waits already and asks for just this, so that whoever asks joins that request. Otherwise
    what waited, for who was not to join it (`change`), so that nothing was asked.
    """

    preview: Preview
    request: ProjectRequest | None = None
    project: Project | None = None
    joins: ProjectRequest | None = None

    @property
    def unchanged(self) -> bool:
        """True when the project is already wanted exactly so."""
        return self.request is None and self.joins is None and self.project is not None


def create(
    data: Any,
    *,
    by: "Person",
    door: Door,
    installation: Installation,
    note: str = "",
    commit: str = "",
    repository: RegisteredRepository | None = None,
    dry_run: bool = False,
    revising: ProjectRequest | None = None,
) -> Asked:
    """Ask for a new project. Raises InvalidSpec with every fault; a taken name is one of them.

    Who asks once more for what waits already gets that request back; what they say is added to it. revising: for a
    dry run, the open request that would be put in these words.
    """
    with audited_by(by=by, door=door), transaction.atomic():
        mine = revising if dry_run and revising is not None else _open_by(by, data, lock=not dry_run)
        spec, team = read_spec(data, installation=installation, by=by, request=mine)
        verdict, free = verdict_of(
            Action.CREATE, before=None, after=spec, team=team, by=by, installation=installation, lock=not dry_run
        )
        preview = _preview(installation, after=spec, before=None, verdict=verdict, free=free)
        if mine is not None and mine != revising and mine.after != spec_as_json(spec):
            message = say(
                "You have asked for %(slug)s already (request %(number)s). Change that request, or withdraw it.",
                slug=mine.slug,
                number=mine.pk,
            )
            raise InvalidSpec([Fault(path=("slug",), code="taken", message=message)])
        if dry_run:
            return Asked(preview=preview, joins=mine if mine != revising else None)
        if mine is not None:
            return Asked(preview=preview, request=_join(mine, by=by, door=door, note=note))
        _refuse_if(verdict)
        try:
            with transaction.atomic():
                request = write_down(
                    Action.CREATE,
                    slug=spec.slug,
                    team=team,
                    by=by,
                    door=door,
                    verdict=verdict,
                    after=spec,
                    note=note,
                    commit=commit,
                    repository=repository,
                )
                project = (
                    grant(request, spec=spec, team=team, installation=installation)
                    if verdict.decision == "approve"
                    else None
                )
                if project is None:
                    tell_deciders(request, by=by)
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
    repository: RegisteredRepository | None = None,
    dry_run: bool = False,
    joining: bool = True,
) -> Asked:
    """Ask for the whole spec to become `data`. `expected` is the generation the asker read, None to skip that check.

    joining: who asks for just what waits already joins that request; without, nothing is asked and `joins` names it.
    Raises NotFound, NotAllowed, InvalidSpec, StaleGeneration, or Conflict for a project that is being removed.
    """
    why_not = say("Only owners of %(slug)s and the platform team may change it. Ask an owner.", slug=project.slug)
    with audited_by(by=by, door=door), transaction.atomic():
        return ask_change(
            hold_for(project, by=by, may=permissions.may_change, why_not=why_not, lock=not dry_run),
            data,
            by=by,
            door=door,
            installation=installation,
            expected=expected,
            note=note,
            commit=commit,
            repository=repository,
            dry_run=dry_run,
            joining=joining,
        )


def ask_change(
    project: Project,
    data: Any,
    *,
    by: "Person",
    door: Door,
    installation: Installation,
    expected: int | None = None,
    note: str = "",
    commit: str = "",
    repository: RegisteredRepository | None = None,
    dry_run: bool = False,
    joining: bool = True,
    keeps_waiting: bool = False,
) -> Asked:
    """The same in the caller's transaction, which has checked the right to this very change and holds the project, but
    for a dry run.

    keeps_waiting: this takes the place of nothing that waits for the project, and joins only what the same person asks
    for; `projects.carrying_over` is for the caller where it is granted at once.
    """
    check_present(project, expected=expected)
    # Only now: a wish that names no owner keeps those that there are, not those that there were.
    spec, team = read_spec(data, installation=installation, by=by, project=project)
    before = project.wanted()
    verdict, free = verdict_of(
        Action.CHANGE,
        before=before,
        after=spec,
        team=team,
        by=by,
        project=project,
        installation=installation,
        lock=not dry_run,
    )
    preview = _preview(installation, after=spec, before=before, verdict=verdict, free=free, project=project)
    if door is not Door.FILE:
        preview = replace(preview, warning=warning_of(project, becomes=spec))
    same = None
    if spec != before and verdict.decision == "ask":
        same = _same(project, by=by, door=door, own=keeps_waiting, action=Action.CHANGE, after=spec_as_json(spec))
    if dry_run:
        return Asked(preview=preview, joins=same)
    if spec == before:
        return Asked(preview=preview, project=project)
    _refuse_if(verdict)
    if same is not None and not joining:
        return Asked(preview=preview, project=project, joins=same)
    if same is not None:
        return Asked(preview=preview, request=_join(held(same), by=by, door=door, note=note), project=project)
    request = write_down(
        Action.CHANGE,
        slug=project.slug,
        team=team,
        by=by,
        door=door,
        verdict=verdict,
        project=project,
        after=spec,
        note=note,
        commit=commit,
        repository=repository,
    )
    if not keeps_waiting:
        _end_waiting(project, by=by, newer=request)
    if verdict.decision == "approve":
        grant(request, spec=spec, team=team, installation=installation, project=project)
    else:
        tell_deciders(request, by=by)
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
    why_not = say("Only owners of %(slug)s and the platform team may retire it. Ask an owner.", slug=project.slug)
    with audited_by(by=by, door=door), transaction.atomic():
        project = hold_for(project, by=by, may=permissions.may_retire, why_not=why_not, lock=not dry_run)
        if remove_data and typed_name != project.slug:
            message = say("To remove all that holds data too, confirm with the name %(slug)s.", slug=project.slug)
            raise InvalidSpec([Fault(path=("confirm",), code="not_confirmed", message=message)])
        check_present(project, expected=expected)
        before, team = project.wanted(), project.team
        verdict, free = verdict_of(
            Action.RETIRE,
            before=before,
            after=None,
            team=team,
            by=by,
            project=project,
            installation=installation,
            lock=False,
        )
        preview = _preview(installation, after=None, before=before, verdict=verdict, free=free, project=project)
        same = None
        if verdict.decision == "ask":
            same = _same(project, by=by, door=door, action=Action.RETIRE, remove_data=remove_data)
        if dry_run:
            return Asked(preview=preview, joins=same)
        _refuse_if(verdict)
        if same is not None:
            return Asked(preview=preview, request=_join(held(same), by=by, door=door, note=note), project=project)
        request = write_down(
            Action.RETIRE,
            slug=project.slug,
            team=team,
            by=by,
            door=door,
            verdict=verdict,
            project=project,
            remove_data=remove_data,
            note=note,
        )
        _end_waiting(project, by=by, newer=request)
        if verdict.decision == "approve":
            grant(request, spec=None, team=team, installation=installation, project=project)
        else:
            tell_deciders(request, by=by)
    log.info("asked", action="retire", slug=project.slug, door=door.value, decision=verdict.decision, rule=verdict.rule)
    return Asked(preview=preview, request=request, project=project)


def look_again(project: Project, *, by: "Person", door: Door, kind: str | None = None, because: str = "") -> None:
    """Ask the engine to look at the project now, without waiting for its back-off. Raises NotFound, NotAllowed.

    because: why, where somebody said so.
    """
    check_seen(by, project)
    if not permissions.may_look_again(by, project):
        raise NotAllowed(
            say("Viewers from outside the team can't ask for a look. Ask an owner or editor of the project.")
        )
    with audited_by(by=by, door=door), transaction.atomic():
        Project.objects.filter(pk=project.pk, deleted_at=None).update(next_look_at=timezone.now())
        LookAsked.objects.create(
            project=project, kind=kind or "", asked_by_name=by.get_username(), door=door, because=because
        )
        rows = Resource.objects.filter(project=project)
        (rows.filter(kind=kind) if kind else rows).update(failures=0)
        if kind is None or kind in telling_again.THROUGH:
            telling_again.after_a_look(project)
        ring_project(project.pk)


def suspend(project: Project, *, by: "Person", door: Door, suspended: bool, because: str) -> None:
    """Stop or resume looking at a project. Only the platform team; a later last day doesn't resume what it suspended.

    because: why, for those who find it so. Raises NotFound, NotAllowed, InvalidSpec without a reason, Conflict when a
    project is to be resumed whose last day has passed.
    """
    check_seen(by, project)
    if not permissions.is_platform_admin(by):
        raise NotAllowed(say("Only the platform team suspends and resumes projects."))
    if not because.strip():
        message = say("Say why. It stands in the project's history.")
        raise InvalidSpec([Fault(path=("because",), code="missing", message=message)])
    with audited(actor=by.username, door=door, because=because.strip()), transaction.atomic():
        row = hold_project(project.pk)
        if not suspended and (why := why_not_resumed(row)):
            raise Conflict(why)
        row.suspended, row.ended, row.next_look_at = suspended, False, timezone.now()
        row.save(update_fields=["suspended", "ended", "next_look_at"])
        ring_project(row.pk)


def _open_by(by: "Person", data: Any, *, lock: bool) -> ProjectRequest | None:
    """The person's own open request for a new project of this name; None when there is none.

    lock: held, which comes before the team (`projects.locks`). One that was decided meanwhile counts no more.
    """
    slug = data.get("slug") if isinstance(data, Mapping) else None
    if not isinstance(slug, str):
        return None
    waiting = ProjectRequest.objects.filter(action=Action.CREATE, decision=Decision.PENDING, requested_by=by.pk)
    found = waiting.filter(slug=slug).first()
    if found is None or not lock:
        return found
    found = held(found)
    return found if found.decision == Decision.PENDING else _open_by(by, data, lock=True)


def _same(project: Project, *, by: "Person", door: Door, own: bool = False, **asked: Any) -> ProjectRequest | None:
    """What waits already and asks for just this, whoever of the owners asked; None when nothing does.

    own: only in this person's own words. Others need a right for theirs (`projects.own_role.leaves`), and may lose it.
    """
    waiting = project.requests.filter(decision=Decision.PENDING, base_generation=project.generation, **asked)
    # A file's answer stands on its own commit, so it is a request of its own.
    waiting = waiting.filter(requested_by=by.pk) if door is Door.FILE else waiting
    if not own:
        return waiting.first()
    authors = ((one, permissions.author_of(one)) for one in waiting)
    return next((one for one, author in authors if author is not None and author.pk == by.pk), None)


def _join(same: ProjectRequest, *, by: "Person", door: Door, note: str) -> ProjectRequest:
    """The request, held, which this person asks for too from now on; with what they say of it, where that is new."""
    said, joining = note.strip(), by.pk not in permissions.authors_of(same)
    if joining:
        same.joined_by.add(by.pk)
    if said and said != same.note and not same.comments.filter(by=by.pk, text=said).exists():
        conversation.say(same, by=by, door=door, text=said, joining=joining)
    return same


def _end_waiting(project: Project, *, by: "Person", newer: ProjectRequest) -> None:
    because = phrase("%(who)s asked for something else, in request %(number)s.", who=by.username, number=newer.pk)
    end_waiting(project, by=by, newer=newer, because=because)


def _refuse_if(verdict: Verdict) -> None:
    if verdict.decision == "refuse":
        raise InvalidSpec([Fault(path=(), code=verdict.rule, message=translated(verdict.because))])


def _preview(
    installation: Installation,
    *,
    after: ProjectSpec | None,
    before: ProjectSpec | None,
    verdict: Verdict,
    free: int,
    project: Project | None = None,
) -> Preview:
    uid = str(project.uid) if project else NOBODY
    who = meaning(project, becomes=after)
    let = in_force(project) if project else None
    plan = plan_of(installation=installation, after=after, before=before, uid=uid, meaning=who, consents=let)
    if project is not None:
        plan = replace(plan, people=with_kept(plan.people, project=project, before=before, after=after))
    units = units_of(after, catalogue=installation.catalogue, counted=project.units if project else 0)
    return replace(plan, verdict=verdict, units=units, free_units=free)
