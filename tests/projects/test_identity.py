"""Whom a grant means: names change and are given again, object ids do neither."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.models import User
from projects import account_groups, actions, permissions
from projects.contributors import moved
from projects.errors import InvalidSpec
from projects.identity import bind_memberships, bind_teams, entries_of
from projects.installation import installation
from projects.leavers import after_sync
from projects.models import DirectoryEntry, Door, Membership, Project, Team
from projects.reach import reach_of
from provisioning.spec import Role
from tests.entries import gone, group_entry, person_entry, rename, switched_off
from tests.people import client, person, team

pytestmark = pytest.mark.django_db

ALICE = {"user": "alice@corp.example", "role": "owner"}


def made(*contributors: dict[str, Any], slug: str = "demand") -> Project:
    """A project of alice's that was asked for and granted."""
    wish = {"slug": slug, "team": "forecasting", "contributors": [ALICE, *contributors]}
    project = actions.create(wish, by=person("alice"), door=Door.API, installation=installation()).project
    assert project is not None
    return project


def meant(project: Project) -> dict[str, str]:
    return dict(project.memberships.values_list("subject", "object_id"))


def newcomer(upn: str) -> User:
    """Somebody else who was given an account name that was free again."""
    return User.objects.create(username=upn, tenant="corp", object_id="oid-newcomer")


@pytest.fixture(autouse=True)
def _teams() -> None:
    team("forecasting")


# Binding


def test_without_a_directory_a_grant_is_by_name() -> None:
    project = made({"user": "bob@corp.example", "role": "editor"}, {"group": "ml-users", "role": "viewer"})
    assert set(meant(project).values()) == {""}
    assert permissions.role_in(person("bob"), project) is Role.EDITOR
    assert permissions.role_in(person("charlie"), project) is Role.VIEWER


def test_a_grant_means_whom_the_directory_has_under_that_name() -> None:
    group_entry("ml-users", person_entry("alice"), person_entry("bob"))
    project = made(
        {"user": "bob@corp.example", "role": "editor"},
        {"group": "ML-Users", "role": "viewer"},
        {"user": "nobody@corp.example", "role": "viewer"},
    )
    assert meant(project) == {
        "alice@corp.example": "oid-alice",
        "bob@corp.example": "oid-bob",
        "ML-Users": "oid-ml-users",
        "nobody@corp.example": "",
    }


def test_a_name_that_two_have_or_somebody_who_left_had_stays_a_name() -> None:
    gone(person_entry("bob"))
    group_entry("ml-users", object_id="oid-one")
    group_entry("ml-users", object_id="oid-two")
    names = [(False, "bob@corp.example"), (True, "ml-users"), (True, "oid-two")]
    assert {name: entry.object_id for name, entry in entries_of(names).items()} == {(True, "oid-two"): "oid-two"}


def test_of_two_with_one_name_the_one_that_is_switched_on_is_meant() -> None:
    switched_off(person_entry("bob", object_id="oid-before"))
    person_entry("bob")
    assert entries_of([(False, "Bob@corp.example")])[False, "Bob@corp.example"].object_id == "oid-bob"


def test_a_group_called_like_the_object_id_of_another_one_gets_nothing_of_it() -> None:
    vision = "66000000-0000-4000-8000-000000000001"
    project = made({"group": vision, "role": "editor"})
    group_entry("ml-vision", object_id=vision)
    group_entry(vision, person_entry("bob"), object_id="66000000-0000-4000-8000-000000000002")
    user = person("bob")
    account_groups.write(user, account_groups.groups_now("oid-bob") or [])
    assert user.directory_groups == ()
    assert permissions.role_in(user, project) is None
    bind_memberships()
    assert meant(project)[vision] == vision


