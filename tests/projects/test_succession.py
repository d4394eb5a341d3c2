"""A project whose last owner left: it stays, is offered in order, and whoever accepts becomes its owner."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.models import User
from projects import contributors, permissions, succession, taking_over
from projects.directory_tasks import follow_directory
from projects.ending import end_access, give_back_access
from projects.errors import Conflict, NotAllowed, NotFound
from projects.identity import bind_teams
from projects.installation import installation
from projects.leavers import after_sync
from projects.models import (
    DirectoryEdge,
    DirectoryEntry,
    Door,
    Membership,
    Notice,
    OfferedTo,
    Project,
    Succession,
)
from provisioning.spec import Role
from tests.entries import gone, group_entry, person_entry, rename, switched_off
from tests.people import bearer, client, person, team
from tests.projects.doors import text
from tests.projects.tended import ALICE, BOB, asked

pytestmark = pytest.mark.django_db
NOTHING: frozenset[str] = frozenset()


def granted(*contributors_: dict[str, str]) -> Project:
    for name in ("alice", "bob", "charlie", "paula"):
        person(name)
    project = asked(contributors=list(contributors_))
    contributors.set_memberships(project, spec=project.wanted(), door=Door.FORM)
    return project


def offer() -> tuple[str, bool] | None:
    """To whom it is offered, and whether others come after them; None when it isn't."""
    found = Succession.objects.filter(ended_at=None).first()
    return (OfferedTo(found.offered_to).name, found.next_at is not None) if found else None


def days_pass(days: int) -> None:
    succession.review(now=timezone.now() + timedelta(days=days), catalogue=installation().catalogue)


# When it is offered, and to whom


def test_it_is_offered_to_its_editors_then_its_team_then_the_platform_team() -> None:
    alice = person_entry("alice")
    project = granted(ALICE, BOB)
    after_sync(NOTHING)
    assert offer() is None
    gone(alice)
    after_sync(frozenset({"oid-alice"}))
    assert offer() == ("EDITORS", True)
    days_pass(6)
    assert offer() == ("EDITORS", True)
    days_pass(7)
    assert offer() == ("TEAM", True)
    days_pass(13)
    assert offer() == ("TEAM", True)
    days_pass(14)
    assert offer() == ("PLATFORM", False)
    days_pass(400)
    assert offer() == ("PLATFORM", False)
    assert (Succession.objects.count(), Project.objects.get().pk) == (1, project.pk)


def test_whoever_is_not_there_is_not_asked() -> None:
    alice, bob = person_entry("alice"), person_entry("bob")
    group_entry("ml-forecasting", bob)
    team("forecasting")
    bind_teams()
    granted(ALICE, BOB)
    switched_off(alice, bob)
    after_sync(frozenset({"oid-alice", "oid-bob"}))
    assert offer() == ("PLATFORM", False), "no editor and nobody of the team is left"


@pytest.mark.parametrize("stays", ["person", "unknown person", "group", "nested group", "unknown group"])
def test_one_owner_who_is_there_or_not_known_is_enough(stays: str) -> None:
    alice, charlie = person_entry("alice"), person_entry("charlie")
    more = {
        "person": {"user": "charlie@corp.example", "role": "owner"},
        "unknown person": {"user": "nobody@corp.example", "role": "owner"},
        "group": {"group": "ml-vision", "role": "owner"},
        "nested group": {"group": "ml-all", "role": "owner"},
        "unknown group": {"group": "ml-unknown", "role": "owner"},
    }[stays]
    group_entry("ml-all", group_entry("ml-vision", charlie))
    granted(ALICE, more)
    gone(alice)
    after_sync(frozenset({"oid-alice"}))
    assert offer() is None


@pytest.mark.parametrize("leaves", ["all its people", "the group"])
def test_a_group_owns_as_long_as_it_has_people(leaves: str) -> None:
    charlie = person_entry("charlie")
    vision = group_entry("ml-vision", charlie)
    granted({"group": "ml-vision", "role": "owner"}, BOB)
    after_sync(NOTHING)
    assert offer() is None
    if leaves == "the group":
        gone(vision)
    else:
        DirectoryEdge.objects.all().delete()
    after_sync(frozenset({"oid-charlie"}))
    assert offer() == ("EDITORS", True)


