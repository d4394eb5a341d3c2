"""Credentials from the wish to rotate one to the end of the old one; who may, who is shown, and what is noted of it."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone
from pghistory.models import Events

from projects import credentials
from projects.errors import Conflict, NotAllowed, NotFound
from projects.installation import installation
from projects.listening import find, secrets_of
from projects.models import Door, Membership, Project, Reveal, Rotation
from provisioning.errors import TargetUnavailable
from provisioning.models import Event
from provisioning.secrets import KeyRing
from tests.people import person
from tests.projects.tended import NAMESPACE, World, asked, fresh, is_due, look
from tests.provisioning.wishes import catalogue

pytestmark = pytest.mark.django_db(transaction=True)

OLD, NEW = (f"{name}:{b64encode(name[-1:].encode() * 32).decode()}" for name in ("key-a", "key-b"))


def ring(*lines: str, **catalogue_changes: Any) -> AbstractContextManager[None]:
    """The installation with this key ring, newest first."""
    made = replace(installation(), key_ring=KeyRing.parse("\n".join(lines)), catalogue=catalogue(**catalogue_changes))
    return override_settings(INSTALLATION=made)


def shared(**changes: Any) -> Project:
    """alice's project with bob as editor, made by the key key-a."""
    project = asked(**changes)
    Project.objects.filter(pk=project.pk).update(key_id="key-a")
    for name, role in (("alice", "owner"), ("bob", "editor")):
        Membership.objects.create(project=project, subject=f"{name}@corp.example", role=role, source=Door.FORM)
    return fresh(project)


@pytest.fixture
def project(world: World) -> Any:
    with ring(OLD):
        yield look(shared())


def rotate(project: Project, purpose: str = "bucket", *, by: str = "alice", **said: Any) -> Rotation:
    return credentials.rotate(project, purpose, by=person(by), door=Door.FORM, installation=installation(), **said)


def reveal(project: Project, purpose: str = "bucket", *, by: str = "bob") -> dict[str, str]:
    return dict(credentials.reveal(project, purpose, by=person(by), door=Door.API, installation=installation()).values)


def held(project: Project, purpose: str = "bucket", *, by: str = "alice") -> credentials.Held:
    found = credentials.credentials_of(fresh(project), by=person(by), installation=installation())
    return next(one for one in found if one.credential.purpose == purpose)


def keys(world: World) -> dict[str, str]:
    """Access key ids in the store, with the secret of each."""
    return {name: one.secret for name, one in sorted(world.store.users.items())}


