"""What asking and deciding share: whose right and which state is checked, the policy's verdict, and the grant itself.

Everything here runs inside its caller's transaction and touches nothing outside.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, cast

from django.contrib.auth import get_user_model
from django.db.models import Sum
from django.utils import timezone

from projects import audience, permissions
from projects.attaching import attaches_another, not_vetted, who_attaches
from projects.audit import audited
from projects.consents import follow
from projects.contributors import set_memberships
from projects.doorbell import ring_project
from projects.errors import Conflict, NotAllowed, NotFound, StaleGeneration
from projects.file_source import came_back
from projects.installation import Installation
from projects.locks import held_teams, hold_project
from projects.models import Action, Decision, Door, Project, ProjectRequest, RegisteredRepository, Team, spec_as_json
from projects.notices import announce
from projects.phrases import as_kept, kept, kept_too, say
from projects.policy import Question, Verdict, asks_about_use, decide, units_of
from projects.today import is_over, today
from projects.usage import lacking, percent_used, target_use
from provisioning.catalogue import Catalogue
from provisioning.phrases import Phrase, joined, phrase, word
from provisioning.spec import ProjectSpec

if TYPE_CHECKING:
    from projects.permissions import Person


def audited_by(*, by: "Person", door: Door) -> AbstractContextManager[Any]:
    """The history of what is written inside names this person and door."""
    return audited(actor=by.username, door=door)


def check_seen(by: "Person", project: Project) -> None:
    """Raises NotFound for whoever may not know that the project exists."""
    if not permissions.may_see(by, project):
        raise NotFound


def hold_for(project: Project, *, by: "Person", may: permissions.Right, why_not: str, lock: bool = True) -> Project:
    """The project as it is now, under lock (`lock`), for who has this right to it (`may`).

    Raises NotFound for whoever may not know that it exists, NotAllowed with `why_not` for the others without the right.
    It is asked before the lock too: who never had it waits for nobody, and nobody for them.
    """
    _check_right(by, project, may=may, why_not=why_not)
    project = hold_project(project.pk, lock=lock)
    if lock:
        _check_right(as_now(by), project, may=may, why_not=why_not)
    return project


def as_now(by: "Person") -> "Person":
    """Who asks as they are by now: groups or access may have been lost while they waited for a lock."""
    return cast("Person", get_user_model().objects.get(pk=by.pk))


def _check_right(by: "Person", project: Project, *, may: permissions.Right, why_not: str) -> None:
    if not may(by, project):
        check_seen(by, project)
        raise NotAllowed(why_not)


def check_present(project: Project, *, expected: int | None) -> None:
    """Raises NotFound or Conflict for a project that is gone or going, StaleGeneration when it is not at `expected`."""
    if project.deleted_at is not None:
        raise NotFound
    if project.deletion_requested_at is not None:
        raise Conflict(say("%(slug)s is being removed. Nothing can be changed any more.", slug=project.slug))
    if expected is not None and expected != project.generation:
        message = say(
            "%(slug)s was changed in between and is now at change %(number)s. Read it again, then send yours.",
            slug=project.slug,
            number=project.generation,
        )
        raise StaleGeneration(message)


def held(request: ProjectRequest) -> ProjectRequest:
    """The request as it is now, under lock, and its project, if it has one, under a lock that was taken before."""
    if request.project_id is not None:
        hold_project(request.project_id)
    rows = ProjectRequest.objects.select_for_update(of=("self",)).select_related("team", "project")
    return rows.get(pk=request.pk)


def verdict_of(
    action: Action,
    *,
    before: ProjectSpec | None,
    after: ProjectSpec | None,
    team: Team,
    by: "Person",
    installation: Installation,
    lock: bool,
    project: Project | None = None,
) -> tuple[Verdict, int]:
    """The policy's verdict and the team's free units without this project. `lock`: hold the budget until the commit.

    by: who asks. project: the one that is changed; what it uses counts where a rule asks for it. Raises Conflict when
    the team was removed while its lock was waited for.
    """
    if lock:
        held = held_teams().filter(pk=team.pk).first()
        if held is None:
            raise Conflict(say("Team %(team)s was removed meanwhile. Choose another one.", team=team.slug))
        team = held
    catalogue = installation.catalogue
    (question,) = _questions(
        action, before=before, afters=[after], team=team, by=by, catalogue=catalogue, project=project
    )
    return decide(catalogue=catalogue, question=question), question.budget - question.taken


def verdicts_by_plan(
    action: Action,
    *,
    before: ProjectSpec | None,
    after: ProjectSpec,
    team: Team,
    by: "Person",
    installation: Installation,
    project: Project | None = None,
) -> dict[str, Verdict]:
    """What the policy would say of the same wish with each plan of the catalogue. No more queries than for one."""
    catalogue = installation.catalogue
    afters = [after.model_copy(update={"plan": name}) for name in catalogue.plans]
    questions = _questions(action, before=before, afters=afters, team=team, by=by, catalogue=catalogue, project=project)
    verdicts = (decide(catalogue=catalogue, question=question) for question in questions)
    return dict(zip(catalogue.plans, verdicts, strict=True))


def _questions(
    action: Action,
    *,
    before: ProjectSpec | None,
    afters: Sequence[ProjectSpec | None],
    team: Team,
    by: "Person",
    catalogue: Catalogue,
    project: Project | None,
) -> list[Question]:
    """What the policy is asked about each of these wishes, with figures that are read once."""
    others = team.projects.filter(deletion_requested_at=None)
    if before is not None:
        others = others.exclude(slug=before.slug)
    taken = others.aggregate(total=Sum("units"))["total"] or 0
    measured = asks_about_use(catalogue)
    told = target_use(catalogue.cluster().name) if measured else None
    use = percent_used(project) if measured and project is not None else None
    return [
        Question(
            action=_word_of(action),
            before=before,
            after=after,
            budget=team.budget,
            taken=taken,
            groups=permissions.groups_of(by),
            today=today(),
            use=use,
            lacking=lacking(told, before=before, after=after, catalogue=catalogue),
            counted=project.units if project is not None else 0,
        )
        for after in afters
    ]


def _word_of(action: Action) -> Literal["create", "change", "retire"]:
    words: dict[Action, Literal["create", "change", "retire"]] = {
        Action.CREATE: "create",
        Action.CHANGE: "change",
        Action.RETIRE: "retire",
    }
    return words[action]


def write_down(
    action: Action,
    *,
    slug: str,
    team: Team,
    by: "Person",
    door: Door,
    verdict: Verdict,
    project: Project | None = None,
    after: ProjectSpec | None = None,
    remove_data: bool = False,
    note: str = "",
    commit: str = "",
    repository: RegisteredRepository | None = None,
) -> ProjectRequest:
    """What this person asks for, with what the policy says of it. Nothing is granted yet, and nobody told.

    project: None for a new one. after: what it becomes, None when it goes. commit, repository: where its file stands.
    """
    return ProjectRequest.objects.create(
        project=project,
        slug=slug,
        team=team,
        action=action,
        door=door,
        requested_by_id=by.pk,
        requested_by_name=by.username,
        before=project.spec if project is not None else None,
        after=spec_as_json(after) if after is not None else None,
        remove_data=remove_data,
        base_generation=project.generation if project is not None else 0,
        rule=verdict.rule,
        because=verdict.because,
        phrases=as_kept(because=verdict.because),
        approvers=list(verdict.approvers),
        note=note,
        commit=commit,
        repository=repository,
    )


def answer_commit(request: ProjectRequest) -> None:
    """Who asked by a commit reads there what became of it, or for whom it waits."""
    if request.commit and request.repository_id is not None:
        rows = RegisteredRepository.objects.filter(pk=request.repository_id, seen_commit=request.commit)
        rows.update(look_at=timezone.now())


def tell_deciders(request: ProjectRequest, *, by: "Person") -> None:
    """Tell everybody who may decide that a request waits for them."""
    asked = {
        Action.CREATE: phrase("%(who)s asks to create %(slug)s.", who=by.username, slug=request.slug),
        Action.CHANGE: phrase("%(who)s asks to change %(slug)s.", who=by.username, slug=request.slug),
        Action.RETIRE: phrase("%(who)s asks to retire %(slug)s.", who=by.username, slug=request.slug),
    }
    rule = phrase("Rule %(rule)s: %(because)s", rule=request.rule, because=kept(request, "because"))
    text = joined(" ", [asked[Action(request.action)], rule])
    announce("request-waits", to=audience.deciders_of(request), but=by, text=text, request=request)


def end_waiting(project: Project, *, by: "Person", newer: ProjectRequest, because: Phrase) -> None:
    """End what waits for the project, because of a newer request. because: a sentence that says what `by` did."""
    waiting = project.requests.filter(decision=Decision.PENDING).exclude(pk=newer.pk)
    for request in waiting.select_for_update(of=("self",)):
        replace(request, by=by, newer=newer, because=because)


def replace(request: ProjectRequest, *, by: "Person", newer: ProjectRequest, because: Phrase) -> None:
    """The same for one that is held under lock."""
    request.replaced_by, request.comment = newer, because
    request.phrases = kept_too(request, comment=because)
    said = phrase(
        "The request of %(who)s for %(slug)s is withdrawn: %(because)s",
        who=request.requested_by_name,
        slug=request.slug,
        because=because,
    )
    end(request, by=by, door=newer.door, said=said)


def end(request: ProjectRequest, *, by: "Person", door: str, said: Phrase) -> None:
    """Withdraw a request that is held under lock; who asked and who was asked are told. said: what happened."""
    request.decision, request.decided_at, request.decided_by_id = Decision.WITHDRAWN, timezone.now(), by.pk
    request.decided_door, request.asked_back_at = door, None
    decided = ("decision", "decided_at", "decided_by", "decided_door")
    request.save(update_fields=[*decided, "asked_back_at", "comment", "phrases", "replaced_by"])
    to = [*audience.deciders_of(request), *audience.askers_of(request)]
    text = joined(" ", [said, phrase("There is nothing to decide any more.")])
    announce("withdrawn", to=to, but=by, text=text, request=request)


def grant(
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
            attached_by_id=_id(who_attaches(request, after=spec)),
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
            if project.ended and not is_over(spec.expires):
                # A new end date ends the suspension that the old one brought, and no other.
                project.suspended = project.ended = False
            project.attached_by_id = _id(who_attaches(request, after=spec, project=project))
            if attaches_another(project, after=spec):
                not_vetted(project)
            project.spec = spec_as_json(spec)
            project.units = units_of(spec, catalogue=installation.catalogue, counted=project.units)
        project.save(
            update_fields=[
                "generation",
                "accepted_at",
                "next_look_at",
                "ready_at",
                "spec",
                "attached_by",
                "units",
                "deletion_requested_at",
                "remove_data",
                "suspended",
                "ended",
            ]
        )
        project.resources.update(failures=0)
    if spec is not None:
        set_memberships(project, spec=spec, door=Door(request.door))
        _tell_who_came_back(request, project=project)
    request.project, request.generation = project, project.generation
    request.decision, request.decided_at, request.asked_back_at = Decision.APPROVED, now, None
    request.save(
        update_fields=[
            *("project", "generation", "decision", "decided_at", "decided_by", "decided_door", "comment"),
            "asked_back_at",
        ]
    )
    follow(project, spec=spec, request=request, installation=installation)
    ring_project(project.pk)
    return project


def _id(person: "Person | None") -> int | None:
    return person.pk if person is not None else None


def _tell_who_came_back(request: ProjectRequest, *, project: Project) -> None:
    """Tell the owners, whoever pushed among them, whom an older profile.yaml put back."""
    people = came_back(request)
    if not people:
        return
    names = [phrase("%(who)s as %(role)s", who=one.subject, role=word(one.role.value)) for one in people]
    text = phrase(
        "%(who)s pushed a profile.yaml that puts back in %(slug)s who had been taken out: %(names)s. If that was not "
        "meant, take them out of the file.",
        who=request.requested_by_name,
        slug=project.slug,
        names=joined(", ", names),
    )
    announce("people-back", to=audience.owners_of(project), text=text, project=project)