@pytest.mark.parametrize("directory", [True, False])
def test_an_owner_whose_access_was_ended_is_out_until_it_is_given_back(directory: bool) -> None:
    if directory:
        person_entry("alice"), person_entry("bob")
    granted(ALICE, BOB)
    end_access(person("alice"), by=person("paula"), door=Door.FORM, because="Their laptop was stolen.")
    follow_directory()
    assert offer() == ("EDITORS", True)
    assert Notice.objects.get(kind="offered").person == person("bob")
    give_back_access(person("alice"), by=person("paula"), door=Door.FORM, because="It was found.")
    follow_directory()
    assert offer() is None


def test_people_whose_access_was_ended_are_nobody_in_a_group() -> None:
    alice, bob = person_entry("alice"), person_entry("bob")
    group_entry("ml-forecasting", bob)
    group_entry("ml-vision", alice)
    team("forecasting")
    bind_teams()
    granted({"group": "ml-vision", "role": "owner"})
    for who in ("alice", "bob"):
        end_access(person(who), by=person("paula"), door=Door.FORM, because="Their laptop was stolen.")
    after_sync(NOTHING)
    assert offer() == ("PLATFORM", False), "nobody whose access counts is in the team"


def test_a_group_whose_name_several_have_owns_nothing() -> None:
    bob = person_entry("bob")
    granted({"group": "ml-vision", "role": "owner"}, BOB)
    group_entry("ml-vision", bob)
    group_entry("ml-vision", person_entry("alice"), object_id="oid-another")
    after_sync(NOTHING)
    assert offer() == ("EDITORS", True)


def test_without_a_directory_nobody_has_left() -> None:
    granted(ALICE)
    days_pass(400)
    assert not Succession.objects.exists()


def test_an_owner_who_comes_back_ends_it_and_a_project_that_is_removed_too() -> None:
    alice = person_entry("alice")
    project = granted(ALICE, BOB)
    switched_off(alice)
    after_sync(frozenset({"oid-alice"}))
    switched_off(alice, enabled=True)
    after_sync(frozenset({"oid-alice"}))
    assert offer() is None
    switched_off(alice)
    after_sync(frozenset({"oid-alice"}))
    assert offer() == ("EDITORS", True)
    Project.objects.filter(pk=project.pk).update(deletion_requested_at=timezone.now())
    days_pass(0)
    assert offer() is None
    assert list(Succession.objects.values_list("accepted_by", flat=True)) == [None, None]


def test_the_number_of_queries_does_not_grow_with_projects() -> None:
    alice = person_entry("alice")
    first = granted(ALICE, BOB)
    gone(alice)
    now, catalogue = timezone.now(), installation().catalogue
    succession.review(now=now, catalogue=catalogue)
    with CaptureQueriesContext(connection) as few:
        succession.review(now=now, catalogue=catalogue)
    for number in range(20):
        more = Project.objects.create(slug=f"demand-{number}", team=first.team, spec=first.spec)
        contributors.set_memberships(more, spec=more.wanted(), door=Door.FORM)
    with CaptureQueriesContext(connection) as many:
        succession.review(now=now, catalogue=catalogue)
    assert len(many) == len(few)


# Accepting


@pytest.fixture
def ownerless() -> Project:
    """Demand, whose owner alice left; bob is its editor, and the team is ml-forecasting."""
    alice = person_entry("alice")
    person_entry("bob")
    project = granted(ALICE, BOB, {"user": "charlie@corp.example", "role": "viewer"})
    gone(alice)
    after_sync(frozenset({"oid-alice"}))
    return project


def newcomer() -> User:
    """Somebody of the team without a role in the project."""
    made = User.objects.create(username="dave@corp.example", tenant="corp", object_id="oid-dave")
    made.groups.add(Group.objects.get_or_create(name="ml-forecasting")[0])
    return made


def take_over(project: Project, who: User) -> Any:
    return taking_over.take_over(project, by=who, door=Door.FORM, installation=installation())


