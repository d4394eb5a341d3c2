"""Requests that wait for a person, as tests of deciding need them."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from django.test import override_settings

from projects import actions
from projects.installation import installation
from projects.models import Door, ProjectRequest
from tests.people import person, team


def leads_decide() -> AbstractContextManager[None]:
    """The group ml-leads decides beside the platform team, whichever rule asks."""
    present = installation()
    rules = present.catalogue.decisions.model_copy(update={"approvers": ("ml-leads",)})
    catalogue = present.catalogue.model_copy(update={"decisions": rules})
    return override_settings(INSTALLATION=replace(present, catalogue=catalogue))


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
