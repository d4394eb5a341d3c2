"""What becomes of a request that waits for a person: yes, no, other words, or taken back; and what is said about it.

The right is checked again under the request's lock, so that who lost it meanwhile decides nothing. A decision names the
revision that it has seen: what was changed in between must be read again.
"""

from typing import TYPE_CHECKING, Any

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext
from pydantic import ValidationError

from projects import audience, conversation, permissions
from projects.carrying_over import beside, carry_over
from projects.errors import Conflict, Fault, InvalidSpec, NotAllowed, NotFound, Unreadable
from projects.granting import (
    answer_commit,
    as_now,
    audited_by,
    check_present,
    end,
    grant,
    held,
    tell_deciders,
    verdict_of,
)
from projects.installation import Installation
from projects.locks import held_teams
from projects.models import (
    Action,
    Decision,
    Door,
    Project,
    ProjectRequest,
    RequestComment,
    RequestRevision,
    spec_as_json,
)
from projects.notices import announce
from projects.own_role import leaves
from projects.phrases import kept_too, translated
from projects.policy import units_of
from projects.spec import faults_now, read_spec
from provisioning.phrases import Phrase, phrase
from provisioning.spec import ProjectSpec

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)

LONGEST = 2000
"""Characters of a comment or reason."""


def approve(
    request: ProjectRequest,
    *,
    by: "Person",
    door: Door,
    installation: Installation,
    comment: str = "",
    revision: int | None = None,
    within_budget: bool = False,
) -> ProjectRequest:
    """Say yes. The spec is checked again as it is now: what was asked may no longer fit.

    revision: the one that was read; None to skip that check. within_budget: only if the team's budget has room for it
    at this moment, with the budget held until the commit. Raises NotFound, NotAllowed (also for one's own request),
    Conflict when it was decided, changed or overtaken, does not fit any more, has no room, or who asked could not ask
    for it any more.
    """
    with audited_by(by=by, door=door), transaction.atomic():
        request = _held(request, by=by, revision=revision)
        project = request.project
        if project is not None:
            check_present(project, expected=None)
            if project.generation != request.base_generation:
                raise Conflict(
                    gettext("The project was changed after this was asked. Ask again from its present state.")
                )
        if (lost := right_lost(request)) is not None:
            raise Conflict(lost)
        spec = _asked_for(request)
        faults = faults_now(spec, installation=installation, project=project, request=request) if spec else []
        if faults:
            raise Conflict(
                gettext("What was asked for does not fit any more. %(faults)s Ask for changes, or reject it.")
                % {"faults": " ".join(dict.fromkeys(fault.message for fault in faults))}
            )
        if within_budget:
            _check_room(request, spec=spec, project=project, installation=installation)
        request.decided_by_id, request.decided_door, request.comment = by.pk, door, comment.strip()[:LONGEST]
        try:
            with transaction.atomic():
                _grant(request, spec=spec, project=project, by=by, installation=installation)
        except IntegrityError as error:
            raise Conflict(
                gettext("The name %(slug)s was given to somebody else in between.") % {"slug": request.slug}
            ) from error
        said = phrase("%(who)s approved your request for %(slug)s.", who=by.username, slug=request.slug)
        _tell_askers(request, by=by, said=said)
    log.info("decided", decision="approved", request=request.pk, slug=request.slug)
    return request


def reject(
    request: ProjectRequest, *, by: "Person", door: Door, comment: str, revision: int | None = None
) -> ProjectRequest:
    """Say no, with a reason. Raises NotFound, NotAllowed, Conflict when it was decided or changed already."""
    comment = needed(comment, message=gettext("Say why, so that the team knows what to change."))
    with audited_by(by=by, door=door), transaction.atomic():
        request = _held(request, by=by, revision=revision)
        request.decision, request.decided_at, request.decided_by_id = Decision.REJECTED, timezone.now(), by.pk
        request.decided_door, request.comment, request.asked_back_at = door, comment, None
        request.save(update_fields=["decision", "decided_at", "decided_by", "decided_door", "comment", "asked_back_at"])
        answer_commit(request)
        values = {"who": by.username, "slug": request.slug, "why": comment}
        _tell_askers(request, by=by, said=phrase("%(who)s rejected your request for %(slug)s: %(why)s", **values))
    log.info("decided", decision="rejected", request=request.pk, slug=request.slug)
    return request


