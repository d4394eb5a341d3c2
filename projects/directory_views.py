"""The directory while one types a name: a part of a page for htmx, JSON for any other caller."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from projects import directory
from projects.answers import person_of
from projects.models import DirectoryEntry
from projects.often import too_often

KINDS = {"person": False, "group": True}
SEARCHES_PER_MINUTE = 120
TOO_OFTEN = gettext_lazy("You searched very often just now. Wait a minute, then search again.")


def as_json(found: DirectoryEntry) -> dict[str, str]:
    """What anybody signed in may know of an entry, and nothing besides."""
    return {
        "kind": "group" if found.is_group else "person",
        "account": found.account,
        "name": found.name,
        "mail": found.mail,
        "place": found.place,
    }


@require_GET
@vary_on_headers("HX-Request")
def directory_page(request: HttpRequest) -> HttpResponse:
    """People and groups that match `q`; `kind` is person, group or nothing for both.

    Parts of pages have buttons that add what was found; with `as=choices`, the choices of a text field instead.
    """
    words, kind = request.GET.get("q", ""), request.GET.get("kind", "")
    if wait := too_often("directory", person_of(request).pk, limit=SEARCHES_PER_MINUTE):
        return JsonResponse({"detail": str(TOO_OFTEN)}, status=429, headers={"Retry-After": str(wait)})
    found = directory.search(words, is_group=KINDS.get(kind))
    if "HX-Request" in request.headers and request.GET.get("as") == "choices":
        return render(request, "projects/_directory_choices.html", {"found": found})
    if "HX-Request" in request.headers:
        shown = {"found": found, "words": words.strip()[: directory.LONGEST], "count_said": True}
        return render(request, "projects/_directory_results.html", shown)
    return JsonResponse({"items": [as_json(one) for one in found]}, headers={"Cache-Control": "private, no-store"})