def test_what_was_named_before_there_was_a_directory_is_bound_later() -> None:
    project = made({"user": "bob@corp.example", "role": "editor"})
    person_entry("alice")
    person_entry("bob", enabled=False)
    later = timezone.now() + timedelta(hours=1)
    Project.objects.update(next_look_at=later)
    bind_memberships()
    project.refresh_from_db()
    assert project.next_look_at < later, "bob's rights outside have to go"
    assert meant(project) == {"alice@corp.example": "oid-alice", "bob@corp.example": "oid-bob"}
    Project.objects.update(next_look_at=later)
    bind_memberships()
    project.refresh_from_db()
    assert project.next_look_at == later


def test_a_later_wish_keeps_who_was_meant() -> None:
    bob = person_entry("bob")
    project = made({"user": "bob@corp.example", "role": "editor"})
    gone(bob)
    person_entry("bob", object_id="oid-newcomer")
    wish = {**project.spec, "title": "Demand"}
    actions.change(project, wish, by=person("alice"), door=Door.API, installation=installation())
    assert meant(project)["bob@corp.example"] == "oid-bob"
    new_role = [ALICE, {"user": "bob@corp.example", "role": "viewer"}]
    project.refresh_from_db()
    wish = {**project.spec, "contributors": new_role}
    actions.change(project, wish, by=person("alice"), door=Door.API, installation=installation())
    assert meant(project)["bob@corp.example"] == "oid-newcomer", "a new grant is for who has the name now"


@pytest.mark.parametrize("changed", [{"role": "editor"}, {"until": "2100-01-31"}])
def test_another_role_or_last_day_is_still_for_who_was_meant_whatever_they_are_called(changed: dict[str, str]) -> None:
    bob, vision = person_entry("bob"), group_entry("ml-vision", person_entry("charlie"))
    grants = [{"user": "bob@corp.example", "role": "viewer"}, {"group": "ml-vision", "role": "viewer"}]
    project = made(*grants)
    user, charlie = person("bob"), person("charlie")
    User.objects.filter(pk=user.pk).update(username="bob.berg@corp.example")
    User.objects.filter(pk=charlie.pk).update(group_ids=["oid-ml-vision"])
    rename(bob, "bob.berg@corp.example")
    rename(vision, "ml-perception")
    wish = {**project.spec, "contributors": [ALICE, *({**one, **changed} for one in grants)]}
    actions.change(project, wish, by=person("alice"), door=Door.FORM, installation=installation())
    person_entry("newcomer", upn="bob@corp.example")
    group_entry("ml-vision", object_id="oid-other")
    bind_memberships()
    assert meant(project) == {
        "alice@corp.example": "",
        "bob@corp.example": "oid-bob",
        "ml-vision": "oid-ml-vision",
    }
    role = Role(changed.get("role", "viewer"))
    assert [permissions.role_in(User.objects.get(pk=who.pk), project) for who in (user, charlie)] == [role, role]
    assert permissions.role_in(newcomer("bob@corp.example"), project) is None


def test_who_left_is_meant_as_long_as_nobody_has_the_name() -> None:
    bob = person_entry("bob")
    project = made({"user": "bob@corp.example", "role": "viewer"})
    gone(bob)
    wish = {**project.spec, "contributors": [ALICE, {"user": "bob@corp.example", "role": "editor"}]}
    actions.change(project, wish, by=person("alice"), door=Door.API, installation=installation())
    person_entry("newcomer", upn="bob@corp.example")
    bind_memberships()
    assert meant(project)["bob@corp.example"] == "oid-bob"


# Rights of people


def test_a_renamed_person_keeps_everything() -> None:
    bob = person_entry("bob")
    project = made({"user": "bob@corp.example", "role": "editor"})
    rename(bob, "bob.berg@corp.example")
    user = person("bob")
    user.username = "bob.berg@corp.example"
    user.save()
    assert permissions.role_in(user, project) is Role.EDITOR
    assert permissions.visible_projects(user).filter(pk=project.pk).exists()


def test_a_recycled_account_name_inherits_nothing() -> None:
    bob = person_entry("bob")
    project = made({"user": "bob@corp.example", "role": "owner"})
    gone(bob)
    other = newcomer("bob@corp.example")
    assert permissions.role_in(other, project) is None
    assert not permissions.visible_projects(other).exists()
    assert client(other).get("/projects/demand/").status_code == 404


