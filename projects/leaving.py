"""Leaving a project: a person gives up the role they hold in their own name, whatever that role is.

What others have asked for goes on waiting, with who asked, what was said and since when: it is asked of the project as
it is now. Only what was about the person who leaves ends with it.
"""

from typing import TYPE_CHECKING, Any, cast

from django.db import transaction
from django.utils.translation import gettext

from projects import permissions
from projects.actions import Asked, ask_change
from projects.documents import spec_of
from projects.errors import Conflict, NotFound
from projects.granting import audited_by, replace, verdict_of
from projects.installation import Installation
from projects.locks import hold_project
from projects.models import Action, Decision, Door, Project, ProjectRequest, spec_as_json
from projects.own_role import own_names, without, without_names
from projects.phrases import kept_too
from provisioning.phrases import phrase
from provisioning.profile_file import plain
from provisioning.spec import ProjectSpec, Role

if TYPE_CHECKING:
    from projects.permissions import Person


def is_last_owner(spec: ProjectSpec) -> bool:
    """Would this spec leave the project without an owner who stays?"""
    return not any(one.role is Role.OWNER and one.until is None for one in spec.contributors)


def ended_by(person: "Person", project: Project) -> ProjectRequest | None:
    """What waits for the project and would end if this person left; None for nothing."""
    own, left = own_names(person, project), without(person, project)
    waiting = project.requests.filter(decision=Decision.PENDING, base_generation=project.generation)
    return next((one for one in waiting if left is not None and not _still_meant(one, own=own, left=left)), None)


def leave(
    project: Project,
    *,
    by: "Person",
    door: Door,
    installation: Installation,
    expected: int | None = None,
    dry_run: bool = False,
) -> Asked:
    """Take one's own role out of the project. What one reaches by a group or the team stays.

    Raises NotFound, StaleGeneration, or Conflict for who holds no role in their own name and for the last owner.
    """
    if not permissions.may_see(by, project):
        raise NotFound
    shared: dict[str, Any] = {"by": by, "door": door, "installation": installation}
    with audited_by(by=by, door=door), transaction.atomic():
        # Held before it is read: who left a moment ago must not come back by this.
        project = hold_project(project.pk, lock=not dry_run)
        own, spec = own_names(by, project), without(by, project)
        if spec is None:
            raise Conflict(
                gettext(
                    "You hold no role of your own in %(slug)s, so there is nothing to give up. What "
                    "you reach by a group ends when you leave that group."
                )
                % {"slug": project.slug}
            )
        if is_last_owner(spec):
            raise Conflict(
                gettext(
                    "You are the last owner of %(slug)s, so you can't leave it. Make somebody else "
                    "owner first, without an end date, or retire the project."
                )
                % {"slug": project.slug}
            )
        asked = ask_change(project, plain(spec), **shared, expected=expected, dry_run=dry_run, keeps_waiting=True)
        if asked.request is not None and asked.request.decision == Decision.APPROVED:
            _carry_over(asked.request, own=own, by=by, installation=installation)
    return asked


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


def _carry_over(granted: ProjectRequest, *, own: set[str], by: "Person", installation: Installation) -> None:
    """What waited for the project as it was waits for the project as it is now, or ends. Under the project's lock."""
    project = granted.project
    if project is None:
        return
    left = project.wanted()
    waiting = project.requests.filter(decision=Decision.PENDING, base_generation=granted.base_generation)
    for request in waiting.select_for_update(of=("self",)).select_related("team", "requested_by"):
        because = phrase("%(who)s left the project, and this was about them.", who=by.username)
        if not _still_meant(request, own=own, left=left):
            replace(request, by=by, newer=granted, because=because)
            continue
        after = spec_of(request.after)
        wanted = without_names(after, own=own) if after is not None else None
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
            because = phrase("%(who)s left the project. %(because)s", who=by.username, because=verdict.because)
            replace(request, by=by, newer=granted, because=because)
            continue
        if verdict.decision == "ask" and verdict.rule != request.rule:
            request.rule, request.because = verdict.rule, verdict.because
            request.phrases = kept_too(request, because=verdict.because)
            request.approvers = list(verdict.approvers)
        request.before, request.base_generation = project.spec, project.generation
        request.after = spec_as_json(wanted) if wanted is not None else None
        request.save(update_fields=["rule", "because", "phrases", "approvers", "before", "after", "base_generation"])
