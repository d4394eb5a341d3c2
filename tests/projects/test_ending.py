"""Ending somebody's access at once, whatever the directory says, and giving it back."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from portal.models import ApiToken, User
from projects import contributors
from projects.leavers import after_sync
from projects.models import AccessChange, Door, Project
from tests.entries import group_entry, person_entry, switched_off
from tests.people import bearer, client, person
from tests.projects.tended import ALICE, BOB, World, asked, fresh, look

pytestmark = pytest.mark.django_db


def run(name: str, *, by: str = "paula", because: str = "Their laptop was stolen.", **more: bool) -> str:
    said = StringIO()
    call_command("end_access", f"{name}@corp.example", by=f"{by}@corp.example", because=because, stdout=said, **more)
    return said.getvalue()


def bob() -> User:
    return User.objects.get(username="bob@corp.example")


@pytest.mark.django_db(transaction=True)
def test_the_platform_team_ends_an_account_and_no_sync_brings_it_back(world: World) -> None:
    for name in ("alice", "bob", "paula"):
        person(name)
    entry = person_entry("bob")
    vision = group_entry("ml-vision", entry)
    project = asked(contributors=[ALICE, BOB])
    contributors.set_memberships(project, spec=project.wanted(), door=Door.FORM)
    browser, script = client("bob"), bearer("bob")
    look(project)
    assert world.subjects("editor") == ["ad:bob@corp.example"]
    Project.objects.update(next_look_at=timezone.now() + timedelta(minutes=9))
    world.rung.clear()

    assert run("bob").startswith("bob@corp.example is out.")
    assert (browser.get("/").status_code, script.get("/api/v1/me/").status_code) == (302, 401)
    assert (bob().is_active, bob().directory_groups, ApiToken.objects.count()) == (False, (), 0)
    assert (world.rung, fresh(project).next_look_at <= timezone.now()) == (["drain"], True)
    look(project)
    assert world.subjects("editor") == []

    after_sync(frozenset({"oid-bob"}))
    for enabled in (False, True):
        switched_off(entry, enabled=enabled)
        after_sync(frozenset({"oid-bob"}))
    assert not bob().is_active

    assert "can sign in again" in run("bob", because="It was found.", give_back=True)
    assert (bob().is_active, bob().directory_groups, bob().group_ids) == (True, ("ml-vision",), [vision.object_id])
    assert browser.get("/").status_code == 302
    look(project)
    assert world.subjects("editor") == ["ad:bob@corp.example"]
    assert list(
        AccessChange.objects.order_by("pk").values_list("account__username", "ended", "because", "by_name")
    ) == [
        ("bob@corp.example", True, "Their laptop was stolen.", "paula@corp.example"),
        ("bob@corp.example", False, "It was found.", "paula@corp.example"),
    ]


@pytest.mark.django_db(transaction=True)
def test_a_role_that_is_bound_to_no_id_ends_by_name(world: World) -> None:
    person("bob")
    person("paula")
    project = asked(contributors=[ALICE, BOB])
    contributors.set_memberships(project, spec=project.wanted(), door=Door.FORM)
    look(project)
    assert world.subjects("editor") == ["ad:bob@corp.example"]
    run("bob")
    look(project)
    assert world.subjects("editor") == []


def test_whom_the_directory_had_switched_off_stays_out_when_the_platform_team_says_so() -> None:
    entry = person_entry("bob", enabled=False)
    person("bob")
    person("paula")
    after_sync(frozenset({"oid-bob"}))
    run("bob")
    switched_off(entry, enabled=True)
    after_sync(frozenset({"oid-bob"}))
    assert not bob().is_active


@pytest.mark.parametrize(
    "name, more, said",
    [
        ("bob", {"by": "alice"}, "Only the platform team"),
        ("bob", {"by": "charlie"}, "Only the platform team"),
        ("paula", {}, "nobody their own"),
        ("bob", {"because": " "}, "Say why"),
        ("nobody", {}, "Nobody called nobody@corp.example"),
        ("bob", {"give_back": True}, "was not ended here"),
    ],
)
def test_what_is_refused_changes_nothing(name: str, more: dict[str, str], said: str) -> None:
    for one in ("alice", "bob", "charlie", "paula"):
        person(one)
    with pytest.raises(CommandError, match=said):
        run(name, **more)  # type: ignore[arg-type]
    assert (User.objects.filter(is_active=False).count(), AccessChange.objects.count()) == (0, 0)
    run("bob")
    with pytest.raises(CommandError, match="ended already"):
        run("bob")


def test_a_local_account_comes_back_with_a_new_password() -> None:
    person("paula")
    User.objects.create_superuser("ops@corp.example", password="a-long-local-password")
    run("ops")
    assert "changepassword ops@corp.example" in run("ops", give_back=True)
    ops = User.objects.get(username="ops@corp.example")
    assert (ops.is_active, ops.is_staff, ops.is_superuser, ops.has_usable_password()) == (True, True, True, False)