def test_a_local_account_matches_no_bound_grant() -> None:
    person_entry("bob")
    project = made({"user": "bob@corp.example", "role": "owner"})
    local = User.objects.create_user("bob@corp.example", password="a-long-local-password")
    assert permissions.role_in(local, project) is None
    assert not permissions.visible_projects(local).exists()


# Rights by groups


def test_a_renamed_group_keeps_its_role_and_a_recycled_name_has_none() -> None:
    vision = group_entry("ml-vision", person_entry("charlie"))
    project = made({"group": "ml-vision", "role": "viewer"})
    charlie = person("charlie")
    charlie.group_ids = ["oid-ml-vision"]
    assert permissions.role_in(charlie, project) is Role.VIEWER
    rename(vision, "ml-perception")
    assert permissions.role_in(charlie, project) is Role.VIEWER
    assert permissions.visible_projects(charlie).get() == project
    other = person("bob")
    other.directory_groups, other.group_ids = ("ml-vision",), ["oid-another"]
    assert permissions.role_in(other, project) is None


def test_a_team_is_who_is_in_its_groups_whatever_they_are_called() -> None:
    project = made()
    forecasting = group_entry("ml-forecasting")
    bind_teams()
    row = Team.objects.get(slug="forecasting")
    assert row.group_ids == {"ml-forecasting": "oid-ml-forecasting"}
    by_name, by_id = person("bob"), person("charlie")
    by_id.group_ids = ["oid-ml-forecasting"]

    def in_team(user: User) -> tuple[bool, bool, bool]:
        return (
            permissions.is_in_team(user, row),
            permissions.teams_of(user).filter(pk=row.pk).exists(),
            permissions.visible_projects(user).filter(pk=project.pk).exists(),
        )

    assert in_team(by_id) == (True, True, True)
    assert in_team(by_name) == (False, False, False)
    rename(forecasting, "ml-demand")
    bind_teams()
    row.refresh_from_db()
    assert (row.ad_groups, row.group_ids) == (["ml-demand"], {"ml-demand": "oid-ml-forecasting"})
    assert in_team(by_id) == (True, True, True)


def test_a_group_that_left_keeps_its_name_from_being_inherited() -> None:
    gone_group = group_entry("ml-forecasting")
    bind_teams()
    gone(gone_group)
    group_entry("ml-forecasting", object_id="oid-other")
    bind_teams()
    row = Team.objects.get(slug="forecasting")
    assert (row.ad_groups, row.group_ids) == (["ml-forecasting"], {"ml-forecasting": "oid-ml-forecasting"})
    user = person("charlie")
    user.group_ids, user.directory_groups = ["oid-other"], ("ml-forecasting",)
    assert not permissions.is_in_team(user, row)
    assert not permissions.teams_of(user).exists()


def test_a_group_that_a_team_gave_up_is_forgotten() -> None:
    group_entry("ml-forecasting")
    bind_teams()
    Team.objects.filter(slug="forecasting").update(ad_groups=["ml-other"])
    bind_teams()
    row = Team.objects.get(slug="forecasting")
    assert (row.ad_groups, row.group_ids) == (["ml-other"], {})


@pytest.mark.parametrize("groups", [(), ("o'brien", 'a"b', "{x}", "ml,vision", "50%", "null")])
def test_names_of_groups_are_only_names(groups: tuple[str, ...]) -> None:
    row = team("forecasting")
    user = person("charlie")
    user.directory_groups = groups
    assert not permissions.teams_of(user).exists()
    row.ad_groups = list(groups)
    row.save()
    assert list(permissions.teams_of(user)) == ([row] if groups else [])


def test_what_one_may_see_is_one_query() -> None:
    made()
    with CaptureQueriesContext(connection) as queries:
        list(permissions.visible_projects(User.objects.get(username="alice@corp.example")))
    # The account, its groups, the projects.
    assert len(queries) == 3


