"""What happened to a project: who, what, by which door, and the difference it made; all of it also as a file."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from projects.answers import find, person_of
from projects.exports import file_of
from projects.frame import frame
from projects.happenings import COLUMNS, Wanted, happenings, records
from projects.list_address import chosen_in
from projects.models import Door
from projects.presentation import kinds_as_shown


@require_GET
def activity_page(request: HttpRequest, slug: str) -> HttpResponseBase:
    """A page of what happened, narrowed and paged by the address."""
    found = find(person_of(request), slug)
    kinds = kinds_as_shown()
    wanted = Wanted(**chosen_in(request, "who", "words", door=Door.values, kind=[one.name for one in kinds]))
    if file := file_of(request, records(found, wanted=wanted), columns=COLUMNS, name=f"activity-{slug}"):
        return file
    shown = {
        **frame(request, found, tab="activity"),
        "page": happenings(found, wanted=wanted, before=request.GET.get("before", "")),
        "wanted": wanted,
        "doors": Door.choices,
        "kinds": kinds,
    }
    return render(request, "projects/activity.html", shown)
