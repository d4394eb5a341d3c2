"""The one place where an error becomes an HTTP answer: problem+json (RFC 9457) under /api/, a page elsewhere.

Answers name the request id and never hold what an outside library said.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext, gettext_noop
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from portal.error_words import words_for
from portal.way_back import way_back
from projects.api_errors import Refused
from projects.errors import Conflict, Fault, InvalidSpec, NotAllowed, NotFound, ProjectError, StaleGeneration
from projects.in_use import in_use, is_in_use
from projects.serializers import PROBLEM, FaultOut
from projects.serializers import Problem as ProblemOut

log = structlog.get_logger(__name__)

RETRY_SECONDS = 5
DATABASE_DOWN = (OperationalError, InterfaceError)

_DOWN = gettext_noop(
    "The portal's database does not answer, so we can't say more. Try again in a few seconds; "
    "a call with the same Idempotency-Key happens once."
)
_BROKEN = gettext_noop("Something broke on our side. Give the platform team the request id.")


@dataclass(frozen=True)
class Problem:
    """An error as HTTP says it. `code` is the last part of the problem's type."""

    status: int
    code: str
    detail: str
    title: str = ""
    faults: Sequence[Fault] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self, request: HttpRequest) -> dict[str, Any]:
        """The body of RFC 9457 for this request."""
        return ProblemOut(
            type=f"urn:slipway:problem:{self.code.replace('_', '-')}",
            title=self.title or HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.detail,
            instance=request.path,
            request_id=_request_id(request),
            errors=[FaultOut(**fault.as_dict()) for fault in self.faults],
        ).model_dump()


def problem_of(error: BaseException) -> Problem | None:
    """How an error is said; None for one that nobody expected."""
    match error:
        case InvalidSpec():
            many = len(error.faults)
            counted = gettext("%(number)s things must be changed; all are in errors.") % {"number": many}
            detail = error.faults[0].message if many == 1 else counted
            if error.names_unknown_fields:
                title = "The body has unknown fields"
                return Problem(400, "unknown_field", detail, title=title, faults=error.faults)
            return Problem(422, "invalid_spec", detail, title="What you ask for has faults", faults=error.faults)
        case NotFound():
            return Problem(404, "not_found", error.message)
        case NotAllowed():
            return Problem(403, "not_allowed", error.message)
        case StaleGeneration():
            return Problem(412, "stale_generation", error.message, title="Changed in between")
        case Conflict():
            return Problem(409, "conflict", error.message)
        case Refused():
            return Problem(error.status_code, error.code, str(error.detail), faults=error.faults)
        case RequestDataTooBig():
            return Problem(413, "too_large", gettext("The body is too large. Send less."))
        case Http404():
            return Problem(404, "not_found", NotFound().message)
        case PermissionDenied():
            return Problem(403, "not_allowed", str(error) or gettext("You may not do this."))
        case NotAuthenticated():
            return Problem(401, "not_authenticated", "Send a token: Authorization: Bearer …, or sign in.")
        case APIException():
            return Problem(error.status_code, str(error.default_code), str(error.detail))
        case OperationalError() if is_in_use(error):
            log.warning("in_use", error=type(error.__cause__).__name__)
            return Problem(409, "in_use", in_use(), title="Somebody else is changing it", headers={"Retry-After": "1"})
        case OperationalError() | InterfaceError():
            log.error("database_down", error=type(error.__cause__ or error).__name__)
            return Problem(
                503,
                "database_unavailable",
                gettext(_DOWN),
                title="The database does not answer",
                headers={"Retry-After": str(RETRY_SECONDS)},
            )
    return None


def api_exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook: every expected error of the API as problem+json. None lets an unexpected one become a 500."""
    problem = problem_of(exc)
    if problem is None:
        return None
    set_rollback()
    headers = dict(problem.headers)
    if isinstance(exc, APIException) and (usual := exception_handler(exc, context)) is not None:
        # WWW-Authenticate and Retry-After.
        headers |= {name: value for name, value in usual.headers.items() if name in ("WWW-Authenticate", "Retry-After")}
    body = problem.as_dict(context["request"])
    return Response(body, status=problem.status, headers=headers, content_type=PROBLEM)


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The problem as whoever asked can read it: JSON under /api/, a page elsewhere."""
    if request.path.startswith("/api/"):
        response: HttpResponse = JsonResponse(problem.as_dict(request), status=problem.status, content_type=PROBLEM)
    else:
        response = _page(request, problem)
    for name, value in problem.headers.items():
        response[name] = value
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler400."""
    expected = problem_of(exception) if exception else None
    return answer(request, expected or Problem(400, "bad_request", gettext("This request can't be understood.")))


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler403."""
    return answer(request, problem_of(exception or PermissionDenied()) or Problem(403, "not_allowed", ""))


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """Django's handler404. What the routes say of an address stays here."""
    return answer(request, Problem(404, "not_found", NotFound().message))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500. Asks neither database nor session; they may be what broke."""
    error = sys.exc_info()[1]
    expected = problem_of(error) if isinstance(error, DATABASE_DOWN) else None
    return answer(request, expected or Problem(500, "internal", gettext(_BROKEN)))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW."""
    log.warning("csrf_refused", reason=reason)
    detail = gettext(
        "This form is too old, or did not come from this site, so nothing was done. "
        "Go back, load the page again and send it once more."
    )
    return answer(request, Problem(403, "csrf", detail, title="Not sent from this site"))


class DatabaseDown:
    """Middleware: a view that lost the database answers 503 with Retry-After instead of 500.

    What goes wrong in other middleware reaches `server_error`, which says the same.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for a lost database, and for what the domain refused and the page had no words of its own for."""
        if not isinstance(exception, (*DATABASE_DOWN, ProjectError)):
            return None
        problem = problem_of(exception)
        return answer(request, problem) if problem else None


class FormOnly:
    """Middleware: who comes to the address of a form without one gets a page that says so, not an empty answer.

    It happens to whoever has to sign in between filling in and sending.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request."""
        response = self.get_response(request)
        page = "text/html" in request.headers.get("Accept", "") and not request.path.startswith("/api/")
        if response.status_code != 405 or not page:
            return response
        allowed = {"Allow": response["Allow"]} if "Allow" in response else {}
        return answer(request, Problem(405, "method_not_allowed", "", headers=allowed))


def _page(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The page for a problem."""
    said = {"problem": problem, "message": problem.detail, "request_id": _request_id(request), "status": problem.status}
    if problem.status >= 500:
        # Without the request there are no context processors, and so nobody looks for a session.
        return HttpResponse(render_to_string("500.html", said), status=problem.status)
    if problem.status == 404:
        return render(request, "404.html", said, status=404)
    words = words_for(problem.status, code=problem.code)
    return render(request, "4xx.html", {**said, "words": words, "way": way_back(request)}, status=problem.status)


def _request_id(request: HttpRequest) -> str:
    return str(request.META.get("slipway.request_id", ""))
