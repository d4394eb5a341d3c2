"""Error pages: what happened, why, what to do, and the request id, whatever went wrong."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils import translation

from portal.errors import Problem, answer, bad_request, problem_of
from projects.errors import Conflict, Fault, InvalidSpec, NotAllowed, StaleGeneration
from tests.people import client

pytestmark = pytest.mark.django_db


def text(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode())).replace("&#x27;", "'")


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (
            Problem(400, "bad_request", ""),
            ["We can't take what was sent", "Load the page again"],
        ),
        (problem_of(NotAllowed("Viewers can't. Ask an owner.")), ["You can't do this", "Viewers can't. Ask an owner."]),
        (Problem(403, "csrf", ""), ["This form was not sent from here", "nothing was done", "send it once more"]),
        (Problem(404, "not_found", ""), ["Nothing here that you can see", "typing error", "Ask an owner"]),
        (
            problem_of(Conflict("It is being removed.")),
            ["This can't be done now", "It is being removed."],
        ),
        (problem_of(StaleGeneration("It is at change 3.")), ["Somebody was faster", "It is at change 3."]),
        (Problem(413, "too_large", ""), ["That is too large", "1 MB in all", "Shorten it"]),
        (
            problem_of(InvalidSpec([Fault((), "a", "No such Kind."), Fault((), "b", "No such plan.")])),
            ["What you ask for has faults", "No such Kind.", "No such plan.", "Mend what is named above"],
        ),
        (Problem(429, "too_often", ""), ["Too often", "You asked very often just now", "Wait a minute"]),
        (Problem(500, "internal", ""), ["Slipway itself failed here", "It is our fault", "give the platform team"]),
        (Problem(503, "database_unavailable", ""), ["Slipway can't answer right now", "Wait a moment", "10 minutes"]),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Problem) else "",
)
def test_each_page_says_what_happened_why_and_what_to_do(problem: Problem, said: list[str]) -> None:
    request = RequestFactory().get("/somewhere/")
    request.user = AnonymousUser()
    request.META["slipway.request_id"] = "7f3a9c1e7f3a"
    page = answer(request, problem)
    assert page.status_code == problem.status
    for sentence in (*said, f"{problem.status}, request 7f3a9c1e7f3a"):
        assert sentence in text(page)
    main = page.content.decode().partition("<main")[2]
    assert len(re.findall(r"<h1", main)) == len(re.findall(r"btn-primary", main)) == 1
    assert not re.search(r"oops|sorry|please|!", text(page).lower())


def test_what_can_not_be_understood_is_said_in_the_reader_s_language() -> None:
    request = RequestFactory().get("/somewhere/")
    request.user = AnonymousUser()
    with translation.override("sv"):
        assert "Anropet går inte att förstå." in text(bad_request(request))
    assert "This request can't be understood." in text(bad_request(request))


def test_a_form_that_is_too_large_gets_its_page() -> None:
    page = client("alice").post("/projects/new/", {"description": "x" * (1024 * 1024 + 1)})
    assert page.status_code == 413
    assert "That is too large" in text(page)


def test_the_address_of_a_form_says_so_to_a_browser_and_is_plain_for_programs() -> None:
    alice = client("alice")
    page = alice.get("/account/tokens/", headers={"Accept": "text/html,*/*"})
    assert (page.status_code, page["Allow"]) == (405, "POST")
    assert "This address only takes a form" in text(page)
    assert alice.get("/account/tokens/").content == b""
    answered = alice.delete("/api/v1/plans/", headers={"Accept": "text/html, */*"})
    assert (answered.status_code, answered.json()["detail"]) == (405, 'Method "DELETE" not allowed.')


def test_a_stranger_s_groups_stand_on_the_page_that_says_nothing_is_here() -> None:
    assert "You are in ml-users ." in text(client("charlie").get("/projects/lane/"))
