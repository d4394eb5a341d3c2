"""Requests that wait for a person, what is done about them, and who was told: for tests of deciding."""

from contextlib import AbstractContextManager
from typing import Any

from django.contrib.auth.models import Group

from portal.models import User
from projects import actions, decisions
from projects.installation import installation
from projects.models import Door, Notice, Project, ProjectRequest
from tests.people import person, team
from tests.projects.catalogues import catalogue_with

DEMAND = {"slug": "demand", "team": "forecasting", "plan": "small"}
GPU = {**DEMAND, "plan": "gpu"}
"""What the policy gives to a person."""


def leads_decide() -> AbstractContextManager[None]:
    """The group ml-leads decides beside the platform team, whichever rule asks."""
    rules = installation().catalogue.decisions.model_copy(update={"approvers": ("ml-leads",)})
    return catalogue_with(decisions=rules)


def joins(name: str, group: str) -> User:
    """The account of one of the sample people, who is in this group too."""
    person(name).groups.add(Group.objects.get_or_create(name=group)[0])
    return present(name)


def leaves(name: str, group: str) -> User:
    """The account of somebody who was just taken out of a group."""
    present(name).groups.remove(Group.objects.get(name=group))
    return present(name)


def present(name: str) -> User:
    """The account as it is now: `person` would put its groups back."""
    return User.objects.get(username=f"{name}@corp.example")


def asked(slug: str = "demand", *, who: str = "alice", plan: str = "gpu", **more: Any) -> ProjectRequest:
    """A request for a new project that the policy gives to a person."""
    team("forecasting")
    data = {"slug": slug, "team": "forecasting", "plan": plan, **more}
    made = actions.create(data, by=person(who), door=Door.FORM, installation=installation())
    assert made.request is not None
    return made.request


def demand(*, expires: str | None = None, **roles: str) -> Project:
    """The project `demand`, in which people or groups (ml_…) hold these roles."""
    team("forecasting")
    data = {**DEMAND, "expires": expires, "contributors": [entry(name, role) for name, role in roles.items()]}
    project = actions.create(data, by=person("alice"), door=Door.FORM, installation=installation()).project
    assert project is not None
    return project


def entry(name: str, role: str) -> dict[str, str]:
    """A contributor as a wish has them."""
    who = {"group": name.replace("_", "-")} if name.startswith("ml_") else {"user": f"{name}@corp.example"}
    return {**who, "role": role}


def change_asked(project: Project, by: User, **more: Any) -> ProjectRequest:
    """A request for a change that the policy gives to a person."""
    made = actions.change(project, {**project.spec, **more}, by=by, door=Door.FORM, installation=installation())
    assert made.request is not None
    return made.request


def approve(request: ProjectRequest, by: User, **more: Any) -> ProjectRequest:
    return decisions.approve(request, by=by, door=Door.FORM, installation=installation(), **more)


def reject(request: ProjectRequest, by: User, **more: Any) -> ProjectRequest:
    return decisions.reject(request, by=by, door=Door.FORM, comment="No.", **more)


def revise(request: ProjectRequest, data: dict[str, Any], by: User, **more: Any) -> ProjectRequest:
    return decisions.revise(request, data, by=by, door=Door.FORM, installation=installation(), **more)


def fresh(request: ProjectRequest) -> ProjectRequest:
    """The row as it is now."""
    return ProjectRequest.objects.get(pk=request.pk)


def told(name: str) -> list[str]:
    """Kinds of what a person was told, oldest first."""
    notices = Notice.objects.filter(person__username=f"{name}@corp.example").order_by("pk")
    return list(notices.values_list("kind", flat=True))
