"""The start page: what needs me, what do I have, what happened; and its list as a file."""

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from projects import activity, documents, permissions, project_list
from projects.answers import is_htmx, person_of
from projects.installation import installation
from projects.list_address import chosen_in, list_file, list_page
from projects.listing import WORDS
from projects.models import Decision, Team
from projects.needs import needs_of
from projects.short_states import states_of
from projects.sorting import MOST_COUNTED, counted
from provisioning import profile_file


@require_GET
@vary_on_headers("HX-Request")
def start(request: HttpRequest) -> HttpResponseBase:
    """What do I have, and what needs me. `format=csv|json` in the address: the list as a file."""
    person = person_of(request)
    permissions.remember_sight(person)
    chosen = chosen_in(request, "words", "team", "plan", status=WORDS, whose=("mine",))
    rows = project_list.rows(person, **chosen)
    if file := list_file(request, rows, of=project_list.LIST, name="projects"):
        return file
    listed = list_page(request, rows.select_related("team"), of=project_list.LIST)
    if not listed.rows and not chosen and not request.GET.get("after") and not is_htmx(request):
        return render(request, "projects/start_empty.html", _empty(person) | _waiting(person))
    number, states = counted(rows), states_of(listed.rows)
    shown = {
        "page": listed,
        "lines": [(one, states[one.pk]) for one in listed.rows],
        "chosen": chosen,
        "number": min(number, MOST_COUNTED),
        "many": number > MOST_COUNTED,
        "is_platform_admin": permissions.is_platform_admin(person),
    }
    if is_htmx(request):
        return render(request, "projects/_rows.html", {**shown, "count_said": True})
    shown |= {
        "all_words": WORDS,
        "all_teams": _teams_seen(person),
        "all_plans": list(installation().catalogue.plans),
        "entries": activity.of_person(person),
        **_waiting(person),
    }
    return render(request, "projects/start.html", shown)


def _waiting(person: Any) -> dict[str, Any]:
    """What waits for the person, and what of theirs waits for others: whether or not they have projects."""
    asked = permissions.own_requests(person).select_related(None).filter(decision=Decision.PENDING, project=None)
    return {"needs": needs_of(person), "asked": list(asked[:5])}


def _teams_seen(person: Any) -> list[str]:
    """Slugs of the person's teams, and of those of other projects in which they hold a role."""
    elsewhere = permissions.own_projects(person).values("team")
    teams = Team.objects.filter(Q(pk__in=permissions.teams_of(person)) | Q(pk__in=elsewhere))
    return list(teams.order_by("slug").values_list("slug", flat=True))


def _empty(person: Any) -> dict[str, Any]:
    catalogue = installation().catalogue
    teams = list(permissions.teams_of(person)[:20])
    team = teams[0].slug if teams else "forecasting"
    example = {"version": 1, "slug": "demand-forecast", "team": team, "plan": catalogue.defaults.plan}
    return {
        "teams": teams,
        "cluster": catalogue.cluster(),
        "example_file": profile_file.profile_yaml(example),
        "example_call": documents.api_call(example, public_url=installation().public_url),
    }


@require_GET
def help_page(request: HttpRequest) -> HttpResponse:
    """The words, and the three doors."""
    return render(request, "projects/help.html", {"catalogue": installation().catalogue})
