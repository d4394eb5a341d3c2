"""Ends sessions that nobody used for a while, and all sessions after a working day."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

IDLE_SECONDS = 30 * 60
# In the session: {"began": seconds, "seen": seconds} since 1970.
CLOCK_KEY = "session_clock"
# Seconds within which a second visit is not written down, so that reading pages does not write sessions.
_GRAIN = 60


@receiver(user_logged_in, dispatch_uid="portal.sessions.start_clock")
def start_clock(sender: Any, request: HttpRequest | None, **kwargs: Any) -> None:  # noqa: ARG001
    """A new sign-in starts both clocks anew."""
    if request is not None and hasattr(request, "session"):
        now = int(time.time())
        request.session[CLOCK_KEY] = {"began": now, "seen": now}


class SessionLimits:
    """Middleware, after AuthenticationMiddleware. Limits: SESSION_COOKIE_AGE in all, IDLE_SECONDS of quiet."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Signs out a session that is over its limits, then goes on."""
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            self._look(request)
        return self.get_response(request)

    def _look(self, request: HttpRequest) -> None:
        now = int(time.time())
        clock = request.session.get(CLOCK_KEY) or {"began": now, "seen": 0}
        fresh = clock["seen"] == 0
        too_old = now - clock["began"] > settings.SESSION_COOKIE_AGE
        too_quiet = not fresh and now - clock["seen"] > IDLE_SECONDS
        if too_old or too_quiet:
            logout(request)
        elif now - clock["seen"] >= _GRAIN and not _polls(request):
            request.session[CLOCK_KEY] = {"began": clock["began"], "seen": now}


def _polls(request: HttpRequest) -> bool:
    """Whether a page that is only open asks by itself; that is not somebody using the portal."""
    return "HX-Request" in request.headers and request.path.rstrip("/").endswith("/live")
