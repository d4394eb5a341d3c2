"""The role that somebody holds in their own name, not by a group: a spec without it, and requests for just that.

Whoever has a role may give it up, so such a request needs no other right.
"""

from typing import TYPE_CHECKING

from projects import permissions
from projects.documents import spec_of
from projects.models import Project, ProjectRequest, spec_as_json
from provisioning.spec import ProjectSpec, Role

if TYPE_CHECKING:
    from projects.permissions import Person


def without(person: "Person", project: Project) -> ProjectSpec | None:
    """The project's spec without this person; None when they hold no role in their own name."""
    own = own_names(person, project)
    return without_names(project.wanted(), own=own) if own else None


def leaves(request: ProjectRequest) -> bool:
    """Does the request do nothing but take out whose words it has? As it was when it was asked."""
    author, before = permissions.author_of(request), spec_of(request.before)
    if request.project is None or author is None or before is None:
        return False
    own = own_names(author, request.project)
    return bool(own) and request.after == spec_as_json(without_names(before, own=own))


def own_names(person: "Person", project: Project) -> set[str]:
    """By which names the person stands among the contributors."""
    return {row.subject for row in permissions.own_memberships(person, project)}


def without_names(spec: ProjectSpec, *, own: set[str]) -> ProjectSpec:
    """The spec without the people of these names."""
    left = tuple(one for one in spec.contributors if one.is_group or one.subject not in own)
    return spec.model_copy(update={"contributors": left})


def is_last_owner(spec: ProjectSpec) -> bool:
    """Would this spec leave the project without an owner who stays?"""
    return not any(one.role is Role.OWNER and one.until is None for one in spec.contributors)
