"""The address that forges call: what is written down, what is refused, and that nothing else happens in the request."""

import base64
import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from projects import actions
from projects.installation import installation
from projects.listening import give_back, take_turn
from projects.models import Delivery, Door, Project, RegisteredRepository, Rotation
from provisioning.kinds.webhook import hook_path
from provisioning.secrets import KeyRing, signature
from tests.people import person, teams

pytestmark = pytest.mark.django_db

NAME = "forecasting/demand"
SHA = "5f0c7a529a3e4b1d8c572f6d1e0b9a445f0c7a52"


@pytest.fixture
def row() -> RegisteredRepository:
    return RegisteredRepository.objects.create(forge="git-1", full_name=NAME)


def secret_of(uid: uuid.UUID, **changes: Any) -> str:
    return installation().key_ring.derive(uid=str(uid), purpose="profile-hook", **changes)


def push(**changes: Any) -> dict[str, Any]:
    repository = {"full_name": NAME, "default_branch": "main"}
    return {"ref": "refs/heads/main", "after": SHA, "repository": repository, **changes}


def deliver(
    uid: uuid.UUID,
    payload: Any = None,
    *,
    event: str = "push",
    delivery: str = "d-1",
    forge: str = "git-1",
    secret: str | None = None,
    body: bytes | None = None,
    headers: dict[str, str | None] | None = None,
    **extra: Any,
) -> HttpResponse:
    """A delivery as Gitea sends it; `headers` changes some, None leaves one out."""
    sent = json.dumps(push() if payload is None else payload).encode() if body is None else body
    signed = signature(secret=secret_of(uid) if secret is None else secret, body=sent)
    all_headers = {"X-Gitea-Event": event, "X-Gitea-Delivery": delivery, "X-Gitea-Signature": signed, **(headers or {})}
    given = {name: value for name, value in all_headers.items() if value is not None}
    client = Client(enforce_csrf_checks=True)
    extra.setdefault("content_type", "application/json")
    return client.post(hook_path(forge=forge, uid=uid), data=sent, headers=given, **extra)  # type: ignore[return-value]


def noted() -> list[tuple[str, str, str, int | None]]:
    return list(Delivery.objects.order_by("pk").values_list("delivery_id", "event", "commit", "pull_request"))


def test_a_push_is_written_down_and_the_repository_is_due(row: RegisteredRepository) -> None:
    answer = deliver(row.uid)
    assert (answer.status_code, answer.json()) == (202, {"detail": "Noted. The answer will stand on the commit."})
    assert noted() == [("d-1", "push", SHA, None)]
    row.refresh_from_db()
    assert row.look_at is not None


