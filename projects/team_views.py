"""The pages about teams: what a team has and what is left, who is in it, who decides."""

from django.db.models import F
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from projects import permissions, project_list, teams, usage, usage_words
from projects.answers import answered, person_of
from projects.exports import BATCH, form_asked, stream
from projects.installation import installation
from projects.models import Project, Team
from projects.short_states import states_of
from projects.sorting import Order, Sorted, in_order, order_asked, sorted_page

_PROJECT_ORDERS = (Order("units", F("units"), falling=True, read=int), *project_list.ORDERS)


@require_GET
def team_list(request: HttpRequest) -> HttpResponseBase:
    """The person's teams with their budgets; all for the platform team. `format=csv|json`: as a file."""
    visible, catalogue = permissions.teams_of(person_of(request)), installation().catalogue
    rows = teams.with_budget(visible)
    order, falling = order_asked(teams.ORDERS, request.GET.get("sort", ""))
    if form := form_asked(request):
        everything = in_order(rows, order=order, falling=falling).iterator(chunk_size=BATCH)
        granted = usage.granted_to(visible, catalogue=catalogue)
        records = (teams.record(one, granted=granted.get(one.slug, {})) for one in everything)
        return stream(records, columns=teams.columns(), name="teams", form=form)
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    listed: Sorted[Team] = sorted_page(rows, order=order, falling=falling, after=after, before=before)
    granted = usage.granted_to(listed.rows, catalogue=catalogue)
    lines = [(one, usage_words.granted(granted.get(one.slug, {}))) for one in listed.rows]
    return render(request, "projects/teams.html", {"page": listed, "lines": lines})


@require_GET
def team(request: HttpRequest, team: str) -> HttpResponseBase:
    """One team. `format=csv|json`: its projects as a file."""
    person = person_of(request)
    with answered():
        found = teams.find_team(person, team)
    rows = permissions.visible_projects(person).filter(team=found)
    order, falling = order_asked(_PROJECT_ORDERS, request.GET.get("sort", ""))
    if form := form_asked(request):
        records = project_list.records(in_order(rows, order=order, falling=falling))
        return stream(records, columns=project_list.COLUMNS, name=f"projects-{team}", form=form)
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    rows = rows.select_related("team")
    listed: Sorted[Project] = sorted_page(rows, order=order, falling=falling, after=after, before=before)
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
