"""The pages about teams: what a team has and what is left, who is in it, who decides."""

from dataclasses import replace

from django.db.models import F
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from projects import permissions, project_list, teams, usage, usage_words
from projects.answers import answered, person_of
from projects.exports import file_of
from projects.installation import installation
from projects.list_address import list_file, list_page
from projects.short_states import states_of
from projects.sorting import Order

_BY_UNITS = Order("units", F("units"), falling=True, read=int)
_PROJECTS = replace(project_list.LIST, orders=(_BY_UNITS, *project_list.ORDERS))


@require_GET
def team_list(request: HttpRequest) -> HttpResponseBase:
    """The person's teams with their budgets; all for the platform team. `format=csv|json`: as a file."""
    visible, catalogue = permissions.teams_of(person_of(request)), installation().catalogue
    rows, listed = teams.with_budget(visible), teams.listed(visible, catalogue=catalogue)
    if file := list_file(request, rows, of=listed, name="teams"):
        return file
    page = list_page(request, rows, of=listed)
    granted = usage.granted_to(page.rows, catalogue=catalogue)
    lines = [(one, usage_words.granted(granted.get(one.slug, {}))) for one in page.rows]
    return render(request, "projects/teams.html", {"page": page, "lines": lines})


@require_GET
def team(request: HttpRequest, team: str) -> HttpResponseBase:
    """One team. `format=csv|json`: its projects as a file, or by `list=people|changes` who is in it, or its changes."""
    person = person_of(request)
    with answered():
        found = teams.find_team(person, team)
    if (asked := teams.FILES.get(request.GET.get("list", ""))) is not None:
        columns, records = asked
        name = f"{request.GET['list']}-{team}"
        if part := file_of(request, records(found), columns=columns, name=name):
            return part
    rows = permissions.visible_projects(person).filter(team=found)
    if file := list_file(request, rows, of=_PROJECTS, name=f"projects-{team}"):
        return file
    listed = list_page(request, rows.select_related("team"), of=_PROJECTS)
    states = states_of(listed.rows)
    shown = {
        "team": found,
        "page": listed,
        "lines": [(one, states[one.pk]) for one in listed.rows],
        "groups": teams.groups_of(found),
        "rules": teams.rules_of(found, catalogue=installation().catalogue),
        "deciders": teams.platform_team(),
        "changes": teams.changes_of(found),
        "has_data": any(one.owner == found.slug for one in installation().catalogue.data_stores)
        or found.consents.exists(),
        "may_change": permissions.may_change_team(person),
    }
    return render(request, "projects/team.html", shown)