def ask_for_changes(
    request: ProjectRequest, *, by: "Person", door: Door, text: str, revision: int | None = None
) -> ProjectRequest:
    """Give it back to who asked, with what is to be changed or answered. It waits for them from now on.

    Raises as `reject` does.
    """
    text = needed(text, message=gettext("Say what to change, or what you want to know."), field="text")
    with audited_by(by=by, door=door), transaction.atomic():
        request = _held(request, by=by, revision=revision)
        request.asked_back_at = timezone.now()
        request.save(update_fields=["asked_back_at"])
        conversation.keep(request, by=by, door=door, text=text, asks=True)
        answer_commit(request)
        values = {"who": by.username, "slug": request.slug, "what": text}
        said = phrase("%(who)s asks for changes to your request for %(slug)s: %(what)s", **values)
        _tell_askers(request, by=by, said=said, kind="changes-asked")
    log.info("changes_asked", request=request.pk, slug=request.slug)
    return request


def revise(
    request: ProjectRequest,
    data: Any,
    *,
    by: "Person",
    door: Door,
    installation: Installation,
    note: str | None = None,
    revision: int | None = None,
) -> ProjectRequest:
    """Put an open request in other words: the policy decides anew, and earlier yeses don't count.

    Who may is asked as for a change: who asked once may have lost the right to. Raises NotFound, NotAllowed, Conflict
    when it was decided or changed in between, InvalidSpec with every fault.
    """
    _check_visible(request, by=by)
    with audited_by(by=by, door=door), transaction.atomic():
        request = held(request)
        check_revisable(request, by=by, revision=revision)
        project = request.project
        if project is not None:
            check_present(project, expected=None)
        new = request if request.action == Action.CREATE else None
        spec, team = read_spec(data, installation=installation, by=by, project=project, request=new)
        before = project.wanted() if project is not None else None
        verdict, _ = verdict_of(
            Action(request.action),
            before=before,
            after=spec,
            team=team,
            by=by,
            installation=installation,
            lock=True,
            project=project,
        )
        if verdict.decision == "refuse":
            raise InvalidSpec([Fault(path=(), code=verdict.rule, message=translated(verdict.because))])
        RequestRevision.objects.create(
            request=request, number=request.revision, after=request.after, by_id=by.pk, by_name=by.username, door=door
        )
        request.revision += 1
        request.after, request.team = spec_as_json(spec), team
        request.rule, request.because = verdict.rule, verdict.because
        request.phrases = kept_too(request, because=verdict.because)
        request.approvers = list(verdict.approvers)
        request.asked_back_at = None
        request.note = request.note if note is None else note
        if project is not None:
            request.before, request.base_generation = project.spec, project.generation
        request.save(
            update_fields=[
                *("revision", "after", "before", "team", "rule", "because", "phrases", "approvers"),
                *("asked_back_at", "note", "base_generation"),
            ]
        )
        if verdict.decision == "approve":
            _grant(request, spec=spec, project=project, by=by, installation=installation)
            text = phrase(
                "%(who)s put your request for %(slug)s in other words; so it is approved. Rule %(rule)s: %(because)s",
                who=by.username,
                slug=request.slug,
                rule=verdict.rule,
                because=verdict.because,
            )
            _tell_askers(request, by=by, said=text)
        else:
            answer_commit(request)
            tell_deciders(request, by=by)
            text = phrase(
                "%(who)s put your request for %(slug)s in other words. It waits for a decision.",
                who=by.username,
                slug=request.slug,
            )
            _tell_askers(request, by=by, said=text, kind="revised")
    log.info("revised", request=request.pk, revision=request.revision, decision=verdict.decision, rule=verdict.rule)
    return request


def withdraw(request: ProjectRequest, *, by: "Person", door: Door) -> ProjectRequest:
    """Take a request back before it is decided. Raises NotFound, NotAllowed, Conflict."""
    _check_visible(request, by=by)
    with audited_by(by=by, door=door), transaction.atomic():
        request = held(request)
        if not permissions.may_withdraw(as_now(by), request):
            raise NotAllowed(gettext("Only who asked, or an owner of the project, can take this request back."))
        _check_open(request, revision=None)
        said = phrase("%(who)s took the request for %(slug)s back.", who=by.username, slug=request.slug)
        end(request, by=by, door=door, said=said)
        answer_commit(request)
    return request


def comment(request: ProjectRequest, *, by: "Person", door: Door, text: str) -> RequestComment:
    """Say something about a request; everybody who sees it may. An answer of the asker gives it back to who decides.

    Raises NotFound, InvalidSpec for nothing said.
    """
    _check_visible(request, by=by)
    text = needed(text, message=gettext("Write something first."), field="text")
    with audited_by(by=by, door=door), transaction.atomic():
        return conversation.say(held(request), by=by, door=door, text=text)


