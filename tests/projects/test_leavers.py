"""What somebody loses who left the directory, what comes back, and what is left alone."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.models import ApiToken, User
from projects import account_groups, actions, contributors, permissions
from projects.errors import InvalidSpec
from projects.installation import installation
from projects.leavers import after_sync
from projects.models import DirectoryEdge, DirectoryEntry, Door, Project, Team
from tests.entries import gone, group_entry, person_entry, rename, switched_off
from tests.people import bearer, client, person, team
from tests.projects.tended import ALICE, BOB, World, asked, fresh, look

NOTHING: frozenset[str] = frozenset()

pytestmark = pytest.mark.django_db


@pytest.fixture
def company() -> dict[str, DirectoryEntry]:
    """The four in their groups, and ml-forecasting within ml-all."""
    people = {name: person_entry(name) for name in ("alice", "bob", "charlie", "paula")}
    forecasting = group_entry("ml-forecasting", people["alice"], people["bob"])
    groups = [
        group_entry("ml-users", *people.values()),
        forecasting,
        group_entry("ml-all", forecasting),
        group_entry("ml-platform", people["paula"]),
    ]
    team("forecasting")
    for name in people:
        person(name)
    after_sync(frozenset(entry.object_id for entry in (*people.values(), *groups)))
    return people | {entry.account: entry for entry in groups}


def granted(*extra: dict[str, str]) -> Project:
    """A project that was looked at, so that it is not due."""
    project = asked(contributors=[ALICE, BOB, *extra])
    contributors.set_memberships(project, spec=project.wanted(), door=Door.FORM)
    Project.objects.filter(pk=project.pk).update(next_look_at=timezone.now() + timedelta(minutes=9))
    return project


def due(project: Project) -> bool:
    found = fresh(project).next_look_at
    return found is not None and found <= timezone.now()


def account(name: str) -> User:
    return User.objects.get(object_id=f"oid-{name}")


def lets_in(browser: Client) -> bool:
    return browser.get(reverse("projects:help")).status_code == 200


# Leaving


@pytest.mark.parametrize("leave", [gone, switched_off])
def test_who_left_loses_sessions_tokens_groups_and_account(company: dict[str, DirectoryEntry], leave) -> None:  # type: ignore[no-untyped-def]
    project = granted()
    browsers, script = [client("bob"), client("bob")], bearer("bob")
    assert all(lets_in(browser) for browser in browsers)
    leave(company["bob"])
    after_sync(frozenset({"oid-bob"}))
    bob = account("bob")
    assert (bob.is_active, bob.left_at is not None, bob.directory_groups, bob.group_ids) == (False, True, (), [])
    assert not any(lets_in(browser) for browser in browsers)
    assert (ApiToken.objects.count(), script.get("/api/v1/me/").status_code) == (0, 401)
    assert not permissions.visible_projects(bob).exists()
    assert due(project)


def test_who_came_back_is_in_again_but_old_sessions_and_tokens_are_not(company: dict[str, DirectoryEntry]) -> None:
    project = granted()
    browser, script = client("bob"), bearer("bob")
    switched_off(company["bob"])
    after_sync(frozenset({"oid-bob"}))
    switched_off(company["bob"], enabled=True)
    Project.objects.update(next_look_at=timezone.now() + timedelta(minutes=9))
    after_sync(frozenset({"oid-bob"}))
    bob = account("bob")
    assert (bob.is_active, bob.left_at) == (True, None)
    assert bob.directory_groups == ("ml-all", "ml-forecasting", "ml-users")
    assert permissions.visible_projects(bob).get() == project
    assert (lets_in(browser), script.get("/api/v1/me/").status_code) == (False, 401)
    assert due(project)


def test_who_was_switched_off_here_stays_so(company: dict[str, DirectoryEntry]) -> None:
    User.objects.filter(object_id="oid-bob").update(is_active=False)
    after_sync(frozenset({"oid-bob"}))
    switched_off(company["bob"])
    after_sync(frozenset({"oid-bob"}))
    switched_off(company["bob"], enabled=True)
    after_sync(frozenset({"oid-bob"}))
    assert (account("bob").is_active, account("bob").left_at) == (False, None)


def test_a_sync_that_was_cut_short_is_made_up_for(company: dict[str, DirectoryEntry]) -> None:
    browser = client("bob")
    gone(company["bob"])
    after_sync(NOTHING)
    assert (account("bob").is_active, lets_in(browser)) == (False, False)


def test_nobody_loses_anything_without_a_change(company: dict[str, DirectoryEntry]) -> None:
    project = granted()
    browsers = [client(name) for name in ("alice", "bob", "charlie", "paula")]
    before = list(User.objects.order_by("pk").values())
    with CaptureQueriesContext(connection) as queries:
        after_sync(NOTHING)
    assert list(User.objects.order_by("pk").values()) == before
    assert all(lets_in(browser) for browser in browsers)
    assert not due(project)
    writes = ("UPDATE", "INSERT", "DELETE")
    assert [query["sql"] for query in queries if query["sql"].startswith(writes)] == [
        query["sql"] for query in queries if "next_look_at" in query["sql"]
    ]


def test_local_accounts_and_people_the_directory_never_had_are_left_alone(company: dict[str, DirectoryEntry]) -> None:
    local = User.objects.create_superuser("bob2@corp.example", password="a-long-local-password")
    stranger = User.objects.create(username="eve@other.example", tenant="corp", object_id="oid-eve")
    gone(person_entry("bob2", object_id="oid-bob2"))
    after_sync(frozenset({"oid-bob2", ""}))
    local.refresh_from_db()
    stranger.refresh_from_db()
    assert (local.is_active, local.is_staff, local.check_password("a-long-local-password")) == (True, True, True)
    assert stranger.is_active


# Groups


def test_groups_and_the_platform_team_follow_without_a_sign_in(company: dict[str, DirectoryEntry]) -> None:
    browser = client(account("paula"))
    assert account("paula").is_staff
    DirectoryEdge.objects.filter(member="oid-paula", group="oid-ml-platform").delete()
    DirectoryEdge.objects.create(member="oid-paula", group="oid-ml-forecasting")
    after_sync(frozenset({"oid-paula"}))
    paula = account("paula")
    assert (paula.is_staff, paula.directory_groups) == (False, ("ml-all", "ml-forecasting", "ml-users"))
    assert paula.group_ids == ["oid-ml-all", "oid-ml-forecasting", "oid-ml-users"]
    assert lets_in(browser), "who only changes groups stays signed in"


def test_who_is_only_in_a_nested_group_has_its_rights(company: dict[str, DirectoryEntry]) -> None:
    project = granted({"group": "ml-all", "role": "viewer"})
    DirectoryEdge.objects.create(member="oid-charlie", group="oid-ml-forecasting")
    Team.objects.update(ad_groups=["ml-vision"])
    after_sync(frozenset({"oid-charlie"}))
    charlie = account("charlie")
    assert permissions.role_in(charlie, project) == "viewer"
    assert permissions.visible_projects(charlie).get() == project
    assert client(charlie).get("/projects/demand/").status_code == 200


def test_the_platform_team_may_be_named_by_object_id(company: dict[str, DirectoryEntry], settings) -> None:  # type: ignore[no-untyped-def]
    from dataclasses import replace

    settings.INSTALLATION = replace(settings.INSTALLATION, platform_group="oid-ml-users")
    after_sync(frozenset({"oid-charlie"}))
    assert account("charlie").is_staff


def test_mail_goes_to_where_the_directory_says(company: dict[str, DirectoryEntry]) -> None:
    DirectoryEntry.objects.filter(pk=company["bob"].pk).update(mail="bob.berg@corp.example")
    DirectoryEntry.objects.filter(pk=company["charlie"].pk).update(mail="")
    after_sync(frozenset({"oid-bob", "oid-charlie"}))
    assert [User.objects.get(object_id=f"oid-{name}").email for name in ("bob", "charlie")] == [
        "bob.berg@corp.example", "charlie@corp.example",
    ]  # fmt: skip


def test_a_renamed_person_is_called_so_at_once_unless_somebody_has_the_name(company: dict[str, DirectoryEntry]) -> None:
    rename(company["bob"], "bob.berg@corp.example")
    rename(company["charlie"], "paula@corp.example")
    after_sync(frozenset({"oid-bob", "oid-charlie"}))
    assert (account("bob").username, account("charlie").username) == ("bob.berg@corp.example", "charlie@corp.example")


def test_what_a_sign_in_writes_is_what_the_directory_has(company: dict[str, DirectoryEntry]) -> None:
    groups = account_groups.groups_now("oid-bob")
    assert groups is not None
    assert {entry.account for entry in groups} == {"ml-all", "ml-forecasting", "ml-users"}
    assert account_groups.write(account("bob"), groups) is False, "the sync wrote the same"
    switched_off(company["bob"])
    assert account_groups.groups_now("oid-bob") is None
    assert account_groups.groups_now("oid-nobody") is None


def test_the_number_of_queries_does_not_grow_with_people(company: dict[str, DirectoryEntry]) -> None:
    everybody = frozenset(DirectoryEntry.objects.values_list("object_id", flat=True))
    with CaptureQueriesContext(connection) as few:
        after_sync(everybody)
    for number in range(40):
        name = f"person{number}"
        entry = person_entry(name)
        DirectoryEdge.objects.create(member=entry.object_id, group="oid-ml-users")
        user = User.objects.create(username=entry.account, email=entry.mail, tenant="corp", object_id=entry.object_id)
        account_groups.write(user, account_groups.groups_now(entry.object_id) or [])
    everybody = frozenset(DirectoryEntry.objects.values_list("object_id", flat=True))
    with CaptureQueriesContext(connection) as many:
        after_sync(everybody)
    assert len(many) == len(few)


# Workspaces


@pytest.mark.django_db(transaction=True)
def test_the_workspace_of_a_leaver_follows_and_the_worker_is_rung(world: World) -> None:
    person("alice")
    person("bob")
    person_entry("alice")
    bob = person_entry("bob")
    project = granted()
    look(project)
    world.rung.clear()
    gone(bob)
    after_sync(frozenset({"oid-bob"}))
    assert (due(project), world.rung) == (True, ["drain"])
    look(project)
    assert world.subjects("editor") == []


def test_removed_projects_and_those_of_others_are_not_looked_at(company: dict[str, DirectoryEntry]) -> None:
    project = granted()
    after_sync(frozenset({"oid-charlie", "oid-paula"}))
    assert not due(project)
    now = timezone.now()
    Project.objects.update(deletion_requested_at=now, deleted_at=now)
    after_sync(frozenset({"oid-bob"}))
    assert not due(project)


def test_who_asks_while_the_first_sync_binds_the_team_is_not_refused() -> None:
    """The request has read the account before the sync, and reads the team after it."""
    people = {name: person_entry(name) for name in ("alice", "bob")}
    forecasting = group_entry("ml-forecasting", people["alice"])
    team("forecasting")
    alice, bob = (person(name) for name in people)
    before = [(tuple(one.group_ids), one.directory_groups) for one in (alice, bob)]
    assert [ids for ids, _ in before] == [(), ()]
    after_sync(frozenset(entry.object_id for entry in (*people.values(), forecasting)))
    wish = {"slug": "demand", "team": "forecasting", "contributors": [ALICE]}
    assert actions.create(wish, by=alice, door=Door.API, installation=installation()).project is not None
    # Whom the directory took out of the group meanwhile is refused, whatever was read before.
    with pytest.raises(InvalidSpec, match="You are in no team forecasting"):
        actions.create({**wish, "slug": "supply"}, by=bob, door=Door.API, installation=installation())
