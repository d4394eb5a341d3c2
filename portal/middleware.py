"""Ties one click together: a request id from the edge to the worker's log line, and who acts by which door."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pghistory
import structlog
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from portal.errors import Problem, answer

GetResponse = Callable[[HttpRequest], HttpResponse]
_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_QUIET = ("/static/", "/healthz", "/readyz")
log = structlog.get_logger("portal.request")


class RequestId:
    """Gives each request an id (a well-formed X-Request-Id is kept), logs it once, and names it in the answer."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request with its id bound to every log line."""
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _ID.fullmatch(given) else uuid.uuid4().hex
        request.META["slipway.request_id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            response["X-Request-Id"] = request_id
            if not request.path.startswith(_QUIET):
                log.info("request", method=request.method, path=request.path, status=response.status_code)
        return response


class StorableText:
    """Refuses pages' queries and forms that hold a NUL: no browser sends one, and Postgres can't keep it.

    API and webhooks, which are exempt from CSRF checks, read their bodies themselves and refuse it there.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, *_: Any) -> HttpResponse | None:
        """400 for such a request; before this the CSRF check has read the form."""
        if getattr(view, "csrf_exempt", False):
            return None
        given = (*request.GET.lists(), *request.POST.lists())
        if not any("\x00" in text for _, values in given for text in values):
            return None
        detail = gettext(
            "A field holds a control character (NUL) that can't be kept. Remove it and send the form again."
        )
        return answer(request, Problem(400, "control_characters", detail))


class AuditContext:
    """What the database's history says of a write that a request makes: actor, door and request id."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request; reads need no context."""
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return self.get_response(request)
        actor = request.user.get_username() if request.user.is_authenticated else ""
        door = "api" if request.path.startswith("/api/") else "form"
        with pghistory.context(actor=actor, door=door, request_id=request.META["slipway.request_id"]):
            return self.get_response(request)
