"""Leaving a project: a person gives up the role they hold in their own name, whatever that role is.

What others have asked for goes on waiting (`projects.carrying_over`).
"""

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext

from projects import permissions
from projects.actions import Asked, ask_change
from projects.carrying_over import beside, carry_over
from projects.errors import Conflict, NotFound
from projects.granting import audited_by
from projects.installation import Installation
from projects.locks import hold_project
from projects.models import Decision, Door, Project
from projects.own_role import is_last_owner, without
from provisioning.profile_file import plain

if TYPE_CHECKING:
    from projects.permissions import Person


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
        spec = without(by, project)
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
        waiting = beside(project, leaver=by) if not dry_run else None
        asked = ask_change(project, plain(spec), **shared, expected=expected, dry_run=dry_run, keeps_waiting=True)
        if waiting is not None and asked.request is not None and asked.request.decision == Decision.APPROVED:
            carry_over(asked.request, waiting=waiting, by=by, installation=installation)
    return asked
