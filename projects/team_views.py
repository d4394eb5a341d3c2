"""The pages about teams: what a team has and what is left, who is in it, who decides; and changing it, by preview."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods

from projects import permissions, project_list, teams
from projects.answers import answered, number_in, person_of
from projects.errors import InvalidSpec, StaleGeneration
from projects.exports import BATCH, form_asked, stream
from projects.installation import installation
from projects.models import Door, Project, Team
from projects.sorting import Order, Sorted, in_order, order_asked, sorted_page
from projects.team_actions import change_team, state_of

_PROJECT_ORDERS = (Order("units", F("units"), falling=True, read=int), *project_list.ORDERS)


@require_GET
def team_list(request: HttpRequest) -> HttpResponseBase:
    """The person's teams with their budgets; all for the platform team. `format=csv|json`: as a file."""
    rows = teams.with_budget(permissions.teams_of(person_of(request)))
    order, falling = order_asked(teams.ORDERS, request.GET.get("sort", ""))
    if form := form_asked(request):
        everything = in_order(rows, order=order, falling=falling).iterator(chunk_size=BATCH)
        return stream((teams.record(one) for one in everything), columns=teams.COLUMNS, name="teams", form=form)
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    listed: Sorted[Team] = sorted_page(rows, order=order, falling=falling, after=after, before=before)
    return render(request, "projects/teams.html", {"page": listed})


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
    read = rows.select_related("team").prefetch_related("resources")
    listed: Sorted[Project] = sorted_page(read, order=order, falling=falling, after=after, before=before)
    shown = {
        "team": found,
        "page": listed,
        "groups": teams.groups_of(found),
        "rules": teams.rules_of(found, catalogue=installation().catalogue),
        "deciders": teams.platform_team(),
        "changes": teams.changes_of(found),
        "may_change": permissions.may_change_team(person),
    }
    return render(request, "projects/team.html", shown)


@require_http_methods(["GET", "POST"])
def team_edit(request: HttpRequest, team: str) -> HttpResponse:
    """Change name, groups and budget: first what it does, then do it."""
    person, pressed = person_of(request), request.POST.get("do", "")
    with answered():
        found = teams.find_team(person, team)
    if not permissions.may_change_team(person):
        raise PermissionDenied(gettext("Only the platform team changes groups and budget of a team. Ask them."))
    typed = _typed(request) if request.method == "POST" else _present(found)
    shown: dict[str, Any] = {"team": found, "typed": typed, "seen": request.POST.get("seen") or state_of(found)}
    if request.method != "POST" or pressed == "edit":
        return render(request, "projects/team_edit.html", shown)
    try:
        preview = change_team(
            team, _wish(typed), by=person, door=Door.FORM, expected=shown["seen"], dry_run=pressed != "change"
        )
    except InvalidSpec as error:
        labels = {
            "name": gettext("Name"),
            "groups": gettext("Directory groups"),
            "budget": gettext("Budget"),
            "because": gettext("Why?"),
        }
        shown["problems"] = [
            {
                "field": str(fault.path[0]),
                "anchor": f"team-{fault.path[0]}",
                "label": labels.get(str(fault.path[0]), str(fault.path[0])),
                "message": fault.message,
            }
            for fault in error.faults
        ]
        return render(request, "projects/team_edit.html", shown, status=422)
    except StaleGeneration as error:
        shown |= {"stale": error.message, "seen": state_of(Team.objects.get(pk=found.pk))}
        return render(request, "projects/team_edit.html", shown, status=409)
    if pressed == "change":
        messages.info(request, gettext("Changed.") if preview else gettext("Nothing differs. Nothing was changed."))
        return redirect("projects:team", team=team)
    return render(request, "projects/team_edit.html", {**shown, "preview": preview, "previewed": True})


def _present(found: Team) -> dict[str, str]:
    return {"name": found.name, "groups": "\n".join(found.ad_groups), "budget": str(found.budget), "because": ""}


def _typed(request: HttpRequest) -> dict[str, str]:
    return {name: request.POST.get(name, "") for name in ("name", "groups", "budget", "because")}


def _wish(typed: dict[str, str]) -> dict[str, Any]:
    """What was typed as data; a budget that is no number stays text, and is refused as one."""
    budget = number_in(typed["budget"].strip())
    return {
        **typed,
        "groups": [line.strip() for line in typed["groups"].splitlines() if line.strip()],
        "budget": typed["budget"] if budget is None else budget,
    }
