"""A project's first two pages, is it ready and how do I use it, what it is made of; and what keeps them fresh.

The frame around them, with the other tabs, is in `projects.frame`.
"""

from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from projects import actions, activity, documents, permissions, short_lists, usage
from projects.anatomy import anatomy
from projects.answers import answered, find, person_of
from projects.credential_views import credentials_shown
from projects.exports import file_of
from projects.frame import frame, polled, state_of, tab_of
from projects.installation import installation
from projects.models import Decision, Door
from projects.overview import fullest, needs_of
from projects.reach import ranked
from projects.reading import readings
from provisioning.kind import kinds

STOP_POLLING = 286
"""The status by which htmx stops asking."""


def _instead(person: Any, slug: str) -> str | None:
    """Where to go for a name that has no project now: its open request, or the one that removed it."""
    asked = permissions.visible_requests(person).filter(slug=slug)
    found = asked.filter(Q(decision=Decision.PENDING, project=None) | Q(project__deleted_at__isnull=False)).first()
    return reverse("projects:request", args=[found.pk]) if found else None


@require_GET
def project(request: HttpRequest, slug: str) -> HttpResponse:
    """Is it ready, and how do I use it."""
    person = person_of(request)
    try:
        found = find(person, slug)
    except Http404:
        if address := _instead(person, slug):
            return redirect(address)
        raise
    shown = frame(request, found, tab="project")
    wish = shown["wish"]
    return render(
        request,
        "projects/project.html",
        {
            **shown,
            "blocks": documents.use_blocks(wish, resolve=installation().resolve)
            if wish and found.deletion_requested_at is None
            else (),
            "people": ranked(found),
            "needs": needs_of(shown["state"], spec=shown["spec"], may_change=shown["may_change"]),
            "readings": readings(found, wish=wish),
            "fullest": fullest(usage.of_project(found, catalogue=installation().catalogue)),
            "entries": activity.of_project(found),
            "first": found.requests.order_by("pk").first(),
        },
    )


@require_GET
def resources(request: HttpRequest, slug: str) -> HttpResponseBase:
    """What it is made of, each with what we see of it, since when, and when we last looked.

    `format=csv|json` in the address: the list as a file.
    """
    found = find(person_of(request), slug)
    records = short_lists.of_resources(found.resources.all())
    if file := file_of(request, records, columns=short_lists.RESOURCES, name=f"resources-{slug}"):
        return file
    shown = frame(request, found, tab="resources")
    wish = shown["wish"]
    shown["parts_made"] = anatomy(wish, resources=found.resources.all()) if wish else ()
    return render(request, "projects/resources.html", shown)


@require_GET
def live(request: HttpRequest, slug: str) -> HttpResponse:
    """What moved on a page of the project since `seen`: 204 nothing, 286 settled, else the parts that differ."""
    person = person_of(request)
    try:
        found = find(person, slug)
    except Http404:
        if address := _instead(person, slug):
            return HttpResponse(headers={"HX-Redirect": address})
        raise
    state, _ = state_of(found)
    tab = tab_of(request.GET.get("tab", ""))
    asks = polled(request, state, tab=tab)
    seen = request.GET.get("seen", "").split("-")
    parts = {name: mark for name, mark in state.marks(*tab.live).items() if mark not in seen}
    if not parts and not state.settled and request.GET.get("pace") == str(asks["pace"]):
        return HttpResponse(status=204)
    shown = {
        **asks,
        "project": found,
        "state": state,
        "parts": parts,
        "may_look": permissions.may_look_again(person, found) and found.deletion_requested_at is None,
        "is_platform_admin": permissions.is_platform_admin(person),
    }
    if "credentials" in parts:
        shown |= credentials_shown(person, found)
    return render(request, "projects/_live.html", shown, status=STOP_POLLING if state.settled else 200)


@require_POST
def look(request: HttpRequest, slug: str) -> HttpResponse:
    """Look again, at all or at one Kind; then back to the page where the button is."""
    person = person_of(request)
    with answered():
        asked = request.POST.get("kind", "")
        actions.look_again(find(person, slug), by=person, door=Door.FORM, kind=asked if asked in kinds() else None)
    return redirect(tab_of(request.POST.get("tab", "")).address, slug=slug)
