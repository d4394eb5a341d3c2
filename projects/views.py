"""The first pages: what do I have, what needs me, and the words.

Pages read Postgres only; they ask nothing outside. Every write goes through `projects.actions`. All work without
script.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from projects import activity, documents, permissions
from projects.answers import person_of
from projects.installation import installation
from projects.listing import WORDS, Page, having, page_of, searched
from projects.models import Decision, Project
from provisioning.conditions import Word


def _is_htmx(request: HttpRequest) -> bool:
    """A request for a part of a page; a restored page of the browser's history is asked for whole."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


# My projects


@require_GET
@vary_on_headers("HX-Request")
def start(request: HttpRequest) -> HttpResponse:
    """What do I have, and what needs me."""
    person = person_of(request)
    visible = permissions.visible_projects(person)
    words, chosen, before = (request.GET.get(name, "") for name in ("q", "status", "before"))
    rows = searched(visible, words)
    if chosen in {word.value for word in WORDS}:
        rows = having(rows, Word(chosen))
    listed: Page[Project] = page_of(rows.select_related("team").prefetch_related("resources"), before=before)
    query = request.GET.copy()
    query["before"] = str(listed.older or "")
    shown = {
        "page": listed,
        "lines": [(one, _short_state(one)) for one in listed.rows],
        "words": words,
        "chosen": chosen,
        "all_words": WORDS,
        "older": f"?{query.urlencode()}" if listed.older else "",
        "filtered": bool(words or chosen or before),
    }
    if _is_htmx(request):
        return render(request, "projects/_rows.html", {**shown, "count_said": True})
    if not listed.rows and not shown["filtered"]:
        return render(request, "projects/start_empty.html", _empty(person))
    waiting = permissions.visible_requests(person).filter(decision=Decision.PENDING)
    needs = having(visible, Word.ATTENTION).select_related("team").prefetch_related("resources").order_by("-pk")
    shown["needs"] = [(one, _short_state(one)) for one in needs[:5]]
    shown["decide"] = list(waiting.exclude(requested_by=person.pk)[:5]) if permissions.is_platform_admin(person) else []
    shown["asked"] = list(waiting.filter(requested_by=person.pk, project=None)[:5])
    shown["entries"] = activity.of_person(person)
    shown["projects"] = visible.count()
    shown["teams"] = visible.order_by().values("team").distinct().count()
    return render(request, "projects/start.html", shown)


def _short_state(project: Project) -> str:
    """Half a sentence below the status word of a list; "" when the word says it all."""
    rows = list(project.resources.all())
    for row in rows:
        if row.word in (Word.ATTENTION, Word.WAITING):
            return row.synced_message
    if project.word is Word.WORKING:
        return f"{sum(row.word is Word.READY for row in rows)} ready so far"
    return ""


def _empty(person: Any) -> dict[str, Any]:
    catalogue = installation().catalogue
    teams = list(permissions.teams_of(person)[:20])
    team = teams[0].slug if teams else "forecasting"
    example = {"version": 1, "slug": "demand-forecast", "team": team, "plan": catalogue.defaults.plan}
    asked = permissions.visible_requests(person).filter(decision=Decision.PENDING, project=None)
    return {
        "teams": teams,
        "cluster": catalogue.cluster(),
        "example_file": documents.profile_yaml(example),
        "example_call": documents.api_call(example, public_url=installation().public_url),
        "asked": list(asked[:5]),
    }


@require_GET
def help_page(request: HttpRequest) -> HttpResponse:
    """The words, and the three doors."""
    return render(request, "projects/help.html", {"catalogue": installation().catalogue})