def test_the_worker_is_rung_after_the_commit(
    row: RegisteredRepository, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as rung:
        deliver(row.uid)
    assert len(rung) == 1


def test_a_flood_rings_once_until_it_is_read(
    row: RegisteredRepository, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as rung:
        for number in range(5):
            assert deliver(row.uid, delivery=f"d-{number}").status_code == 202
    assert (len(rung), len(noted())) == (1, 5)
    row.refresh_from_db()
    first = row.look_at
    turn = take_turn(row.pk)
    assert (turn is not None, first is not None) == (True, True)
    with django_capture_on_commit_callbacks() as rung:
        deliver(row.uid, delivery="during")
    assert rung == []
    with django_capture_on_commit_callbacks() as rung:
        give_back(turn)  # type: ignore[arg-type]
        deliver(row.uid, delivery="after")
    assert len(rung) == 1
    row.refresh_from_db()
    due = row.look_at
    deliver(row.uid, delivery="later")
    row.refresh_from_db()
    assert row.look_at == due, "who is due longest is read first, so a flood must not move its place"


def test_after_a_reading_the_next_delivery_rings(
    row: RegisteredRepository, django_capture_on_commit_callbacks: Any
) -> None:
    deliver(row.uid)
    give_back(take_turn(row.pk))  # type: ignore[arg-type]
    with django_capture_on_commit_callbacks() as rung:
        deliver(row.uid, delivery="d-2")
    assert len(rung) == 1


def test_a_pull_request_is_written_down(row: RegisteredRepository) -> None:
    payload = {"action": "opened", "number": 7, "repository": {"full_name": NAME}}
    assert deliver(row.uid, payload, event="pull_request").status_code == 202
    assert noted() == [("d-1", "pull_request", "", 7)]


def test_github_s_headers_do_as_well(row: RegisteredRepository) -> None:
    body = json.dumps(push()).encode()
    headers = {
        "X-Gitea-Event": None,
        "X-Gitea-Delivery": None,
        "X-Gitea-Signature": None,
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "X-Hub-Signature-256": f"sha256={signature(secret=secret_of(row.uid), body=body)}",
    }
    assert deliver(row.uid, body=body, headers=headers).status_code == 202
    assert noted() == [("72d3162e-cc78-11e3-81ab-4c9367dc0958", "push", SHA, None)]


def test_the_same_delivery_again_is_seen_already(row: RegisteredRepository) -> None:
    deliver(row.uid)
    RegisteredRepository.objects.update(look_at=None)
    again = deliver(row.uid)
    assert (again.status_code, again.json()) == (200, {"detail": "This delivery was seen already."})
    assert len(noted()) == 1
    row.refresh_from_db()
    assert row.look_at is None


@pytest.mark.parametrize(
    ("event", "payload", "detail"),
    [
        ("push", push(ref="refs/heads/feature"), "Ignored: only pushes to the default branch ask for something."),
        ("push", push(ref="refs/tags/main"), "Ignored: only pushes to the default branch ask for something."),
        ("push", push(after="0" * 40), "Ignored: there is no commit in it."),
        ("push", push(after=["x"]), "Ignored: there is no commit in it."),
        ("push", push(after="-x; rm"), "Ignored: there is no commit in it."),
        ("issues", push(), "Ignored: only pushes, pull requests and what is written under them are of interest."),
        ("", push(), "Ignored: only pushes, pull requests and what is written under them are of interest."),
        ("pull_request", push(action="labeled", number=1), "Ignored: nothing of the pull request's files changed."),
        ("pull_request", push(action="opened", number=True), "Ignored: there is no number in it."),
        ("pull_request", push(action="opened", number=2**31), "Ignored: there is no number in it."),
    ],
)
def test_what_asks_for_nothing_is_ignored(
    row: RegisteredRepository, event: str, payload: dict[str, Any], detail: str
) -> None:
    answer = deliver(row.uid, payload, event=event)
    assert (answer.status_code, answer.json()) == (202, {"detail": detail})
    assert noted() == []


def test_a_ping_is_answered(row: RegisteredRepository) -> None:
    assert deliver(row.uid, event="ping").status_code == 200
    assert noted() == []


@pytest.mark.parametrize(
    "given",
    [None, "", "00", "0" * 64, "é" * 64, "SHA256", "sha256=" + "0" * 64],
    ids=["none", "empty", "short", "wrong", "not ascii", "word", "with prefix"],
)
def test_without_a_right_signature_nothing_happens(row: RegisteredRepository, given: str | None) -> None:
    answer = deliver(row.uid, headers={"X-Gitea-Signature": given})
    assert answer.status_code == 401
    assert answer.json() == {
        "detail": "The signature is missing or wrong. The hook's secret must be the one that Slipway set."
    }
    assert noted() == []


def test_the_signature_is_over_the_bytes_as_they_came(row: RegisteredRepository) -> None:
    body = json.dumps(push(), indent=3).encode()
    again = json.dumps(json.loads(body)).encode()
    headers: dict[str, str | None] = {"X-Gitea-Signature": signature(secret=secret_of(row.uid), body=again)}
    assert deliver(row.uid, body=body, headers=headers).status_code == 401


def test_it_is_checked_before_anything_is_parsed(row: RegisteredRepository) -> None:
    assert deliver(row.uid, body=b"[" * 100_000, headers={"X-Gitea-Signature": "0" * 64}).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Hub-Signature": "sha1=0", "X-Gitea-Signature": None},
        {"X-Gitlab-Token": "the secret itself", "X-Gitea-Signature": None},
        {"X-Hub-Signature-256": "0" * 64, "X-Gitea-Signature": None},
    ],
    ids=["sha-1", "plain token", "no prefix"],
)
def test_weaker_ways_to_sign_do_not_count(row: RegisteredRepository, headers: dict[str, str | None]) -> None:
    assert deliver(row.uid, headers=headers).status_code == 401


