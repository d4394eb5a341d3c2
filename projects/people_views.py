"""Who can reach a project, and by which path."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from projects.answers import find, person_of
from projects.frame import frame
from provisioning.spec import Role

_ROLES = [role.value for role in Role]


@require_GET
def people(request: HttpRequest, slug: str) -> HttpResponse:
    """Everybody with a role, highest first, people before groups."""
    found = find(person_of(request), slug)
    rows = sorted(found.memberships.all(), key=lambda one: (_ROLES.index(one.role), one.is_group, one.subject))
    return render(request, "projects/people.html", {**frame(request, found, tab="people"), "people": rows})
