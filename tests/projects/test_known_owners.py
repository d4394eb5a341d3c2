"""Whoever is made owner is somebody: a typo in the only owner's name is refused where there is a directory."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from projects import actions
from projects.ending import end_access
from projects.errors import InvalidSpec
from projects.installation import installation
from projects.leaving import leave
from projects.models import DirectoryEntry, DirectoryState, Door, Project
from projects.spec import read_spec
from tests.entries import gone, group_entry, person_entry, rename
from tests.people import person
from tests.projects.pages import ask, project_of
from tests.projects.tended import installed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]
ALICE = {"user": "alice@corp.example", "role": "owner"}
BOB = {"user": "bob@corp.example", "role": "owner"}
TYPO = {"user": "alcie@corp.example", "role": "owner"}
REFUSED = r"None of these owners is known: alcie@corp\.example\."


@pytest.fixture
def company() -> dict[str, DirectoryEntry]:
    """A directory that was read as a whole: of the four only bob is in it, who has not signed in."""
    DirectoryState.objects.create(source="corp", complete_at=timezone.now())
    bob = person_entry("bob")
    return {"bob": bob, "ml-vision": group_entry("ml-vision", bob), "ml-empty": group_entry("ml-empty")}


def changed(project: Project, *people: dict[str, Any]) -> actions.Asked:
    data = {**project.spec, "contributors": list(people)}
    return actions.change(project, data, by=person("alice"), door=Door.API, installation=installation())


@pytest.mark.parametrize(
    "owner", [TYPO, {"group": "ml-unknown", "role": "owner"}, {"group": "ml-empty", "role": "owner"}]
)
def test_nobody_the_directory_knows_can_not_be_the_only_owner(
    company: dict[str, DirectoryEntry], owner: dict[str, str]
) -> None:
    project = project_of(ask())
    for act in (lambda: ask("winter", contributors=[owner]), lambda: changed(project, owner)):
        with pytest.raises(InvalidSpec, match="None of these owners is known") as error:
            act()
        assert [(fault.path, fault.code) for fault in error.value.faults] == [(("contributors",), "unknown_owner")]


@pytest.mark.parametrize(
    "owners",
    [
        pytest.param([BOB], id="in the directory"),
        pytest.param([{"group": "ml-vision", "role": "owner"}], id="a group with people"),
        pytest.param([TYPO, BOB], id="one of several"),
        pytest.param([{"user": "charlie@corp.example", "role": "owner"}], id="has signed in"),
        pytest.param([{"group": "ml-leads", "role": "owner"}], id="group of somebody who has signed in"),
    ],
)
def test_one_owner_who_is_there_is_enough(company: dict[str, DirectoryEntry], owners: list[dict[str, str]]) -> None:
    person("charlie").groups.add(Group.objects.get_or_create(name="ml-leads")[0])
    assert changed(project_of(ask()), *owners).project is not None


def test_who_is_meant_is_read_once_for_a_wish(company: dict[str, DirectoryEntry]) -> None:
    project = project_of(ask())
    data = {**project.spec, "contributors": [BOB, {"group": "ml-vision", "role": "editor"}]}
    with CaptureQueriesContext(connection) as queries:
        read_spec(data, installation=installation(), by=person("alice"), project=project)
    tables = [one["sql"].partition(" FROM ")[2].partition(" ")[0] for one in queries]
    assert (tables.count('"projects_membership"'), sum("LOWER" in one["sql"] for one in queries)) == (1, 1)


def test_without_a_directory_every_name_is_taken() -> None:
    person_entry("bob")
    assert changed(project_of(ask()), TYPO).project is not None


@pytest.mark.usefixtures("company")
def test_of_a_directory_that_left_the_catalogue_nobody_is_asked() -> None:
    project = project_of(ask())
    with installed():
        assert installation().catalogue.directory is None
        assert changed(project, TYPO).project is not None


def test_owners_who_stay_are_not_asked_for_again(company: dict[str, DirectoryEntry]) -> None:
    project = project_of(ask(contributors=[BOB, ALICE]))
    changed(project, BOB)
    project.refresh_from_db()
    gone(company["bob"])
    assert actions.change(
        project, {**project.spec, "title": "Winter"}, by=person("paula"), door=Door.API, installation=installation()
    ).project


def test_a_renamed_owner_is_known_by_object_id(company: dict[str, DirectoryEntry]) -> None:
    project = project_of(ask(contributors=[BOB, ALICE]))
    rename(company["bob"], "robert@corp.example")
    assert changed(project, BOB).project is not None


def test_the_last_real_owner_does_not_leave(company: dict[str, DirectoryEntry]) -> None:
    project = project_of(ask(contributors=[ALICE, TYPO]))
    with pytest.raises(InvalidSpec, match=REFUSED):
        leave(project, by=person("alice"), door=Door.API, installation=installation())


def test_who_lost_access_by_the_platform_team_can_not_be_the_only_owner(company: dict[str, DirectoryEntry]) -> None:
    project = project_of(ask())
    end_access(person("bob"), by=person("paula"), door=Door.FORM, because="Their laptop was stolen.")
    for owner in (BOB, {"group": "ml-vision", "role": "owner"}):
        with pytest.raises(InvalidSpec, match="None of these owners is known"):
            changed(project, owner)
