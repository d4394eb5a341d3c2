"""Leaving a project: a person gives up the role they hold in their own name, whatever that role is."""

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext

from projects import permissions
from projects.actions import Asked, ask_change
from projects.errors import Conflict, NotFound
from projects.installation import Installation
from projects.models import Door, Project
from projects.own_role import without
from provisioning.profile_file import plain
from provisioning.spec import ProjectSpec, Role

if TYPE_CHECKING:
    from projects.permissions import Person


def is_last_owner(spec: ProjectSpec) -> bool:
    """Would this spec leave the project without an owner who stays?"""
    return not any(one.role is Role.OWNER and one.until is None for one in spec.contributors)


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
    shared: dict[str, Any] = {"by": by, "door": door, "installation": installation}
    return ask_change(project, plain(spec), **shared, expected=expected, dry_run=dry_run)
