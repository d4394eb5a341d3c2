"""Deliveries of each kind of forge, in the shapes that their documentation shows: who sent them, and what they say."""

from typing import Any

import pytest
from django.http.request import HttpHeaders

from projects.deliveries import COMMENT, Said, authentic, delivery_id, read
from provisioning.secrets import signature

NAME = "forecasting/demand"
SHA = "5f0c7a529a3e4b1d8c572f6d1e0b9a445f0c7a52"
SECRETS = ("present-secret", "earlier-secret")
BODY = b'{"a": 1}'
KINDS = ("gitea", "forgejo", "github", "gitlab")


def headers(**given: str) -> HttpHeaders:
    """Headers as Django gives them; X_Gitea_Event stands for X-Gitea-Event."""
    return HttpHeaders({f"HTTP_{name.upper()}": value for name, value in given.items()})


def gitea_push(login: str = "alice") -> dict[str, Any]:
    return {
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": SHA,
        "repository": {"id": 12, "full_name": NAME, "default_branch": "main"},
        "pusher": {"login": login},
        "sender": {"login": login},
    }


def github_push(login: str = "alice") -> dict[str, Any]:
    return {**gitea_push(login), "pusher": {"name": login, "email": f"{login}@corp.example"}}


def gitlab_push(login: str = "alice") -> dict[str, Any]:
    return {
        "object_kind": "push",
        "event_name": "push",
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": SHA,
        "checkout_sha": SHA,
        "user_id": 4,
        "user_username": login,
        "project_id": 12,
        "project": {"id": 12, "path_with_namespace": NAME, "default_branch": "main"},
    }


PUSHES = {"gitea": gitea_push, "forgejo": gitea_push, "github": github_push, "gitlab": gitlab_push}
PUSH_EVENTS = {
    "gitea": headers(X_Gitea_Event="push", X_GitHub_Event="push"),
    "forgejo": headers(X_Forgejo_Event="push"),
    "github": headers(X_GitHub_Event="push"),
    "gitlab": headers(X_Gitlab_Event="Push Hook"),
}


@pytest.mark.parametrize("login", ["alice", "slipway-bot"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_push_says_the_same_from_every_forge(kind: str, login: str) -> None:
    assert read(kind, headers=PUSH_EVENTS[kind], payload=PUSHES[kind](login)) == Said(
        event="push",
        repository=NAME,
        repository_id=12,
        default_branch="main",
        branch="main",
        commit=SHA,
        by=login,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_removed_branch_and_a_tag_bring_no_commit_or_branch(kind: str) -> None:
    gone = read(kind, headers=PUSH_EVENTS[kind], payload={**PUSHES[kind](), "after": "0" * 40})
    tag = read(kind, headers=PUSH_EVENTS[kind], payload={**PUSHES[kind](), "ref": "refs/tags/main"})
    assert (gone.commit, tag.branch) == ("", "")


@pytest.mark.parametrize(("action", "ours"), [("opened", "opened"), ("synchronize", "synchronize")])
def test_a_pull_request_of_github(action: str, ours: str) -> None:
    payload = {
        "action": action,
        "number": 7,
        "pull_request": {"number": 7},
        "repository": {"id": 12, "full_name": NAME, "default_branch": "main"},
        "sender": {"login": "bob"},
    }
    said = read("github", headers=headers(X_GitHub_Event="pull_request"), payload=payload)
    assert (said.event, said.number, said.action, said.by) == ("pull_request", 7, ours, "bob")


@pytest.mark.parametrize(
    ("action", "ours"),
    [("open", "opened"), ("reopen", "reopened"), ("update", "edited"), ("merge", "closed"), ("approved", "approved")],
)
def test_a_merge_request_of_gitlab(action: str, ours: str) -> None:
    payload = {
        "object_kind": "merge_request",
        "user": {"username": "bob"},
        "project": {"id": 12, "path_with_namespace": NAME, "default_branch": "main"},
        "object_attributes": {"id": 99, "iid": 7, "action": action},
    }
    said = read("gitlab", headers=headers(X_Gitlab_Event="Merge Request Hook"), payload=payload)
    assert said == Said(
        event="pull_request",
        repository=NAME,
        repository_id=12,
        default_branch="main",
        number=7,
        action=ours,
        by="bob",
    )


def test_a_note_of_gitlab_is_a_comment() -> None:
    payload = {
        "object_kind": "note",
        "user": {"username": "bob"},
        "project": {"id": 12, "path_with_namespace": NAME},
        "object_attributes": {"id": 99, "iid": 5, "noteable_type": "MergeRequest", "action": "create"},
        "merge_request": {"id": 77, "iid": 7},
    }
    said = read("gitlab", headers=headers(X_Gitlab_Event="Note Hook"), payload=payload)
    assert (said.event, said.repository, said.number, said.action, said.by) == (COMMENT, NAME, 7, "create", "bob")
    older = {**payload, "object_attributes": {"id": 99, "iid": 5, "noteable_type": "MergeRequest"}}
    assert read("gitlab", headers=headers(X_Gitlab_Event="Note Hook"), payload=older).action == "create"
    under_an_issue = {name: value for name, value in payload.items() if name != "merge_request"}
    assert read("gitlab", headers=headers(X_Gitlab_Event="Note Hook"), payload=under_an_issue).number is None


@pytest.mark.parametrize(
    ("issue", "more", "number"),
    [
        ({"number": 7, "pull_request": {"url": "https://forge.corp.example/7"}}, {}, 7),
        ({"number": 7, "pull_request": None}, {"is_pull": True}, 7),
        ({"number": 7}, {}, None),
        ({"number": 7, "pull_request": None}, {"is_pull": False}, None),
    ],
)
def test_a_comment_counts_where_it_stands_under_a_pull_request(
    issue: dict[str, Any], more: dict[str, Any], number: int | None
) -> None:
    payload = {
        "action": "created",
        "issue": issue,
        "comment": {"id": 31, "body": "/slipway status", "user": {"login": "bob"}},
        "repository": {"id": 12, "full_name": NAME, "default_branch": "main"},
        "sender": {"login": "bob"},
        **more,
    }
    said = read("github", headers=headers(X_GitHub_Event="issue_comment"), payload=payload)
    assert (said.event, said.number, said.action, said.by) == (COMMENT, number, "created", "bob")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"repository": [], "project": "x", "sender": 5, "user": None, "object_attributes": []},
        {"repository": {"id": True, "full_name": 5}, "project": {"id": -1, "path_with_namespace": []}, "after": ["x"]},
    ],
)
def test_fields_of_another_type_count_as_absent(kind: str, payload: dict[str, Any]) -> None:
    assert read(kind, headers=headers(), payload=payload) == Said(
        event="", repository="", repository_id=None, default_branch=""
    )


