"""Requests that wait for a person, as tests of deciding need them."""

from typing import Any

from projects import actions
from projects.installation import installation
from projects.models import Door, ProjectRequest
from tests.people import person, team


def asked(slug: str = "demand", *, who: str = "alice", plan: str = "gpu", **more: Any) -> ProjectRequest:
    """A request for a new project that the policy gives to a person."""
    team("forecasting")
    data = {"slug": slug, "team": "forecasting", "plan": plan, **more}
    made = actions.create(data, by=person(who), door=Door.FORM, installation=installation())
    assert made.request is not None
    return made.request


def fresh(request: ProjectRequest) -> ProjectRequest:
    """The row as it is now."""
    return ProjectRequest.objects.get(pk=request.pk)
