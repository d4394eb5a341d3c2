"""What the worker does about contributors who left or are called otherwise now; targets in memory."""

import pytest

from projects import contributors, tasks
from projects.models import Door, Project
from projects.spec import Role
from provisioning.conditions import Word
from provisioning.errors import Reason
from tests.entries import gone, group_entry, person_entry, rename, switched_off
from tests.projects.tended import ALICE, BOB, REPOSITORY, World, asked, events, is_due, look, rows

pytestmark = pytest.mark.django_db(transaction=True)


def granted(*extra: dict[str, str]) -> Project:
    project = asked(contributors=[ALICE, BOB, *extra])
    contributors.set_memberships(project, spec=project.wanted(), door=Door.FORM)
    return project


def collaborators(world: World) -> set[str]:
    return set(world.forge.repositories[REPOSITORY].collaborators)


def test_who_left_has_no_role_binding_and_no_right_on_the_forge_at_the_next_look(world: World) -> None:
    person_entry("alice")
    bob = person_entry("bob")
    project = look(granted())
    assert (world.subjects("editor"), collaborators(world)) == (["ad:bob@corp.example"], {"alice", "bob"})
    switched_off(bob)
    project = look(project)
    assert (world.subjects("editor"), collaborators(world)) == ([], {"alice"})
    assert (project.word, events(Reason.DRIFTED)) == (Word.READY, [])
    switched_off(bob, enabled=True)
    look(project)
    assert (world.subjects("editor"), collaborators(world)) == (["ad:bob@corp.example"], {"alice", "bob"})
    gone(bob)
    look(project)
    assert (world.subjects("editor"), collaborators(world)) == ([], {"alice"})


def test_a_workspace_without_an_owner_stays_and_who_left_is_out_all_the_same(world: World) -> None:
    alice = person_entry("alice")
    person_entry("bob")
    project = look(granted())
    gone(alice)
    project = look(project)
    assert (world.subjects("owner"), world.subjects("editor")) == ([], ["ad:bob@corp.example"])
    assert collaborators(world) == {"bob"}
    assert project.word is Word.READY
    assert set(rows(project).values()) == {"Available"}


def test_a_renamed_group_and_person_are_bound_by_their_present_names(world: World) -> None:
    person_entry("alice")
    bob = person_entry("bob")
    users = group_entry("ml-users", bob)
    project = look(granted({"group": "ml-users", "role": "viewer"}))
    assert world.subjects("viewer") == ["ad:ml-users"]
    rename(users, "ml-everybody")
    rename(bob, "bob.berg@corp.example")
    look(project)
    assert (world.subjects("viewer"), world.subjects("editor")) == (["ad:ml-everybody"], ["ad:bob.berg@corp.example"])


def test_somebody_with_the_name_of_who_left_gets_nothing(world: World) -> None:
    person_entry("alice")
    bob = person_entry("bob")
    project = look(granted())
    gone(bob)
    person_entry("bob", object_id="oid-newcomer")
    look(project)
    assert (world.subjects("editor"), collaborators(world)) == ([], {"alice"})


def test_a_group_named_by_object_id_stays_so(world: World) -> None:
    person_entry("alice")
    group_entry("ml-users", object_id="0a11ce00-0000-4000-8000-0000000000aa")
    look(granted({"group": "0a11ce00-0000-4000-8000-0000000000aa", "role": "viewer"}))
    assert world.subjects("viewer") == ["ad:0a11ce00-0000-4000-8000-0000000000aa"]


def test_the_scan_compares_with_who_counts_now(world: World) -> None:
    person_entry("alice")
    bob = person_entry("bob")
    project = look(granted())
    switched_off(bob)
    project = look(project)
    world.rung.clear()
    tasks.scan_fleet()
    assert (is_due(project), world.rung) == (False, [])


def test_all_projects_are_asked_about_at_once() -> None:
    bob = person_entry("bob")
    project = granted()
    assert contributors.moved() == {}
    switched_off(bob)
    assert contributors.moved() == {project.pk: {(False, "bob@corp.example"): None}}
    assert contributors.moved([project.pk + 1]) == {}
    assert [one.role for one in project.wanted().contributors] == [Role.OWNER, Role.EDITOR]
