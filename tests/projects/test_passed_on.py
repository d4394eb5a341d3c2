"""Somebody signs in with a name that was another person's: what went by the name ends at once, nothing else does."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.accounts import Person, account_of
from portal.models import ApiToken, User
from projects import actions, permissions
from projects.contributors import moved, present
from projects.installation import installation
from projects.leavers import after_sync
from projects.models import DirectoryEntry, DirectoryState, Door, Project, Succession
from projects.today import today
from tests.entries import person_entry, rename
from tests.people import person, team

pytestmark = pytest.mark.django_db

BOB = "bob@corp.example"
LATER = timedelta(hours=1)


def project_with(name: str, role: str) -> Project:
    """One of alice's, with this contributor, at rest."""
    team("forecasting")
    wish = {"slug": "demand", "team": "forecasting", "contributors": [{"user": name, "role": role}]}
    project = actions.create(wish, by=person("alice"), door=Door.API, installation=installation()).project
    assert project is not None
    Project.objects.filter(pk=project.pk).update(next_look_at=timezone.now() + LATER)
    return project


def subjects(project: Project) -> list[str]:
    """Whom the engine is told about."""
    spec = present(project.wanted(), moved=moved([project.pk]).get(project.pk, {}), today=today())
    return [one.subject for one in spec.contributors]


def newcomer(name: str = BOB) -> User:
    user, _ = account_of(Person(tenant="corp", object_id="oid-newcomer", upn=name))
    return user


def test_the_one_before_is_out_of_the_workspace_at_the_first_sign_in(django_capture_on_commit_callbacks: Any) -> None:
    person_entry("alice")
    person_entry("bob")
    person("bob")
    project = project_with(BOB, "editor")
    assert subjects(project) == [BOB, "alice@corp.example"]
    with django_capture_on_commit_callbacks() as rung:
        other = newcomer()
    assert subjects(project) == ["alice@corp.example"]
    project.refresh_from_db()
    assert project.next_look_at is not None
    assert project.next_look_at <= timezone.now()
    assert len(rung) == 1
    assert permissions.role_in(other, project) is None


def test_somebody_who_never_came_here_is_out_as_well() -> None:
    person_entry("alice")
    person_entry("bob")
    project = project_with(BOB, "viewer")
    newcomer()
    assert not User.objects.filter(object_id="oid-bob").exists()
    assert subjects(project) == ["alice@corp.example"]


def test_without_a_directory_the_portal_gives_the_newcomer_nothing() -> None:
    person("bob")
    project = project_with(BOB, "editor")
    other = newcomer()
    assert permissions.role_in(other, project) is None
    assert not permissions.visible_projects(other).exists()
    before = User.objects.get(object_id="oid-bob")
    assert permissions.role_in(before, project) is not None


def test_a_first_sign_in_under_one_s_own_name_ends_nothing(django_capture_on_commit_callbacks: Any) -> None:
    person_entry("alice")
    person_entry("bob", object_id="oid-newcomer")
    person_entry("charlie")
    project = project_with(BOB, "editor")
    with django_capture_on_commit_callbacks() as rung:
        newcomer()
    assert subjects(project) == [BOB, "alice@corp.example"]
    assert not DirectoryEntry.objects.exclude(gone_at=None).exists()
    assert rung == []


def test_who_is_only_called_otherwise_keeps_account_and_tokens_until_a_sync_knows() -> None:
    entries = {name: person_entry(name) for name in ("alice", "bob")}
    bob = person("bob")
    ApiToken.objects.create(bob, name="ci", scopes=["read"])
    project_with(BOB, "owner")
    DirectoryState.objects.create(source="corp", complete_at=timezone.now())
    newcomer()
    after_sync(frozenset())
    assert (User.objects.get(pk=bob.pk).is_active, ApiToken.objects.count()) == (True, 1)
    assert not Succession.objects.exists()

    rename(entries["bob"], "bob.berg@corp.example")
    DirectoryEntry.objects.update(gone_at=None)
    DirectoryState.objects.update(complete_at=timezone.now())
    after_sync(frozenset({"oid-bob"}))
    again = User.objects.get(pk=bob.pk)
    assert (again.username, again.is_active, ApiToken.objects.count()) == ("bob.berg@corp.example", True, 1)


def test_who_left_is_out_as_soon_as_a_sync_has_not_seen_them() -> None:
    person_entry("bob")
    bob = person("bob")
    ApiToken.objects.create(bob, name="ci", scopes=["read"])
    newcomer()
    DirectoryState.objects.create(source="corp", complete_at=timezone.now())
    after_sync(frozenset())
    assert (User.objects.get(pk=bob.pk).is_active, ApiToken.objects.count()) == (False, 0)
