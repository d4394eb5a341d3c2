"""Announcements as one reader sees them: what stands on the page, and putting one away for this session.

Kept in the session, so that it needs no row, and so that it is seen again after the next sign-in.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from portal.auth_views import safe_next
from projects import announcements
from projects.models import Announcement

SESSION_KEY = "announcements_put_away"
"""In the session: the revision that was put away, by the announcement's number."""


def told(request: HttpRequest) -> list[Announcement]:
    """What the platform team tells this reader now; those who are not signed in are told what is public."""
    signed_in = request.user.is_authenticated
    away = request.session.get(SESSION_KEY, {}) if signed_in else {}
    return announcements.shown_now(signed_in=signed_in, put_away=away)


@require_POST
def put_away(request: HttpRequest, announcement: int) -> HttpResponse:
    """Put one away and go back to the page `next`. One that is not shown any more is nothing to complain about."""
    before = request.session.get(SESSION_KEY, {})
    request.session[SESSION_KEY] = announcements.put_away(announcement, before=before)
    return redirect(safe_next(request, request.POST.get("next")))
