"""While somebody of the platform team sees as another person: pages are drawn for that person, nothing else happens.

Only GET gets through, and only to pages. Every write, the API, Django's admin and sign-in are refused with a sentence;
the two ways out, back to oneself and signing out, act as who is really there. A secret is never shown by GET.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext

from portal.errors import Problem, answer
from projects import seeing

if TYPE_CHECKING:
    from projects.permissions import Person

_READS = ("GET", "HEAD")
_APART = ("/api/", "/admin/", "/break-glass/", "/oauth2/", "/sign-in/")


class SeeAs:
    """Middleware, after the session's limits and before anything that asks who is there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request as oneself, as the other person, or not at all."""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
            return self.get_response(request)
        number = request.session.get(seeing.SESSION_KEY)
        if number is None or self._leads_out(request):
            return self.get_response(request)
        row = seeing.current(number, by=cast("Person", request.user))
        if row is None:
            return self._over(request)
        # Also for the refusal: its page has the way out.
        cast(Any, request).seen_as = row
        request.user = row.seen
        if request.method not in _READS or request.path.startswith(_APART):
            detail = gettext(
                "You see this as %(name)s, read-only: nothing can be changed, and the API and sign-in stay closed. "
                "Go back to yourself first."
            ) % {"name": row.seen_name}
            return answer(request, Problem(403, "seen_as_reads_only", detail))
        response = self.get_response(request)
        # What was drawn for another person must not come back out of a cache.
        response["Cache-Control"] = "private, no-store"
        return response

    def _leads_out(self, request: HttpRequest) -> bool:
        ways = (reverse("platform:see-as-end"), reverse("django_auth_adfs:logout"))
        return request.method == "POST" and request.path in ways

    def _over(self, request: HttpRequest) -> HttpResponse:
        """The first request after the time is over does nothing: its form was drawn for somebody else."""
        del request.session[seeing.SESSION_KEY]
        if request.path.startswith("/api/") or request.method not in _READS:
            detail = gettext("The time for seeing as somebody else is over; you are yourself again. Nothing was done.")
            return answer(request, Problem(403, "seen_as_is_over", detail))
        return redirect("projects:start")