def test_history_says_who_a_grant_meant() -> None:
    person_entry("alice")
    project = made()
    row = Membership.objects.get(project=project)
    assert list(row.history.values_list("pgh_label", "object_id")) == [("insert", "oid-alice")]  # type: ignore[attr-defined]


# Names that several groups have


@pytest.fixture
def two_called_vision(settings: Any) -> User:
    """Bob, who is in the second of two groups ml-vision, and of two groups ml-platform; signed in."""
    settings.INSTALLATION = replace(installation(), platform_group="ml-platform")
    person_entry("alice")
    bob = person_entry("bob")
    for name in ("ml-vision", "ml-platform"):
        group_entry(name, object_id=f"oid-{name}-north")
        group_entry(name, bob, object_id=f"oid-{name}-south")
    user = person("bob")
    account_groups.write(user, account_groups.groups_now("oid-bob") or [])
    return User.objects.get(pk=user.pk)


def test_a_name_that_two_groups_have_is_nobodys(two_called_vision: User) -> None:
    assert (two_called_vision.directory_groups, two_called_vision.is_staff) == ((), False)
    assert two_called_vision.group_ids == ["oid-ml-platform-south", "oid-ml-vision-south"]
    assert account_groups.clear(["ml-vision", "ml-users"]) == ["ml-users"]


@pytest.mark.usefixtures("two_called_vision")
def test_a_group_whose_name_two_have_is_refused_with_their_object_ids() -> None:
    said = (
        "The directory has several groups ml-vision: oid-ml-vision-north (ml-vision); oid-ml-vision-south (ml-vision). "
        "Name the one you mean by its object id."
    )
    with pytest.raises(InvalidSpec) as refused:
        made({"group": "ml-vision", "role": "editor"})
    assert [(one.path, one.code, one.message) for one in refused.value.faults] == [
        (("contributors", 1), "ambiguous", said)
    ]
    project = made({"group": "oid-ml-vision-south", "role": "editor"})
    assert permissions.role_in(User.objects.get(object_id="oid-bob"), project) is Role.EDITOR


def test_a_grant_to_a_name_that_two_have_by_now_opens_nothing_and_holds_up_no_change(two_called_vision: User) -> None:
    DirectoryEntry.objects.filter(account="ml-vision").update(gone_at=timezone.now())
    vision = {"group": "ml-vision", "role": "editor"}
    project = made(vision)
    DirectoryEntry.objects.update(gone_at=None)
    assert meant(project)["ml-vision"] == ""
    assert permissions.role_in(two_called_vision, project) is None
    assert moved([project.pk]) == moved() == {project.pk: {(True, "ml-vision"): None}}
    found = {one.subject: (one.standing, one.counts) for one in reach_of(project, installation=installation()).grants}
    assert found["ml-vision"] == ("unclear", False)
    wish = {**project.spec, "title": "Demand"}
    asked = actions.change(project, wish, by=person("alice"), door=Door.API, installation=installation())
    assert asked.project is not None
    wish["contributors"] = [ALICE, {**vision, "role": "viewer"}]
    with pytest.raises(InvalidSpec, match="several groups ml-vision"):
        actions.change(asked.project, wish, by=person("alice"), door=Door.API, installation=installation())


def test_who_is_in_a_group_follows_when_another_one_gets_its_name() -> None:
    bob = person_entry("bob")
    vision = group_entry("ml-vision", bob)
    person("bob")
    after_sync(frozenset({bob.object_id, vision.object_id}))
    assert User.objects.get(object_id="oid-bob").directory_groups == ("ml-vision",)
    other = group_entry("ML-Vision", object_id="oid-other")
    after_sync(frozenset({"oid-other"}))
    assert User.objects.get(object_id="oid-bob").directory_groups == ()
    gone(other)
    after_sync(frozenset({"oid-other"}))
    assert User.objects.get(object_id="oid-bob").directory_groups == ("ml-vision",)
