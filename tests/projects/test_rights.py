"""What a role opens in the portal, in words, beside the predicates that decide it, so that none changes alone."""

import inspect
from collections.abc import Callable, Mapping

import pytest
from django.utils import timezone

from portal.models import User
from projects import permissions
from projects.models import OfferedTo, Project, Succession
from projects.permissions import Right
from projects.rights import PORTAL
from provisioning.spec import Role
from tests.people import person, team
from tests.projects.asking import demand

pytestmark = pytest.mark.django_db


def offered(user: User, project: Project) -> bool:
    return permissions.may_take_over(user, project.successions.get())


def decides(user: User, project: Project) -> bool:
    return permissions.is_approver(user, approvers=())


ON_A_PROJECT: Mapping[str, Right] = {
    "see": permissions.may_see,
    "change": permissions.may_change,
    "retire": permissions.may_retire,
    "rotate": permissions.may_rotate,
    "be shown": permissions.may_reveal,
    "ask for a look": permissions.may_look_again,
    "train": permissions.may_retrain,
}
"""A word of the sentences for each right to a project."""
BESIDES: Mapping[str, Callable[[User, Project], bool]] = {
    "new": lambda user, project: permissions.may_create_in(user, project.team),
    "take": offered,
    "requests": decides,
    "suspend": lambda user, project: permissions.is_platform_admin(user),
}
"""And for rights to what belongs to one."""


@pytest.fixture
def project() -> Project:
    """One that was offered to all in turn; of its owners, only the sample left."""
    found = demand(alice="owner")
    Succession.objects.create(project=found, offered_to=OfferedTo.PLATFORM, offered_at=timezone.now())
    return found


def test_each_right_to_a_project_has_a_word() -> None:
    takes = {
        function
        for name, function in inspect.getmembers(permissions, inspect.isfunction)
        if name.startswith("may_") and list(inspect.signature(function).parameters) == ["user", "project"]
    }
    assert takes == set(ON_A_PROJECT.values())


@pytest.mark.parametrize("path", PORTAL)
def test_a_path_is_told_as_it_is(project: Project, path: str) -> None:
    if path in ("team", "platform"):
        user = person({"team": "bob", "platform": "paula"}[path])
    else:
        user = person("charlie")
        project.memberships.create(subject=user.username, role=path, source="form")
    rights = {**ON_A_PROJECT, **BESIDES}
    assert {word for word in rights if word in str(PORTAL[path])} == {
        word for word, may in rights.items() if may(user, project)
    }


def test_of_the_owners_those_in_the_team_decide_about_its_data(project: Project) -> None:
    assert "in the team: decide who reads the team's data" in str(PORTAL[Role.OWNER])
    for name in ("bob", "charlie"):
        project.memberships.create(subject=person(name).username, role=Role.OWNER, source="form")
    owners = {name: permissions.data_teams_of(person(name)).exists() for name in ("bob", "charlie", "paula")}
    assert owners == {"bob": True, "charlie": False, "paula": False}
    assert team("forecasting") in permissions.data_teams_of(person("bob"))