def test_who_accepts_stands_in_the_place_of_who_left(ownerless: Project) -> None:
    bob = person("bob")
    request = take_over(ownerless, bob)
    project = Project.objects.get()
    assert project.spec["contributors"] == [
        {"user": "bob@corp.example", "role": "owner"},
        {"user": "charlie@corp.example"},
    ]
    assert (project.generation, permissions.may_change(bob, project)) == (2, True)
    assert (request.decision, request.rule, request.requested_by, request.generation) == (
        "approved",
        "succession",
        bob,
        2,
    )
    assert request.because == "It had no owner any more, and was offered to whoever takes it over."
    page = client("bob", language="sv").get(f"/requests/{request.pk}/").content.decode()
    assert "Det hade ingen ägare längre, och erbjöds den som tar över det." in page
    row = Succession.objects.get()
    assert (row.accepted_by, row.ended_at is not None) == (bob, True)
    audit = Membership.objects.get(role=Role.OWNER).history.get(pgh_label="insert")  # type: ignore[attr-defined]
    assert (audit.pgh_context.metadata["actor"], audit.pgh_context.metadata["door"]) == ("bob@corp.example", "form")
    days_pass(30)
    assert offer() is None


def test_who_accepts_is_owner_though_the_name_was_that_of_another_editor(ownerless: Project) -> None:
    rename(DirectoryEntry.objects.get(object_id="oid-bob"), "bob.berg@corp.example")
    bob, dave = person("bob"), newcomer()
    User.objects.filter(pk=bob.pk).update(username="bob.berg@corp.example")
    User.objects.filter(pk=dave.pk).update(username="bob@corp.example")
    days_pass(7)
    take_over(ownerless, User.objects.get(pk=dave.pk))
    assert list(Membership.objects.filter(role=Role.OWNER).values_list("subject", "object_id")) == [
        ("bob@corp.example", dave.object_id)
    ]


def test_those_asked_first_may_still_accept_and_those_asked_later_not_yet(ownerless: Project) -> None:
    bob, dave, paula = person("bob"), newcomer(), person("paula")

    def may() -> list[bool]:
        found = Succession.objects.get()
        return [permissions.may_take_over(who, found) for who in (bob, dave, paula, person("charlie"))]

    assert may() == [True, False, False, False]
    days_pass(7)
    assert may() == [True, True, False, False]
    days_pass(14)
    assert may() == [True, True, True, False]
    with pytest.raises(NotAllowed, match="offered to the platform team"):
        take_over(ownerless, person("charlie"))
    User.objects.filter(pk=bob.pk).update(is_active=False)
    with pytest.raises(NotFound):
        take_over(ownerless, User.objects.get(pk=bob.pk))


def test_a_local_account_takes_nothing_over(ownerless: Project) -> None:
    days_pass(7)
    days_pass(14)
    local = User.objects.create_superuser("root", password="a-long-local-password")
    with pytest.raises(NotAllowed):
        take_over(ownerless, local)


def test_there_is_nothing_to_take_over_where_an_owner_is(ownerless: Project) -> None:
    take_over(ownerless, person("bob"))
    with pytest.raises(Conflict, match="has an owner"):
        take_over(ownerless, person("bob"))
    other = asked_again()
    with pytest.raises(Conflict, match="has an owner"):
        take_over(other, person("bob"))


def asked_again() -> Project:
    spec = {"version": 1, "slug": "supply", "team": "forecasting", "plan": "small", "contributors": [ALICE, BOB]}
    project = Project.objects.create(slug="supply", team=team("forecasting"), spec=spec)
    Membership.objects.create(project=project, subject="bob@corp.example", role="editor", source=Door.FORM)
    return project


def test_an_owner_who_came_back_a_moment_ago_is_not_replaced(ownerless: Project) -> None:
    from projects.models import DirectoryEntry

    DirectoryEntry.objects.filter(object_id="oid-alice").update(gone_at=None)
    with pytest.raises(Conflict, match="has an owner"):
        take_over(ownerless, person("bob"))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_accept_at_the_same_moment_one_becomes_owner() -> None:
    alice = person_entry("alice")
    project = granted(ALICE, BOB, {"user": "charlie@corp.example", "role": "editor"})
    gone(alice)
    after_sync(frozenset({"oid-alice"}))
    start = Barrier(2)

    def accept(name: str) -> str:
        start.wait(timeout=10)
        try:
            take_over(project, User.objects.get(object_id=f"oid-{name}"))
        except Conflict:
            return "too late"
        finally:
            connection.close()
        return "owner"

    with ThreadPoolExecutor(2) as people:
        assert sorted(people.map(accept, ("bob", "charlie"))) == ["owner", "too late"]
    assert Membership.objects.filter(role=Role.OWNER).count() == 1


