"""Errors outside the API's own views: problem+json under /api/, pages elsewhere, and a lost database."""

import json
import os
import socket
import subprocess
import sys
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from portal import errors
from projects.errors import Conflict, Fault, InvalidSpec, NotAllowed, NotFound, ProjectError, StaleGeneration

FAULT = Fault(path=("contributors", 0, "role"), code="enum", message="Choose one of owner.")


def request_for(path: str) -> HttpRequest:
    request = RequestFactory().get(path)
    request.META["slipway.request_id"] = "5a8e7f06"
    return request


def said(response: HttpResponse) -> dict[str, Any]:
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(response.content)
    return body


@pytest.mark.parametrize(
    ("error", "status", "kind", "faults"),
    [
        (InvalidSpec([FAULT]), 422, "invalid-spec", [FAULT.as_dict()]),
        (NotFound(), 404, "not-found", []),
        (NotAllowed("Ask an owner."), 403, "not-allowed", []),
        (Conflict("It is being removed."), 409, "conflict", []),
        (StaleGeneration("Read it again."), 412, "stale-generation", []),
        (OperationalError("host=db.corp.example"), 503, "database-unavailable", []),
        (InterfaceError("connection closed"), 503, "database-unavailable", []),
    ],
)
def test_each_of_our_errors_has_one_answer(error: Exception, status: int, kind: str, faults: list[Any]) -> None:
    problem = errors.problem_of(error)
    assert problem is not None
    response = errors.answer(request_for("/api/v1/projects/"), problem)
    body = said(response)
    assert response.status_code == status
    assert (body["type"], body["status"], body["errors"]) == (f"urn:slipway:problem:{kind}", status, faults)
    assert (body["instance"], body["request_id"]) == ("/api/v1/projects/", "5a8e7f06")
    assert "db.corp.example" not in str(body)
    assert (response.get("Retry-After") == "5") is (status == 503)


@pytest.mark.parametrize("code", ["40P01", "55P03"])
def test_what_somebody_else_holds_is_no_lost_database(code: str) -> None:
    error = OperationalError("deadlock detected")
    error.__cause__ = type("Held", (Exception,), {"sqlstate": code})()
    problem = errors.problem_of(error)
    assert problem is not None
    response = errors.answer(request_for("/api/v1/projects/"), problem)
    assert (response.status_code, response["Retry-After"], said(response)["type"]) == (
        409, "1", "urn:slipway:problem:in-use",
    )  # fmt: skip
    assert "Try again" in said(response)["detail"]


def test_an_unexpected_error_is_nobodys_answer() -> None:
    assert errors.problem_of(KeyError("slug")) is None
    assert errors.api_exception_handler(KeyError("slug"), {}) is None


@pytest.mark.parametrize(
    ("view", "error", "status"),
    [
        (errors.bad_request, SuspiciousOperation("../"), 400),
        (errors.permission_denied, PermissionDenied("Ask an owner."), 403),
        (errors.page_not_found, Exception("tried these routes"), 404),
    ],
)
def test_djangos_own_refusals_under_api(view: Any, error: Exception, status: int) -> None:
    response = view(request_for("/api/v1/x/"), error)
    assert (response.status_code, said(response)["status"]) == (status, status)
    assert "tried these routes" not in response.content.decode()


def test_a_broken_server_says_so_without_details() -> None:
    try:
        raise KeyError("canary")
    except KeyError:
        response = errors.server_error(request_for("/api/v1/x/"))
    assert (response.status_code, said(response)["type"]) == (500, "urn:slipway:problem:internal")
    assert "canary" not in response.content.decode()


def test_a_database_lost_in_middleware_is_503() -> None:
    try:
        raise OperationalError("gone")
    except OperationalError:
        response = errors.server_error(request_for("/api/v1/x/"))
    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_csrf_under_api() -> None:
    response = errors.csrf_failure(request_for("/api/v1/x/"), reason="no cookie")
    assert (response.status_code, said(response)["type"]) == (403, "urn:slipway:problem:csrf")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound(), 404),
        (NotAllowed("Ask an owner."), 403),
        (Conflict("It is being removed."), 409),
        (OperationalError("host=db.corp.example"), 503),
    ],
)
def test_outside_the_api_it_is_a_page(error: ProjectError | OperationalError, status: int) -> None:
    request = request_for("/projects/demand/")
    request.user = _Nobody()  # type: ignore[assignment]  # what the layout asks of a request, without a database
    response = errors.DatabaseDown(lambda _: HttpResponse()).process_exception(request, error)
    assert response is not None
    assert (response.status_code, response["Content-Type"]) == (status, "text/html; charset=utf-8")
    text = response.content.decode()
    assert "5a8e7f06" in text
    assert "db.corp.example" not in text
    if isinstance(error, NotAllowed | Conflict):
        assert error.message in text


def test_other_errors_of_a_view_are_left_to_django() -> None:
    middleware = errors.DatabaseDown(lambda _: HttpResponse())
    assert middleware.process_exception(request_for("/"), KeyError("slug")) is None


@pytest.mark.django_db
def test_an_address_that_is_not_there() -> None:
    page = Client().get("/absent/", headers={"X-Request-Id": "0123456789ab"})
    assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")
    api = Client().get("/api/v2/", headers={"X-Request-Id": "0123456789ab"})
    assert (api.status_code, api.json()["request_id"]) == (404, "0123456789ab")


WITHOUT_DATABASE = """
import json, django
from django.conf import settings
settings.DATABASES["default"]["OPTIONS"]["pool"]["timeout"] = 0.3
django.setup()
from django.test import Client
client = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
def look(path, **headers):
    answer = client.get(path, headers=headers)
    return [answer.status_code, answer["Content-Type"], answer.get("Retry-After"), "psycopg" in answer.content.decode()]
print(json.dumps([
    look("/api/v1/projects/", Authorization="Bearer slip_x"),
    look("/api/v1/projects/"),
    look("/"),
    [Client(SERVER_NAME="127.0.0.1").get("/healthz").status_code],
]))
"""


def test_without_a_database_api_and_pages_say_so() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "SLIPWAY_DATABASE_URL": f"postgresql://portal@127.0.0.1:{port}/slipway"}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DATABASE],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    problem, page = "application/problem+json", "text/html; charset=utf-8"
    assert json.loads(done.stdout.splitlines()[-1]) == [
        [503, problem, "5", False],
        [503, problem, "5", False],
        [503, page, "5", False],
        [200],
    ]


class _Nobody:
    is_authenticated = is_staff = is_superuser = is_active = False
    username = ""
    directory_groups: tuple[str, ...] = ()
