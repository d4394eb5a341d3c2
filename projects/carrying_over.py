"""What goes on waiting while a project changes under it: it is asked of the project as it is now, or ends.

A newer wish of an owner takes the place of what waits (`projects.granting.end_waiting`). Who leaves has no say about
what others asked for: that waits beside the question to leave, with who asked, what was said and since when, and only
what was about the person who leaves ends once they have left. Nor does a yes to something else answer their question.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from projects import permissions
from projects.documents import spec_of
from projects.granting import replace, verdict_of
from projects.installation import Installation
from projects.models import Action, Decision, Project, ProjectRequest, spec_as_json
from projects.own_role import is_last_owner, leaves, own_names, without, without_names
from projects.phrases import kept_too
from provisioning.phrases import Phrase, phrase
from provisioning.spec import ProjectSpec

if TYPE_CHECKING:
    from projects.permissions import Person


@dataclass(frozen=True)
class Beside:
    """What waits beside a request, under lock. own: by which names stood in the project who leaves by the request; none
    where it is another wish, beside which only questions to leave go on waiting.
    """

    requests: Sequence[ProjectRequest]
    own: set[str]


def ended_by(person: "Person", project: Project) -> ProjectRequest | None:
    """What waits for the project and would end if this person left; None for nothing."""
    own, left = own_names(person, project), without(person, project)
    waiting = project.requests.filter(decision=Decision.PENDING, base_generation=project.generation)
    return next((one for one in waiting if left is not None and not _still_meant(one, own=own, left=left)), None)


def beside(project: Project, *, request: ProjectRequest | None = None, leaver: "Person | None" = None) -> Beside:
    """What waits beside a request (None: one that is yet to be written) by which `leaver` leaves, if anybody does.

    To be asked before it is granted, when the roles still tell who leaves; the project is held.
    """
    own = own_names(leaver, project) if leaver is not None else set()
    rows = project.requests.filter(decision=Decision.PENDING, base_generation=project.generation)
    rows = rows.exclude(pk=request.pk) if request is not None else rows
    held = rows.select_for_update(of=("self",)).select_related("team", "requested_by", "project")
    return Beside([one for one in held if own or leaves(one)], own)


def carry_over(granted: ProjectRequest, *, waiting: Beside, by: "Person", installation: Installation) -> None:
    """What waited for the project as it was waits for the project as it is now, or ends.

    by: who left, or who said yes.
    """
    project = granted.project
    if project is None:
        return
    left = project.wanted()
    for request in waiting.requests:
        ended, wanted = _now(request, granted=granted, own=waiting.own, project=project, left=left)
        if ended is None:
            refused = _judged_anew(request, left=left, wanted=wanted, project=project, by=by, installation=installation)
            ended = _refused(granted, because=refused, own=waiting.own) if refused is not None else None
        if ended is not None:
            replace(request, by=by, newer=granted, because=ended)
            continue
        request.before, request.base_generation = project.spec, project.generation
        request.after = spec_as_json(wanted) if wanted is not None else None
        request.save(update_fields=["rule", "because", "phrases", "approvers", "before", "after", "base_generation"])


def _now(
    request: ProjectRequest, *, granted: ProjectRequest, own: set[str], project: Project, left: ProjectSpec
) -> tuple[Phrase | None, ProjectSpec | None]:
    """Why a request ends with what is granted, or else what it asks for from now on; None for a removal."""
    if granted.action == Action.RETIRE:
        return phrase("%(slug)s is being removed.", slug=project.slug), None
    if own:
        if not _still_meant(request, own=own, left=left):
            who = permissions.author_name(granted)
            return phrase("%(who)s left the project, and this was about them.", who=who), None
        after = spec_of(request.after)
        return None, without_names(after, own=own) if after is not None else None
    author = permissions.author_of(request)
    names = own_names(author, project) if author is not None else set()
    wanted = without_names(left, own=names)
    if not names or is_last_owner(wanted):
        values = {"who": permissions.author_name(request), "number": granted.pk}
        return phrase("%(who)s has no role any more, or is the last owner, since request %(number)s.", **values), None
    return None, wanted


def _judged_anew(
    request: ProjectRequest,
    *,
    left: ProjectSpec,
    wanted: ProjectSpec | None,
    project: Project,
    by: "Person",
    installation: Installation,
) -> str | None:
    """Why the policy refuses now what it asks for; None where it doesn't. Another rule that asks takes its place."""
    verdict, _ = verdict_of(
        Action(request.action),
        before=left,
        after=wanted,
        team=request.team,
        by=cast("Person", request.requested_by) or by,
        installation=installation,
        lock=False,
        project=project,
    )
    if verdict.decision == "refuse":
        return verdict.because
    if verdict.decision == "ask" and verdict.rule != request.rule:
        request.rule, request.because = verdict.rule, verdict.because
        request.phrases = kept_too(request, because=verdict.because)
        request.approvers = list(verdict.approvers)
    return None


def _refused(granted: ProjectRequest, *, because: str, own: set[str]) -> Phrase:
    if own:
        return phrase("%(who)s left the project. %(because)s", who=permissions.author_name(granted), because=because)
    return phrase("Request %(number)s was granted. %(because)s", number=granted.pk, because=because)


def _still_meant(request: ProjectRequest, *, own: set[str], left: ProjectSpec) -> bool:
    """Does it make sense when these have left? Not what gives them another role, or nothing else than `left` is."""
    if request.action == Action.RETIRE:
        return True
    before, after = spec_of(request.before), spec_of(request.after)
    if before is None or after is None:
        return False
    was, becomes = (
        {one for one in spec.contributors if not one.is_group and one.subject in own} for spec in (before, after)
    )
    wanted = without_names(after, own=own)
    return becomes <= was and wanted != left and not is_last_owner(wanted)