SIGNED = signature(secret="present-secret", body=BODY)
EARLIER = signature(secret="earlier-secret", body=BODY)
OTHER = signature(secret="other", body=BODY)


@pytest.mark.parametrize(
    ("kind", "given", "right"),
    [
        ("gitea", {"X_Gitea_Signature": SIGNED}, True),
        ("gitea", {"X_Hub_Signature_256": f"sha256={EARLIER}"}, True),
        ("gitea", {"X_Gitea_Signature": OTHER, "X_Hub_Signature_256": f"sha256={SIGNED}"}, False),
        ("gitea", {"X_Gitlab_Token": "present-secret"}, False),
        ("forgejo", {"X_Forgejo_Signature": SIGNED}, True),
        ("github", {"X_Hub_Signature_256": f"sha256={SIGNED}"}, True),
        ("github", {"X_Hub_Signature_256": f"sha256={EARLIER}"}, True),
        ("github", {"X_Hub_Signature_256": SIGNED}, False),
        ("github", {"X_Hub_Signature_256": f"sha256={OTHER}"}, False),
        ("github", {"X_Hub_Signature": "sha1=0"}, False),
        ("github", {"X_Gitea_Signature": SIGNED}, False),
        ("github", {"X_Gitlab_Token": "present-secret"}, False),
        ("github", {}, False),
        ("gitlab", {"X_Gitlab_Token": "present-secret"}, True),
        ("gitlab", {"X_Gitlab_Token": "earlier-secret"}, True),
        ("gitlab", {"X_Gitlab_Token": "present-secre"}, False),
        ("gitlab", {"X_Gitlab_Token": "é"}, False),
        ("gitlab", {"X_Gitlab_Token": ""}, False),
        ("gitlab", {"X_Hub_Signature_256": f"sha256={SIGNED}"}, False),
        ("gitlab", {}, False),
    ],
)
def test_each_kind_of_forge_proves_itself_in_its_own_way_only(kind: str, given: dict[str, str], right: bool) -> None:
    assert authentic(kind, headers=headers(**given), body=BODY, secrets=SECRETS) is right


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_secret_of_ours_nobody_is_right(kind: str) -> None:
    given = headers(X_Gitlab_Token="", X_Hub_Signature_256=f"sha256={signature(secret='', body=BODY)}")
    assert authentic(kind, headers=given, body=BODY, secrets=()) is False


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("gitea", {"X_Gitea_Delivery": "d-1"}, "d-1"),
        ("forgejo", {"X_Forgejo_Delivery": "d-2"}, "d-2"),
        (
            "github",
            {"X_GitHub_Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"},
            "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        ),
        ("gitlab", {"Idempotency_Key": "k", "X_Gitlab_Event_UUID": "e"}, "k"),
        ("gitlab", {"X_Gitlab_Event_UUID": "e"}, "e"),
        ("gitlab", {"X_Gitea_Delivery": "d"}, ""),
    ],
)
def test_what_a_delivery_is_known_by(kind: str, given: dict[str, str], expected: str) -> None:
    assert delivery_id(kind, headers(**given)) == expected