def in_workspace(world: World) -> dict[str, str]:
    """The key as pods of the workspace read it."""
    data = world.cluster.objects[("v1", "Secret", NAMESPACE, "bucket-credentials")]["data"]
    values = {name: b64decode(data[name]).decode() for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    return {values["AWS_ACCESS_KEY_ID"]: values["AWS_SECRET_ACCESS_KEY"]}


def at(moment: Any, project: Project) -> None:
    """Let the overlap end at this moment."""
    Rotation.objects.filter(project=project).update(earlier_until=moment, rotated_at=moment - timedelta(hours=24))


def test_a_new_key_comes_beside_the_old_one_which_ends_by_itself(world: World, project: Project) -> None:
    old = keys(world)
    assert in_workspace(world) == old
    made = rotate(project)
    assert is_due(project)
    assert not held(project).in_force
    look(project)
    both, new = keys(world), in_workspace(world)
    assert len(both) == 2
    assert both == old | new
    state = held(project)
    assert (state.version, state.rotated_by, state.in_force) == (2, "alice@corp.example", True)
    assert state.earlier_until == made.earlier_until
    assert timedelta(hours=23) < made.earlier_until - timezone.now() <= timedelta(hours=24)

    at(timezone.now() - timedelta(seconds=1), project)
    assert held(project).earlier_until is None
    assert not held(project).in_force
    look(project)
    assert (keys(world), in_workspace(world), held(project).in_force) == (new, new, True)
    world.forget_calls()
    look(project)
    assert [call for call in world.calls() if call[0].startswith(("put", "set", "delete", "apply", "update"))] == []


def test_the_next_look_comes_when_the_old_key_ends_and_not_later(world: World, project: Project) -> None:
    rotate(project)
    at(timezone.now() + timedelta(seconds=90), project)
    due = look(project).next_look_at
    assert due is not None
    assert timedelta(seconds=80) < due - timezone.now() < timedelta(seconds=95)


def test_an_old_key_that_leaked_ends_now(world: World, project: Project) -> None:
    old = keys(world)
    rotate(project)
    look(project)
    credentials.end_old(project, "bucket", by=person("alice"), door=Door.FORM)
    assert is_due(project)
    look(project)
    assert keys(world) == in_workspace(world)
    assert keys(world).keys().isdisjoint(old)
    assert Rotation.objects.get().ended_by == "alice@corp.example"
    with pytest.raises(Conflict, match="ended already"):
        credentials.end_old(project, "bucket", by=person("alice"), door=Door.FORM)


def test_rotating_can_end_the_old_key_at_once_and_waits_for_a_running_overlap(world: World, project: Project) -> None:
    rotate(project)
    with pytest.raises(Conflict, match="still works"):
        rotate(project)
    credentials.end_old(project, "bucket", by=person("alice"), door=Door.FORM)
    rotate(project, end_old_now=True)
    look(project)
    assert keys(world) == in_workspace(world)
    assert fresh(project).versions == {"bucket": 3}


def test_webhook_secrets_change_on_both_sides_in_one_look(world: World, project: Project) -> None:
    for purpose in ("webhook", "profile-hook"):
        rotate(project, purpose)
    look(project)
    wish_secret = b64decode(
        world.cluster.objects[("v1", "Secret", NAMESPACE, "slipway-ci-webhook")]["data"]["secret"]
    ).decode()
    forge = world.forge.repositories["forecasting/demand"]
    assert wish_secret in forge.secrets.values()
    assert held(project, "webhook").earlier_until is None
    assert held(project, "profile-hook").earlier_until is not None
    assert [held(project, purpose).in_force for purpose in ("webhook", "profile-hook")] == [True, True]


def test_the_portal_takes_the_old_webhook_secret_as_long_as_it_works(world: World, project: Project) -> None:
    def taken() -> set[str]:
        hook = find(forge="git-1", uid=str(project.uid), installation=installation())
        assert hook is not None
        return set(secrets_of(hook, installation=installation()))

    first = taken()
    assert len(first) == 1
    rotate(project, "profile-hook")
    both = taken()
    assert len(both) == 2
    assert first < both
    at(timezone.now() - timedelta(seconds=1), project)
    assert taken() == both - first


def test_a_silent_store_keeps_the_old_key_working_and_the_new_one_comes_when_it_is_back(
    world: World, project: Project
) -> None:
    old = keys(world)
    rotate(project)
    world.store.fail_with(TargetUnavailable("store-1 does not answer."), on="*", times=99)
    look(project)
    assert (keys(world), held(project).in_force) == (old, False)
    world.store.end_failures()
    world.connect()
    look(project)
    assert keys(world) == old | in_workspace(world)
    assert held(project).in_force


@pytest.mark.parametrize("who", ["bob", "charlie", "paula"])
def test_who_may_rotate_and_end(who: str, world: World, project: Project) -> None:
    expected: type[Exception] | None = {"bob": NotAllowed, "charlie": NotFound}.get(who)
    calls: list[Callable[[], Any]] = [
        lambda: rotate(project, by=who),
        lambda: credentials.end_old(project, "bucket", by=person(who), door=Door.FORM),
    ]
    for call in calls:
        if expected is None:
            call()
        else:
            with pytest.raises(expected):
                call()
    assert Rotation.objects.count() == (1 if expected is None else 0)


@pytest.mark.parametrize(
    ("who", "expected"), [("alice", None), ("bob", None), ("paula", NotAllowed), ("charlie", NotFound)]
)
def test_who_is_shown_a_key(who: str, expected: type[Exception] | None, world: World, project: Project) -> None:
    if expected is not None:
        with pytest.raises(expected):
            reveal(project, by=who)
        assert Reveal.objects.count() == 0
        return
    shown = reveal(project, by=who)
    assert {shown["AWS_ACCESS_KEY_ID"]: shown["AWS_SECRET_ACCESS_KEY"]} == keys(world)


def test_a_viewer_and_a_team_member_without_a_role_are_shown_nothing(world: World, project: Project) -> None:
    Membership.objects.filter(subject="bob@corp.example").update(role="viewer")
    with pytest.raises(NotAllowed):
        reveal(project)
    Membership.objects.filter(subject="bob@corp.example").delete()
    with pytest.raises(NotAllowed):
        reveal(project)


def test_each_version_is_shown_once_to_each_person_and_that_is_noted_without_the_secret(
    world: World, project: Project
) -> None:
    secret = reveal(project)["AWS_SECRET_ACCESS_KEY"]
    reveal(project, by="alice")
    with pytest.raises(Conflict, match="once to each person"):
        reveal(project)
    assert held(project, by="bob").shown_at is not None
    rotate(project)
    assert held(project, by="bob").shown_at is None
    assert reveal(project)["AWS_SECRET_ACCESS_KEY"] != secret
    rows = list(Reveal.objects.order_by("pk").values_list("person_name", "purpose", "version"))
    assert rows == [
        ("bob@corp.example", "bucket", 1), ("alice@corp.example", "bucket", 1), ("bob@corp.example", "bucket", 2),
    ]  # fmt: skip
    assert ({row.door for row in Reveal.objects.all()}, Rotation.objects.get().door) == ({"api"}, "form")
    noted = [*Events.objects.tracks(*Reveal.objects.all()), *Events.objects.tracks(*Rotation.objects.all())]
    assert {(one.pgh_context["actor"], one.pgh_context["door"]) for one in noted} == {
        ("bob@corp.example", "api"), ("alice@corp.example", "api"), ("alice@corp.example", "form"),
    }  # fmt: skip
    told = repr([[one.pgh_data for one in noted], list(Event.objects.values()), list(Project.objects.values())])
    assert secret not in told


def test_what_only_machines_need_is_shown_to_nobody_and_what_there_is_not_to_be_found(
    world: World, project: Project
) -> None:
    for purpose in ("webhook", "profile-hook"):
        with pytest.raises(Conflict, match="Only machines"):
            reveal(project, purpose, by="alice")
    with pytest.raises(NotFound):
        rotate(project, "nothing")
    assert Reveal.objects.count() == 0


@pytest.mark.parametrize(("state", "words"), [("deletion_requested_at", "being removed"), ("suspended", "suspended")])
def test_a_project_that_nobody_tends_gets_no_keys_and_shows_none(
    state: str, words: str, world: World, project: Project
) -> None:
    Project.objects.update(**{state: timezone.now() if state.endswith("_at") else True})
    calls: list[Callable[[], Any]] = [
        lambda: rotate(project),
        lambda: reveal(project),
        lambda: credentials.end_old(project, "bucket", by=person("alice"), door=Door.FORM),
    ]
    for call in calls:
        with pytest.raises(Conflict, match=words):
            call()
    assert (Rotation.objects.count(), Reveal.objects.count()) == (0, 0)


def test_a_project_moves_to_another_key_with_both_secrets_working_meanwhile(world: World, project: Project) -> None:
    old = keys(world)
    with ring(NEW, OLD):
        assert credentials.move_to_current_key(project, by="ops", installation=installation()) is True
        assert credentials.move_to_current_key(fresh(project), by="ops", installation=installation()) is False
        look(project)
        assert keys(world) == old | in_workspace(world)
        moved = fresh(project)
        assert (moved.key_id, moved.versions) == (
            "key-b",
            dict.fromkeys(
                (
                    "bucket",
                    "webhook",
                    "ci-report",
                    "clone",
                    "profile-hook",
                    "tracking",
                    "features",
                    "data-schemas",
                ),
                2,
            ),
        )
        at(timezone.now() - timedelta(seconds=1), project)
        look(project)
    with ring(NEW):
        # The old line may go now: nothing needs it any more.
        look(project)
        assert keys(world) == in_workspace(world)
        assert held(project).in_force
        assert reveal(project)["AWS_SECRET_ACCESS_KEY"] in keys(world).values()


def test_a_leaked_key_ring_ends_every_old_secret_at_once(world: World, project: Project) -> None:
    old = keys(world)
    with ring(NEW, OLD):
        credentials.move_to_current_key(project, by="ops", installation=installation(), end_old_now=True)
        look(project)
        assert keys(world).keys().isdisjoint(old)
        hook = find(forge="git-1", uid=str(project.uid), installation=installation())
        assert hook is not None
        assert len(secrets_of(hook, installation=installation())) == 1


def test_a_key_that_left_the_ring_is_said_and_nothing_is_noted(world: World, project: Project) -> None:
    with ring(NEW), pytest.raises(Conflict, match="key-a left the key ring"):
        reveal(project)
    assert Reveal.objects.count() == 0


def test_pages_remind_of_old_keys_when_the_catalogue_says_so(world: World, project: Project) -> None:
    assert held(project).old is False
    with ring(OLD, credentials={"rotate_after_days": 90}):
        Project.objects.update(created_at=timezone.now() - timedelta(days=91))
        assert held(project).old is True
        rotate(project)
        assert held(project).old is False