def test_another_repository_s_secret_does_not_count(row: RegisteredRepository) -> None:
    other = RegisteredRepository.objects.create(forge="git-1", full_name="forecasting/other")
    assert deliver(row.uid, secret=secret_of(other.uid)).status_code == 401


def test_another_repository_s_name_is_foreign(row: RegisteredRepository) -> None:
    for name in ("vision/demand", "", None, 5):
        answer = deliver(row.uid, push(repository={"full_name": name, "default_branch": "main"}))
        assert (answer.status_code, noted()) == (403, [])
    assert deliver(row.uid, push(repository=[])).status_code == 403


def test_unknown_addresses_get_one_answer(row: RegisteredRepository) -> None:
    bodies = {
        (answer.status_code, answer.content)
        for answer in (
            deliver(uuid.uuid4()),
            deliver(row.uid, forge="git-2"),
            deliver(row.uid, forge="kube-system"),
            Client().post("/hooks/git-1/not-a-uid/", data=b"{}", content_type="application/json"),
            Client().post(f"/hooks/git-1/{str(row.uid).upper()}/", data=b"{}", content_type="application/json"),
        )
    }
    assert bodies == {(404, b'{"detail": "There is no hook here."}')}


def test_only_post(row: RegisteredRepository) -> None:
    for method in ("get", "put", "delete", "head", "options", "patch"):
        answer = getattr(Client(), method)(hook_path(forge="git-1", uid=row.uid))
        assert (answer.status_code, answer["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        ({"body": b"x" * (1024 * 1024 + 1)}, 413),
        ({"CONTENT_LENGTH": "26214400"}, 413),
        ({"CONTENT_LENGTH": ""}, 411),
        ({"CONTENT_LENGTH": "-1"}, 411),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
        ({"content_type": "text/plain"}, 415),
        ({"headers": {"Content-Encoding": "gzip"}}, 415),
        ({"body": b"not json"}, 400),
        ({"body": b"[]"}, 400),
        ({"body": b"\xff{}"}, 400),
        ({"body": b"[" * 100_000}, 400),
        ({"headers": {"X-Gitea-Delivery": None}}, 400),
        ({"headers": {"X-Gitea-Delivery": "x" * 101}}, 400),
        ({"headers": {"X-Gitea-Delivery": "a b"}}, 400),
    ],
)
def test_malformed_deliveries(row: RegisteredRepository, extra: dict[str, Any], status: int) -> None:
    assert (deliver(row.uid, **extra).status_code, noted()) == (status, [])


def test_a_key_that_is_being_rotated_out_still_counts(row: RegisteredRepository, monkeypatch: Any) -> None:
    before = installation()
    fresh = ("k2", base64.b64decode("YW5vdGhlciBrZXkgb2YgdGhlIHRlc3RzLCAzMiBieXQ="))
    ring = KeyRing(keys=(fresh, *before.key_ring.keys))
    old = secret_of(row.uid)
    monkeypatch.setattr(settings, "INSTALLATION", replace(before, key_ring=ring))
    assert secret_of(row.uid) != old
    assert deliver(row.uid, secret=old).status_code == 202
    assert deliver(row.uid, delivery="d-2").status_code == 202


def a_project() -> Project:
    teams()
    asked = actions.create(
        {"slug": "demand", "team": "forecasting"}, by=person("alice"), door=Door.FORM, installation=installation()
    )
    assert asked.project is not None
    return asked.project


def test_a_project_s_own_hook_registers_its_repository() -> None:
    project = a_project()
    assert deliver(project.uid, secret=secret_of(uuid.uuid4())).status_code == 401
    assert not RegisteredRepository.objects.exists()
    assert deliver(project.uid).status_code == 202
    row = RegisteredRepository.objects.get()
    assert (row.forge, row.full_name, row.project, row.uid) == ("git-1", NAME, project, project.uid)


def test_a_registered_repository_that_became_a_project_s_has_both_addresses(row: RegisteredRepository) -> None:
    project = a_project()
    RegisteredRepository.objects.update(project=project)
    assert deliver(project.uid).status_code == 202
    assert deliver(row.uid, delivery="d-2").status_code == 202
    assert [one[0] for one in noted()] == ["d-1", "d-2"]


