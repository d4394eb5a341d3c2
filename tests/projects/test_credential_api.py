"""Credentials over REST: what is said of them, and that the secret is in one answer and nowhere else."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client

from projects.models import IdempotencyKey, Project, Reveal, Rotation
from tests.people import bearer, client, person
from tests.projects.tended import World, fresh, look
from tests.projects.test_credentials import NEW, OLD, keys, ring, shared

pytestmark = pytest.mark.django_db(transaction=True)

BASE = "/api/v1/projects/demand/credentials/"


@pytest.fixture
def project(world: World) -> Any:
    with ring(OLD):
        yield look(shared())


def post(who: Client, path: str, body: Any = None, **headers: str) -> HttpResponse:
    return who.post(f"{BASE}{path}", json.dumps(body or {}), content_type="application/json", headers=headers)


def test_the_list_says_everything_but_the_secrets(world: World, project: Project) -> None:
    answer = client("bob").get(BASE)
    assert answer.status_code == 200
    items = {one["purpose"]: one for one in answer.json()["items"]}
    assert items["bucket"] == {
        "purpose": "bucket",
        "title": "Bucket key",
        "version": 1,
        "place": "Secret bucket-credentials in ml-demand",
        "since": items["bucket"]["since"],
        "rotated_by": "",
        "in_force": True,
        "earlier_until": None,
        "old": False,
        "can_be_shown": True,
        "shown_to_you": None,
    }
    assert [(one, items[one]["can_be_shown"]) for one in items] == [
        ("bucket", True), ("webhook", False), ("ci-report", True), ("clone", False), ("profile-hook", False),
    ]  # fmt: skip
    assert not any(secret in answer.content.decode() for secret in keys(world).values())


def test_rotating_and_ending_the_old_one(world: World, project: Project) -> None:
    answer = post(client("alice"), "bucket/rotate/")
    assert answer.status_code == 202, answer.content
    said = answer.json()
    assert (said["version"], said["in_force"], said["rotated_by"]) == (2, False, "alice@corp.example")
    assert said["earlier_until"] is not None
    look(project)
    assert client("alice").get(BASE).json()["items"][0]["in_force"] is True
    again = post(client("alice"), "bucket/rotate/")
    assert (again.status_code, again.json()["type"]) == (409, "urn:slipway:problem:conflict")
    ended = post(client("alice"), "bucket/end-old/")
    assert (ended.status_code, ended.json()["earlier_until"]) == (202, None)
    at_once = post(client("alice"), "bucket/rotate/", {"end_old_now": True})
    assert (at_once.status_code, at_once.json()["earlier_until"]) == (202, None)


@pytest.mark.parametrize(
    "body", [{"overlap": 5}, {"end_old_now": "perhaps"}, {"end_old_now": False, "version": 9}, ["x"]], ids=repr
)
def test_a_body_that_says_something_else_changes_nothing(world: World, project: Project, body: Any) -> None:
    assert post(client("alice"), "bucket/rotate/", body).status_code in (400, 422)
    assert Rotation.objects.count() == 0


def test_the_secret_is_in_one_answer_that_nobody_keeps(world: World, project: Project) -> None:
    script = bearer("bob")
    first = post(script, "bucket/reveal/", **{"Idempotency-Key": "show-me"})
    assert first.status_code == 200
    assert first["Cache-Control"] == "no-store"
    values = first.json()["values"]
    assert {values["AWS_ACCESS_KEY_ID"]: values["AWS_SECRET_ACCESS_KEY"]} == keys(world)
    again = post(script, "bucket/reveal/", **{"Idempotency-Key": "show-me"})
    assert (again.status_code, again.json()["values"]) == (200, None)
    other = post(script, "bucket/reveal/")
    assert (other.status_code, "once to each person" in other.json()["detail"]) == (409, True)
    assert values["AWS_SECRET_ACCESS_KEY"] not in repr(list(IdempotencyKey.objects.values()))
    assert [row.person_id for row in Reveal.objects.all()] == [person("bob").pk]


@pytest.mark.parametrize("path", ["bucket/rotate/", "bucket/end-old/", "bucket/reveal/"])
def test_a_stranger_learns_nothing_and_a_reading_token_changes_nothing(
    world: World, project: Project, path: str
) -> None:
    assert post(client("charlie"), path).status_code == 404
    assert post(bearer("alice", "read"), path).status_code == 403
    assert (Rotation.objects.count(), Reveal.objects.count()) == (0, 0)


def test_an_unknown_credential_is_not_there(world: World, project: Project) -> None:
    assert post(client("alice"), "password/rotate/").status_code == 404
    assert post(client("alice"), "webhook/reveal/").status_code == 409


def test_the_command_moves_what_comes_from_another_key(
    world: World, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    with ring(NEW, OLD):
        call_command("move_to_current_key", "--dry-run")
        assert fresh(project).key_id == "key-a"
        call_command("move_to_current_key", "demand", "--by", "ops@corp.example")
        call_command("move_to_current_key")
        with pytest.raises(CommandError, match="no project lost"):
            call_command("move_to_current_key", "demand", "lost")
    assert capsys.readouterr().out.splitlines() == [
        "demand: from key-a to key-b",
        "1 project(s) moved to the key key-b.",
        "0 project(s) moved to the key key-b.",
    ]
    assert fresh(project).key_id == "key-b"
    assert {row.rotated_by for row in Rotation.objects.all()} == {"ops@corp.example"}
