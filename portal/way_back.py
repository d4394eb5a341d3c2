"""The way back from an error page: to the project, request or consent of the address, if the reader may see it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from projects import permissions

if TYPE_CHECKING:
    from projects.permissions import Person


@dataclass(frozen=True)
class Way:
    """A link and its words."""

    url: str
    words: str


def way_back(request: HttpRequest) -> Way | None:
    """Where the reader came from, as far as the address says; None when it says nothing, or nothing they may see.

    Asks the database, so it is not for pages that say that there is none.
    """
    user = getattr(request, "user", None)
    match = request.resolver_match
    if user is None or not user.is_authenticated or match is None:
        return None
    person, given = cast("Person", user), match.kwargs
    if match.route.startswith("projects/<slug:slug>/"):
        return _project(person, given["slug"])
    if match.route.startswith("requests/<int:number>/"):
        return _request(person, given["number"])
    if match.route.startswith("consents/<int:number>/"):
        return _consent(person, given["number"])
    return None


def _project(person: "Person", slug: str) -> Way | None:
    if not permissions.visible_projects(person).filter(slug=slug).exists():
        return None
    return Way(reverse("projects:project", args=[slug]), gettext("Back to %(name)s") % {"name": slug})


def _request(person: "Person", number: int) -> Way | None:
    return _numbered(permissions.visible_requests(person), number, "projects:request", gettext("Back to the request"))


def _consent(person: "Person", number: int) -> Way | None:
    return _numbered(permissions.visible_consents(person), number, "projects:consent", gettext("Back to the consent"))


def _numbered(seen: Any, number: int, name: str, words: str) -> Way | None:
    return Way(reverse(name, args=[number]), words) if seen.filter(pk=number).exists() else None