@pytest.mark.parametrize(("hours", "expected"), [(1, [202, 202, 401]), (0, [202, 401, 401])])
def test_a_project_s_secret_counts_for_one_version_more_as_long_as_it_was_given(
    hours: int, expected: list[int]
) -> None:
    project, now = a_project(), timezone.now()
    Project.objects.update(versions={"profile-hook": 3})
    Rotation.objects.create(
        project=project,
        purpose="profile-hook",
        version=3,
        rotated_at=now,
        earlier_until=now + timedelta(hours=hours),
        rotated_by="alice@corp.example",
    )
    answers = [
        deliver(project.uid, secret=secret_of(project.uid, version=version), delivery=f"d-{version}").status_code
        for version in (3, 2, 1)
    ]
    assert answers == expected


@pytest.mark.parametrize("login", ["slipway-bot", "Slipway-Bot"])
def test_the_bot_s_own_pushes_ask_for_nothing(row: RegisteredRepository, login: str) -> None:
    answer = deliver(row.uid, push(sender={"login": login}))
    assert (answer.status_code, answer.json()) == (202, {"detail": "Ignored: Slipway pushed that itself."})
    assert noted() == []


def test_a_github_signs_in_its_own_way_and_pings_first(row: RegisteredRepository, monkeypatch: Any) -> None:
    before = installation()
    [git] = before.catalogue.forges
    catalogue = before.catalogue.model_copy(update={"forges": (git.model_copy(update={"kind": "github"}),)})
    monkeypatch.setattr(settings, "INSTALLATION", replace(before, catalogue=catalogue))
    body = json.dumps(push(zen="Keep it logically awesome.", hook_id=30)).encode()
    signed = signature(secret=secret_of(row.uid), body=body)
    nothing = {"X-Gitea-Event": None, "X-Gitea-Delivery": None}
    github = {"X-Hub-Signature-256": f"sha256={signed}", "X-Gitea-Signature": None, "X-GitHub-Delivery": "g-1"}
    assert deliver(row.uid, body=body, headers={**nothing, "X-GitHub-Event": "push"}).status_code == 401
    answers = [
        deliver(row.uid, body=body, headers={**nothing, **github, "X-GitHub-Event": event})
        for event in ("ping", "push")
    ]
    assert [(one.status_code, one.json()["detail"]) for one in answers] == [
        (200, "The hook works."),
        (202, "Noted. The answer will stand on the commit."),
    ]
    assert noted() == [("g-1", "push", SHA, None)]


def test_a_gitlab_sends_the_secret_along_and_each_delivery_counts_once(
    row: RegisteredRepository, monkeypatch: Any
) -> None:
    before = installation()
    [git] = before.catalogue.forges
    catalogue = before.catalogue.model_copy(update={"forges": (git.model_copy(update={"kind": "gitlab"}),)})
    monkeypatch.setattr(settings, "INSTALLATION", replace(before, catalogue=catalogue))
    project = {"id": 12, "path_with_namespace": NAME, "default_branch": "main"}
    payload = {
        "object_kind": "push",
        "ref": "refs/heads/main",
        "after": SHA,
        "user_username": "alice",
        "project": project,
    }
    nothing = {"X-Gitea-Event": None, "X-Gitea-Delivery": None, "X-Gitea-Signature": None}
    gitlab = {"X-Gitlab-Event": "Push Hook", "Idempotency-Key": "k-1", "X-Gitlab-Token": secret_of(row.uid)}
    assert deliver(row.uid, payload).status_code == 401
    assert deliver(row.uid, payload, headers={**nothing, **gitlab, "X-Gitlab-Token": "wrong"}).status_code == 401
    answers = [deliver(row.uid, payload, headers={**nothing, **gitlab}) for _ in range(2)]
    assert [(one.status_code, one.json()["detail"]) for one in answers] == [
        (202, "Noted. The answer will stand on the commit."),
        (200, "This delivery was seen already."),
    ]
    unnamed = deliver(row.uid, payload, headers={**nothing, **gitlab, "Idempotency-Key": None})
    assert (unnamed.status_code, unnamed.json()["detail"]) == (
        400,
        "A delivery needs its id: Idempotency-Key or X-Gitlab-Event-UUID.",
    )
    bot = deliver(row.uid, {**payload, "user_username": "slipway-bot"}, headers={**nothing, **gitlab})
    assert bot.json() == {"detail": "Ignored: Slipway pushed that itself."}
    assert noted() == [("k-1", "push", SHA, None)]