def check_may_revise(request: ProjectRequest, *, by: "Person") -> None:
    """Raises NotAllowed for who may not put it in other words."""
    if not permissions.may_revise(by, request):
        raise NotAllowed(
            gettext("Only an owner of the project can change this request; while there is no project, only who asked.")
        )


def check_revisable(request: ProjectRequest, *, by: "Person", revision: int | None) -> None:
    """Raises as `revise` does, but for what is wrong with the words. The caller has seen that the person sees it."""
    check_may_revise(request, by=by)
    _check_open(request, revision=revision)
    if request.action == Action.RETIRE:
        raise Conflict(gettext("A removal can't be changed, only withdrawn."))
    if leaves(request):
        raise Conflict(gettext("That somebody leaves can't be changed, only withdrawn."))


def right_lost(request: ProjectRequest) -> str | None:
    """Why nobody can say yes to it: who asked could not ask for it today. None while they could, and for who leaves."""
    author = permissions.author_of(request)
    if (author is not None and permissions.may_ask_for(author, request)) or leaves(request):
        return None
    said = {"who": permissions.author_name(request), "team": request.team.slug}
    if request.project is None:
        return (
            gettext("%(who)s asked for this and is no longer in team %(team)s. Reject it: the team can ask anew.")
            % said
        )
    return (
        gettext(
            "%(who)s asked for this and no longer owns the project, so it can't be approved as it stands. An owner "
            "who wants it sends it again by “Change the request”; otherwise reject it."
        )
        % said
    )


def _check_visible(request: ProjectRequest, *, by: "Person") -> None:
    if not permissions.visible_requests(by).filter(pk=request.pk).exists():
        raise NotFound


def _check_open(request: ProjectRequest, *, revision: int | None) -> None:
    if request.decision != Decision.PENDING:
        raise Conflict(
            gettext("This request is %(decision)s already.") % {"decision": Decision(request.decision).label}
        )
    if revision is not None and revision != request.revision:
        raise Conflict(gettext("What is asked for was changed after you read it. Read it again, then decide."))


def _asked_for(request: ProjectRequest) -> ProjectSpec | None:
    """What it asks for; None for a removal. Raises Unreadable when this version can't read it."""
    try:
        return ProjectSpec.model_validate(request.after) if request.after is not None else None
    except ValidationError as error:
        raise Unreadable from error


def _held(request: ProjectRequest, *, by: "Person", revision: int | None) -> ProjectRequest:
    """The request under lock, which this person may decide about now."""
    _check_visible(request, by=by)
    request = held(request)
    if not permissions.may_decide(as_now(by), request):
        raise NotAllowed(
            gettext(
                "Only the platform team and those whom the request's rule asks decide about it, "
                "and nobody about their own."
            )
        )
    _check_open(request, revision=revision)
    return request


def _grant(
    request: ProjectRequest,
    *,
    spec: ProjectSpec | None,
    project: Project | None,
    by: "Person",
    installation: Installation,
) -> None:
    waiting = None
    if project is not None:
        leaver = permissions.author_of(request) if leaves(request) else None
        waiting = beside(project, request=request, leaver=leaver)
    grant(request, spec=spec, team=request.team, installation=installation, project=project)
    if waiting is not None:
        carry_over(request, waiting=waiting, by=by, installation=installation)


def _check_room(
    request: ProjectRequest, *, spec: ProjectSpec | None, project: Project | None, installation: Installation
) -> None:
    team = held_teams().get(pk=request.team_id)
    others = team.projects.filter(deletion_requested_at=None)
    others = others.exclude(pk=project.pk) if project is not None else others
    free = team.budget - sum(others.values_list("units", flat=True))
    counted = project.units if project else 0
    units = units_of(spec, catalogue=installation.catalogue, counted=counted)
    if units > max(free, counted):
        raise Conflict(
            gettext(
                "Team %(team)s has %(free)s units free, and %(slug)s takes %(units)s. Open "
                "the request to decide about it alone."
            )
            % {"team": team.slug, "free": max(free, 0), "slug": request.slug, "units": units}
        )


def needed(text: str, *, message: str, field: str = "comment") -> str:
    """The text as it is kept. Raises InvalidSpec with the message when nothing was said."""
    if not text.strip():
        raise InvalidSpec([Fault(path=(field,), code="missing", message=message)])
    return text.strip()[:LONGEST]


def _tell_askers(request: ProjectRequest, *, by: "Person", said: Phrase, kind: Any = "request-decided") -> None:
    announce(kind, to=audience.askers_of(request), but=by, text=said, request=request, project=request.project)
