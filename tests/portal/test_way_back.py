"""The way back from an error page leads where the address says, and tells a stranger nothing."""

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import resolve
from django.utils import translation

from portal import errors
from portal.way_back import Way, way_back
from projects.errors import Conflict, StaleGeneration
from projects.models import Action, Decision, Door, Project, ProjectRequest
from tests.people import person
from tests.projects.tended import asked

pytestmark = pytest.mark.django_db


def request_of(path: str, who: str) -> HttpRequest:
    request = RequestFactory().post(path)
    request.META["slipway.request_id"] = "5a8e7f06"
    request.user, request.resolver_match, request.session = person(who), resolve(path), SessionStore()
    return request


@pytest.fixture
def project() -> Project:
    return asked()


@pytest.fixture
def wish(project: Project) -> ProjectRequest:
    return ProjectRequest.objects.create(
        action=Action.CHANGE,
        project=project,
        slug=project.slug,
        team=project.team,
        door=Door.FORM,
        requested_by=person("alice"),
        after=project.spec,
        decision=Decision.PENDING,
    )


@pytest.mark.parametrize("path", ["/projects/demand/", "/projects/demand/credentials/bucket/rotate/"])
def test_to_the_project(path: str, project: Project) -> None:
    back = Way("/projects/demand/", "Back to demand")
    assert [way_back(request_of(path, who)) for who in ("alice", "bob", "paula", "charlie")] == [back, back, back, None]
    assert way_back(request_of("/projects/other/edit/", "alice")) is None


def test_to_the_request(wish: ProjectRequest) -> None:
    path = f"/requests/{wish.pk}/approve/"
    back = Way(f"/requests/{wish.pk}/", "Back to the request")
    assert [way_back(request_of(path, who)) for who in ("alice", "paula", "charlie")] == [back, back, None]


@pytest.mark.parametrize("path", ["/", "/requests/stand-ins/", "/projects/new/", "/platform/", "/consents/7/give/"])
def test_nowhere(path: str, project: Project) -> None:
    assert way_back(request_of(path, "alice")) is None


def page(error: Exception, path: str, who: str) -> str:
    answer = errors.DatabaseDown(lambda _: HttpResponse()).process_exception(request_of(path, who), error)
    assert answer is not None
    return answer.content.decode()


@pytest.mark.parametrize("error", [Conflict("It is being removed."), StaleGeneration("Read it again.")])
def test_it_stands_on_the_page(error: Exception, project: Project) -> None:
    shown = page(error, "/projects/demand/edit/", "alice")
    assert '<a class="btn btn-primary text-break" href="/projects/demand/">Back to demand</a>' in shown
    assert '<a class="btn" href="/">My projects</a>' in shown
    with translation.override("sv"):
        in_swedish = page(error, "/projects/demand/edit/", "alice")
    assert "Tillbaka till demand</a>" in in_swedish
    assert ", anrop <code>" in in_swedish
    hidden = page(error, "/projects/demand/edit/", "charlie")
    assert "Back to" not in hidden
    assert '<a class="btn btn-primary" href="/">My projects</a>' in hidden
