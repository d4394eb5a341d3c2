"""What the pages share: who asks, which project is meant, and the domain's answers as HTTP."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from projects import permissions
from projects.actions import Asked
from projects.errors import NotAllowed, NotFound
from projects.models import Decision, Project
from projects.one_by_one import Result

if TYPE_CHECKING:
    from projects.permissions import Person

M = TypeVar("M", bound=Model)


def person_of(request: HttpRequest) -> "Person":
    """Who is signed in. LoginRequiredMiddleware lets nobody else come so far."""
    return cast("Person", request.user)


def is_htmx(request: HttpRequest) -> bool:
    """A request for a part of a page; a restored page of the browser's history is asked for whole."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def platform_admin_of(request: HttpRequest) -> "Person":
    """Who is signed in, of the platform team. Raises Http404 for everybody else: to them there is nothing here."""
    person = person_of(request)
    if not permissions.is_platform_admin(person):
        raise Http404
    return person


@contextmanager
def answered() -> Iterator[None]:
    """Domain errors as Django's: a stranger gets the same 404 as for a thing that does not exist."""
    try:
        yield
    except NotFound as error:
        raise Http404(error.message) from error
    except NotAllowed as error:
        raise PermissionDenied(error.message) from error


def find(person: "Person", slug: str) -> Project:
    """The project with its resources and team. Raises Http404."""
    rows = (
        permissions.visible_projects(person)
        .filter(slug=slug)
        .select_related("team", "registered_repository")
        .prefetch_related("resources")
    )
    found = rows.first()
    if found is None:
        raise Http404(slug)
    return found


def number_in(text: str) -> int | None:
    """The number that stands in a hidden field, None when somebody wrote something else there."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def revision_read(request: HttpRequest) -> int:
    """The revision of a request that a form was made for; 0, which none is, where it names none."""
    return number_in(request.POST.get("revision", "")) or 0


def came_of(results: Iterable[Result[M]], *, page: str, name: Callable[[M], str]) -> list[dict[str, Any]]:
    """What came of each, for `_partials/came_of.html`; plain values, since the session keeps them.

    page: the address of one, by its number. name: how the list calls one that the person can see.
    """
    return [
        {
            "link": reverse(page, args=[one.number]),
            "name": name(one.row) if one.row is not None else str(one.number),
            "done": one.done,
            "said": one.said,
        }
        for one in results
    ]


def after(asked: Asked) -> HttpResponseRedirect:
    """The page of what came of asking: the project's status page, or the request that waits for a person."""
    if asked.request is not None and asked.request.decision == Decision.PENDING:
        return HttpResponseRedirect(reverse("projects:request", args=[asked.request.pk]))
    slug = asked.project.slug if asked.project else asked.request.slug if asked.request else ""
    return HttpResponseRedirect(reverse("projects:project", args=[slug]))


def conflict_page(request: HttpRequest, message: str, *, back: str) -> HttpResponse:
    """409: the thing is in a state that does not allow it, and why."""
    return render(request, "projects/conflict.html", {"message": message, "back": back}, status=409)
