"""What happened to a project: who, what, by which door, and the difference it made; all of it also as a file."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from projects.answers import find, person_of
from projects.exports import form_asked, stream
from projects.frame import frame
from projects.happenings import COLUMNS, Wanted, happenings, records
from projects.models import Door
from projects.presentation import kinds_as_shown


@require_GET
def activity_page(request: HttpRequest, slug: str) -> HttpResponseBase:
    """A page of what happened, narrowed and paged by the address."""
    found = find(person_of(request), slug)
    door, who, kind, words = (request.GET.get(name, "").strip()[:100] for name in ("door", "who", "kind", "q"))
    wanted = Wanted(
        door=door if door in Door.values else "",
        who=who,
        kind=kind if kind in {one.name for one in kinds_as_shown()} else "",
        words=words,
    )
    if form := form_asked(request):
        return stream(records(found, wanted=wanted), columns=COLUMNS, name=f"activity-{slug}", form=form)
    shown = {
        **frame(request, found, tab="activity"),
        "page": happenings(found, wanted=wanted, before=request.GET.get("before", "")),
        "wanted": wanted,
        "doors": Door.choices,
        "kinds": kinds_as_shown(),
    }
    return render(request, "projects/activity.html", shown)
