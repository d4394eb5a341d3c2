"""Who can reach a project, and by which path; and why somebody can, or can't."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET
from pydantic import ValidationError

from projects import nesting, permissions, reach_list
from projects.answers import find, person_of
from projects.exports import file_of
from projects.frame import frame
from projects.installation import installation
from projects.models import Project
from projects.reach import Reach, reach_of, role_rights
from projects.rights import SYSTEMS
from projects.why import why
from provisioning.spec import Contributor


@require_GET
def people(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Every path to the project. `who`: somebody to explain. `format=csv|json` in the address: the paths as a file."""
    person = person_of(request)
    found = find(person, slug)
    settings = installation()
    reach = reach_of(found, installation=settings)
    if file := file_of(request, reach_list.records(reach), columns=reach_list.COLUMNS, name=f"people-{slug}"):
        return file
    shown = {
        **frame(request, found, tab="people"),
        "reach": reach,
        "most": nesting.PEOPLE_SHOWN,
        "roles": role_rights(found, installation=settings),
        "own_role": permissions.own_memberships(person, found).first(),
        "systems": SYSTEMS,
        **_explained(request.GET.get("who", "").strip(), project=found, reach=reach),
    }
    return render(request, "projects/people.html", shown, status=422 if shown["who_wrong"] else 200)


def _explained(who: str, *, project: Project, reach: Reach) -> dict[str, Any]:
    if not who:
        return {"who": "", "who_wrong": "", "answer": None}
    try:
        Contributor(user=who)
    except ValidationError:
        wrong = gettext("That can't be an account name. Write one such as bob@corp.example.")
        return {"who": who[:200], "who_wrong": wrong, "answer": None}
    return {"who": who, "who_wrong": "", "answer": why(who, project=project, reach=reach)}
