"""Who asked for an attached repository: whose right on the forge lets Slipway open it to the project's people."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.models import User
from projects import actions, work
from projects.installation import installation
from projects.models import Door, Project, RegisteredRepository
from projects.wishes import present_wish
from provisioning.conditions import Status
from provisioning.models import Resource
from tests.people import person, team
from tests.projects.asking import approve, asked, change_asked, demand, entry, revise
from tests.projects.file_door import NAME, PROFILE, PushedForge, look, made, settle
from tests.projects.tended import World, rows
from tests.projects.tended import look as tend

pytestmark = pytest.mark.django_db


def attaching(name: str = "vision/lane", **more: Any) -> dict[str, Any]:
    return {"options": {"repository": {"attach": name}}, **more}


def owned() -> Project:
    """A project of alice and bob that attaches nothing yet."""
    return demand(alice="owner", bob="owner")


def change(project: Project, by: User, **more: Any) -> None:
    project.refresh_from_db()
    data = {**project.spec, **more}
    actions.change(project, data, by=by, door=Door.FORM, installation=installation())


def who(project: Project) -> str:
    """Who has to administer the attached repository, as the Kinds get to know it."""
    return present_wish(Project.objects.get(pk=project.pk), settings=installation()).attached_by


@pytest.mark.parametrize("name", ["alice", "bob", "paula"])
def test_who_attaches_a_repository_is_who_asked_for_it_whoever_owns_the_project(name: str) -> None:
    project = owned()

    change(project, person(name), **attaching())

    assert who(project) == f"{name}@corp.example"


def test_a_new_project_that_somebody_else_approved_is_of_who_asked() -> None:
    request = asked(who="bob", contributors=[{"user": "alice@corp.example", "role": "owner"}], **attaching())

    assert who(approve(request, person("paula")).project or Project()) == "bob@corp.example"


def test_later_changes_of_others_leave_it_as_it_is() -> None:
    project = owned()
    change(project, person("bob"), **attaching())

    change(project, person("alice"), title="Lanes")
    change(project, person("alice"), **attaching("Vision/Lane"))
    assert who(project) == "bob@corp.example"
    change(project, person("alice"), contributors=[{"user": "alice@corp.example", "role": "owner"}])
    assert who(project) == "bob@corp.example"

    change(project, person("alice"), **attaching("vision/road"))
    assert who(project) == "alice@corp.example"
    change(project, person("alice"), options={})
    assert who(project) == ""


def test_who_revises_a_request_and_leaves_its_repository_asked_for_none() -> None:
    project = owned()
    request = change_asked(project, person("bob"), plan="gpu", **attaching())
    approve(revise(request, {**(request.after or {}), "title": "Lanes"}, person("alice")), person("paula"))

    assert who(project) == "bob@corp.example"


def test_who_put_another_repository_into_a_request_asked_for_that_one() -> None:
    project, alice, bob = owned(), person("alice"), person("bob")
    request = change_asked(project, bob, plan="gpu", **attaching())
    request = revise(request, {**(request.after or {}), **attaching("vision/road")}, alice)
    approve(revise(request, {**(request.after or {}), "title": "Roads"}, bob), person("paula"))

    assert who(project) == "alice@corp.example"


def test_whoever_pushes_a_file_asks_for_the_repository_that_it_stands_in(
    forge: PushedForge, row: RegisteredRepository
) -> None:
    both = (
        PROFILE
        + b"contributors:\n"
        + b"".join(b"- user: %s@corp.example\n  role: owner\n" % name for name in (b"alice", b"bob"))
    )
    project = made(forge, row, both)
    assert (project.spec["options"], who(project)) == (attaching(NAME)["options"], "alice@corp.example")

    forge.push("bob", {"profile.yaml": both + b"title: Lanes\n"})
    look(forge, row)

    assert who(project) == "bob@corp.example"


def test_who_left_or_was_never_of_the_directory_counts_for_nobody() -> None:
    project = owned()
    change(project, person("bob"), **attaching())
    User.objects.filter(username="bob@corp.example").update(is_active=False)
    assert who(project) == ""

    User.objects.filter(username="bob@corp.example").update(is_active=True, object_id="")
    assert who(project) == ""


def test_another_repository_is_not_taken_for_vetted_because_the_one_before_was() -> None:
    """What is said on commits goes only where the Kind found the repository to be the project's."""
    project = owned()
    settle(project)
    vetted = Resource.objects.filter(project=project, kind="repository", ready_status=Status.TRUE)
    change(project, person("alice"), title="Lanes")
    assert vetted.exists()

    change(project, person("alice"), **attaching())
    assert not vetted.exists()
    assert Resource.objects.filter(project=project, kind="bucket", ready_status=Status.TRUE).exists()


def test_a_look_that_found_the_repository_before_is_not_written_down_any_more() -> None:
    project = owned()
    settle(project)
    Project.objects.filter(pk=project.pk).update(next_look_at=timezone.now() - timedelta(hours=1))
    looking = work.claim(lease=timedelta(minutes=1), project_id=project.pk)
    assert looking is not None

    change(project, person("alice"), **attaching())

    with pytest.raises(work.LeaseLost):
        work.record(looking, [], generation=1)
    project.refresh_from_db()
    assert (project.lease_until, project.lease_holder) == (None, "")


# The whole way, by a worker


LANE = "vision/lane"


@pytest.fixture
def lane(world: World) -> Mapping[str, str]:
    """The people of a private repository that bob administers, as the bot does; there is nobody else in it."""
    world.forge.organisations.add("vision")
    world.forge.create_repository("vision", "lane", "")
    world.forge.put_collaborator(LANE, "bob", "admin")
    return world.forge.repositories[LANE].collaborators


def wanted(*contributors: dict[str, str]) -> dict[str, Any]:
    return {"slug": "demand", "team": "forecasting", "contributors": list(contributors), **attaching()}


def made_by(name: str, *contributors: dict[str, str]) -> Project:
    team("forecasting")
    asked_for = actions.create(wanted(*contributors), by=person(name), door=Door.FORM, installation=installation())
    assert asked_for.project is not None
    return tend(asked_for.project)


@pytest.mark.django_db(transaction=True)
def test_naming_an_administrator_as_owner_opens_nothing(world: World, lane: Mapping[str, str]) -> None:
    project = made_by("alice", entry("alice", "owner"), entry("bob", "owner"))

    assert rows(project)["repository"] == "NameTaken"
    assert lane == {"bob": "admin"}
    assert world.forge.repositories[LANE].repository["topics"] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("suspended", [False, True])
def test_rights_that_a_role_brought_end_with_it(world: World, lane: Mapping[str, str], suspended: bool) -> None:
    project = made_by("bob", entry("bob", "owner"), entry("alice", "editor"), entry("paula", "viewer"))
    assert lane == {"bob": "admin", "alice": "write", "paula": "read"}
    Project.objects.update(suspended=suspended)

    change(project, person("bob"), contributors=[entry("paula", "owner")])
    tend(project)

    assert lane == {"bob": "admin", "paula": "admin"}