# Pages and API


def test_the_pages_say_so_and_take_one_click(ownerless: Project) -> None:
    bob = client("bob")
    assert "has no owner any more" in bob.get("/").content.decode()
    assert "/projects/demand/take-over/" in bob.get("/projects/demand/").content.decode()
    page = bob.get("/projects/demand/take-over/").content.decode()
    assert "Take over demand" in page
    reader = client("charlie").get("/projects/demand/take-over/")
    assert (reader.status_code, "Take over demand" in reader.content.decode()) == (200, False)
    assert client("charlie").post("/projects/demand/take-over/").status_code == 403
    assert bob.post("/projects/demand/take-over/")["Location"] == "/projects/demand/"
    assert bob.post("/projects/demand/take-over/").status_code == 409
    page = bob.get("/projects/demand/take-over/").content.decode()
    assert "has an owner" in page
    assert "Nobody can act as its owner any more" not in page


def test_who_lost_access_is_not_said_to_have_left_the_directory() -> None:
    person_entry("alice")
    project = granted(ALICE, BOB)
    end_access(person("alice"), by=person("paula"), door=Door.FORM, because="Their laptop was stolen.")
    days_pass(0)
    page = text(client("bob").get(f"/projects/{project.slug}/take-over/"))
    assert "had their access ended by the platform team" in page
    for address in ("/", f"/projects/{project.slug}/", f"/projects/{project.slug}/take-over/"):
        assert "owners left" not in text(client("bob").get(address)), address


def test_a_stranger_learns_nothing(ownerless: Project) -> None:
    Membership.objects.filter(subject="charlie@corp.example").delete()
    charlie, script = client("charlie"), bearer("charlie")
    for answer in (
        charlie.get("/projects/demand/take-over/"),
        charlie.post("/projects/demand/take-over/"),
        script.get("/api/v1/projects/demand/take-over/"),
        script.post("/api/v1/projects/demand/take-over/", data="{}", content_type="application/json"),
    ):
        assert answer.status_code == 404
    assert script.get("/api/v1/offers/").json() == {"items": [], "next": None}
    assert "/projects/demand/" not in charlie.get("/").content.decode()


def test_the_api_lists_offers_and_accepts_one(ownerless: Project) -> None:
    script = bearer("bob")
    (item,) = script.get("/api/v1/offers/").json()["items"]
    offered = script.get("/api/v1/projects/demand/take-over/").json()
    assert (item["slug"], item["owner_left_at"]) == ("demand", offered["owner_left_at"])
    assert (offered["offered_to"], offered["yours"], offered["next_at"] > offered["offered_at"]) == (
        "editors",
        True,
        True,
    )
    assert bearer("charlie").get("/api/v1/projects/demand/take-over/").json()["yours"] is False
    refused = script.post(
        "/api/v1/projects/demand/take-over/", data=json.dumps({"owner": "eve"}), content_type="application/json"
    )
    assert refused.status_code == 400
    headers = {"Idempotency-Key": "once"}
    answers = [
        script.post("/api/v1/projects/demand/take-over/", data="{}", content_type="application/json", headers=headers)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert (answers[0]["Location"], answers[0].json()["project"]["owner_left_at"]) == ("/api/v1/projects/demand/", None)
    assert Project.objects.get().generation == 2
    nothing = {"owner_left_at": None, "offered_to": None, "offered_at": None, "next_at": None, "yours": False}
    assert script.get("/api/v1/projects/demand/take-over/").json() == nothing
    reading = bearer("charlie").post("/api/v1/projects/demand/take-over/", data="{}", content_type="application/json")
    assert reading.status_code == 409
