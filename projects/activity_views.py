"""What happened to a project: who, what, by which door, and the difference it made."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from projects import activity
from projects.answers import find, person_of
from projects.frame import frame


@require_GET
def activity_page(request: HttpRequest, slug: str) -> HttpResponse:
    """The newest entries."""
    found = find(person_of(request), slug)
    shown = {**frame(request, found, tab="activity"), "entries": activity.of_project(found, size=30)}
    return render(request, "projects/activity.html", shown)
