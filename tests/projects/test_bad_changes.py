"""Bad input about a project that is there, and bad ways of asking at all: a clear answer, and nothing moves."""

import json
import uuid
from typing import Any

import pytest
from django.test import Client

from projects import actions
from projects.installation import installation
from projects.models import (
    Delivery,
    Door,
    IdempotencyKey,
    Project,
    ProjectRequest,
    RegisteredRepository,
)
from provisioning.secrets import signature
from tests.people import client, person
from tests.projects.doors import ANY, SMALL, call, text
from tests.projects.file_door import NAME, PROFILE, PushedForge, listen, look

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

NUL = "a\x00b"
SHA = "5f0c7a529a3e4b1d8c572f6d1e0b9a445f0c7a52"


@pytest.fixture
def project() -> Project:
    made = actions.create(SMALL, by=person("alice"), door=Door.API, installation=installation()).project
    assert made is not None
    return made


# A change by REST


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"slug": None}, {("slug", "missing")}),
        ({"team": None}, {("team", "missing")}),
        ({"slug": None, "team": None}, {("slug", "missing"), ("team", "missing")}),
        ({"slug": "other"}, {("slug", "fixed")}),
        ({"slug": "DEMAND"}, {("slug", "value_error")}),
        ({"team": "vision"}, {("team", "fixed")}),
        ({"generation": 9, "units": 0}, {("generation", "extra_forbidden"), ("units", "extra_forbidden")}),
        ({"uid": "x", "is_staff": True}, {("uid", "extra_forbidden"), ("is_staff", "extra_forbidden")}),
        ({"lease_until": "x", "fence": 9}, {("lease_until", "extra_forbidden"), ("fence", "extra_forbidden")}),
        ({"contributors": [{"group": "system:masters", "role": "owner"}]}, {("contributors.0.group", "value_error")}),
        ({"contributors": {"user": "bob@corp.example"}}, {("contributors", "tuple_type")}),
        ({"options": []}, {("options", "dict_type")}),
        ({"options": {"limits": "all"}}, {("options.limits", "dict_type")}),
        ({"options": {"limits": {"cpu": "1e9"}}}, {("options.limits.cpu", "value_error")}),
        ({"expires": "2001-01-01"}, {("expires", "past")}),
        ([], {("", "not_a_mapping")}),
        ("demand", {("", "not_a_mapping")}),
        (7, {("", "not_a_mapping")}),
    ],
)
def test_a_patch_with_faults(project: Project, change: Any, faults: set[tuple[str, str]], untouched: Any) -> None:
    with untouched():
        answer = call("patch", "/projects/demand/", json.dumps(change), headers=ANY)
    unknown = any(code == "extra_forbidden" for _, code in faults)
    assert answer.status_code == (400 if unknown else 422), answer.content
    assert {(one["field"], one["code"]) for one in answer.json()["errors"]} == faults
    assert all(one["message"].endswith(".") for one in answer.json()["errors"])


@pytest.mark.parametrize("change", [{"plan": None}, {"contributors": None}, {"contributors": []}, {"options": None}])
def test_a_patch_that_takes_out_what_has_a_default_falls_back_to_it(project: Project, change: Any) -> None:
    answer = call("patch", "/projects/demand/", change, headers=ANY)
    assert (answer.status_code, answer.json()["project"]["spec"]) == (200, project.spec)


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 428, "if-match-missing"),
        ({"If-Match": '"0"'}, 412, "stale-generation"),
        ({"If-Match": '"2"'}, 412, "stale-generation"),
        ({"If-Match": 'W/"1"'}, 412, "stale-generation"),
        ({"If-Match": "1"}, 412, "stale-generation"),
        ({"If-Match": ""}, 412, "stale-generation"),
        ({"If-Match": '"-1"'}, 412, "stale-generation"),
        ({"If-Match": '"' + "9" * 5000 + '"'}, 412, "stale-generation"),
    ],
    ids=["missing", "older", "newer", "weak", "bare", "empty", "negative", "long"],
)
def test_a_change_of_something_else_than_was_read(
    project: Project, method: str, headers: dict[str, str], status: int, code: str, untouched: Any
) -> None:
    body = {} if method == "delete" else {**SMALL, "plan": "medium"}
    with untouched():
        answer = call(method, "/projects/demand/", body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:slipway:problem:{code}")


@pytest.mark.parametrize("path", ["/projects/", "/projects/demand/", "/projects/demand/look/"])
@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ('{"plan": "medium", "plan": "gpu"}', "application/json", 400),
        ('{"plan": NaN}', "application/json", 400),
        ('{"plan": Infinity}', "application/json", 400),
        ('{"a":' * 30 + "1" + "}" * 30, "application/json", 400),
        ('{"plan": "a\\u0000"}', "application/json", 400),
        (b'{"plan": "\xff"}', "application/json", 400),
        ('{"title": "' + "a" * 70_000 + '"}', "application/json", 413),
        ('{"title": "' + "a" * 10_000_000 + '"}', "application/json", 413),
        ("plan=medium", "application/x-www-form-urlencoded", 415),
        ("plan: medium", "application/yaml", 415),
        ("<plan/>", "text/xml", 415),
    ],
    ids=["twice", "NaN", "Infinity", "deep", "NUL", "UTF-8", "70 kB", "10 MB", "form", "YAML", "XML"],
)
def test_a_body_that_can_not_be_read(
    project: Project, path: str, body: Any, content_type: str, status: int, untouched: Any
) -> None:
    with untouched():
        for method in ("put", "patch") if path == "/projects/demand/" else ("post",):
            answer = call(method, path, body, headers=ANY, content_type=content_type)
            assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "path"), [("patch", "/projects/demand/"), ("delete", "/projects/demand/"), ("post", "/projects/")]
)
def test_a_body_without_a_length_is_not_taken_for_an_empty_one(
    project: Project, method: str, path: str, untouched: Any
) -> None:
    streamed = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    with untouched():
        answer = call(method, path, {"plan": "medium"}, headers=ANY, **streamed)
    assert (answer.status_code, answer.json()["type"]) == (411, "urn:slipway:problem:length-required")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("put", "/projects/"), ("patch", "/projects/"), ("delete", "/projects/"), ("post", "/projects/demand/"),
        ("post", "/projects/demand/members/"), ("put", "/projects/demand/resources/"), ("patch", "/me/"),
        ("put", "/projects/demand/look/"), ("delete", "/projects/demand/events/"), ("put", "/teams/"),
        ("put", "/plans/"),
    ],
)  # fmt: skip
def test_a_method_that_is_not_there(project: Project, method: str, path: str, untouched: Any) -> None:
    with untouched():
        answer = call(method, path, SMALL, headers=ANY)
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
    assert answer["Allow"]


def test_a_key_that_was_used_for_another_call_does_nothing(untouched: Any) -> None:
    key = {"Idempotency-Key": "monday"}
    assert call("post", "/projects/", SMALL, headers=key).status_code == 202
    others: list[tuple[str, str, Any, dict[str, str]]] = [
        ("post", "/projects/", {**SMALL, "slug": "lanes"}, key),
        ("post", "/projects/?dry_run=true", SMALL, key),
        ("patch", "/projects/demand/", {"plan": "medium"}, key | ANY),
        ("delete", "/projects/demand/", {}, key | ANY),
        ("post", "/projects/demand/look/", {}, key),
    ]
    with untouched():
        for method, path, body, headers in others:
            answer = call(method, path, body, headers=headers)
            assert (answer.status_code, answer.json()["type"]) == (422, "urn:slipway:problem:idempotency-key-reused")
        for unusable in ("", "a b", "x" * 201, "\x7f"):
            answer = call("post", "/projects/", {**SMALL, "slug": "lanes"}, headers={"Idempotency-Key": unusable})
            assert (answer.status_code, answer.json()["type"]) == (400, "urn:slipway:problem:invalid-idempotency-key")
    assert IdempotencyKey.objects.count() == 1


# The form's own ways


def test_a_form_can_not_set_what_is_not_on_it() -> None:
    smuggled = {
        "generation": "99", "uid": "5f0c7a52-9a3e-4b1d-8c57-2f6d1e0b9a44", "units": "0", "fence": "9", "is_staff": "on",
        "lease_until": "2099-01-01", "lease_holder": "me", "requested_by": "1", "decision": "approved", "door": "api",
    }  # fmt: skip
    answer = client("alice").post("/projects/new/", {**SMALL, "plan": "small", "do": "create", **smuggled})
    assert answer.status_code == 302
    made, request = Project.objects.get(), ProjectRequest.objects.get()
    assert (made.generation, made.units, made.fence, made.lease_until, made.lease_holder) == (1, 4, 0, None, "")
    assert str(made.uid) != smuggled["uid"]
    assert (request.requested_by, request.door, request.rule) == (person("alice"), "form", "within-budget")
    assert not person("alice").is_staff


def test_a_form_that_decides_by_itself_still_waits() -> None:
    sent = {**SMALL, "plan": "gpu", "do": "create", "reviewed": "1", "decision": "approved", "verdict": "approve"}
    assert client("alice").post("/projects/new/", sent).status_code == 302
    assert (ProjectRequest.objects.get().decision, Project.objects.exists()) == ("pending", False)


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("post", "/projects/new/", {**SMALL, "slug": NUL, "do": "create"}),
        ("post", "/projects/new/", {**SMALL, "slug": "lanes", "note": NUL, "do": "create"}),
        ("post", "/projects/plan/", {"project": NUL}),
        ("post", "/projects/demand/look/", {"kind": NUL}),
        ("post", "/projects/demand/retire/", {"typed": "demand", "note": NUL, "do": "retire"}),
        ("get", "/", {"q": NUL}),
        ("get", "/projects/names/", {"slug": NUL}),
        ("get", "/oauth2/callback", {"code": "c", "state": NUL}),
        ("post", "/break-glass/", {"username": NUL, "password": "x"}),
    ],
)
def test_a_nul_is_refused_on_every_page(
    project: Project, method: str, path: str, sent: dict[str, str], untouched: Any
) -> None:
    with untouched():
        page = getattr(client("alice"), method)(path, sent)
    assert page.status_code == 400
    assert "A field holds a control character (NUL) that can't be kept." in text(page)


def test_a_decision_with_a_nul_is_none(untouched: Any) -> None:
    actions.create({**SMALL, "plan": "gpu"}, by=person("alice"), door=Door.API, installation=installation())
    number = ProjectRequest.objects.get().pk
    with untouched():
        for answer in ("approve", "reject"):
            page = client("paula").post(f"/requests/{number}/{answer}/", {"comment": NUL})
            assert page.status_code == 400


def test_forms_in_other_shapes_are_refused(project: Project, untouched: Any) -> None:
    strict = client("alice", enforce_csrf_checks=True)
    with untouched():
        as_json = strict.post("/projects/new/", data=json.dumps(SMALL), content_type="application/json")
        large = client("alice").post("/projects/new/", {**SMALL, "description": "x" * 2_000_000, "do": "create"})
        many = client("alice").post("/projects/new/", {**SMALL, "do": "create", **{f"x{n}": "" for n in range(1500)}})
        for path in ("/projects/demand/look/", "/projects/demand/retire/", "/projects/plan/"):
            assert client("alice").get(path).status_code == 405
        assert client("alice").put("/projects/new/").status_code == 405
    assert (as_json.status_code, large.status_code, many.status_code) == (403, 413, 400)
    assert "The body is too large. Send less." in text(large)


# Hooks


def deliver(uid: uuid.UUID, *, secret: str, after: str, number: str = "d-1", headers: Any = None) -> Any:
    repository = {"full_name": NAME, "default_branch": "main"}
    body = json.dumps({"ref": "refs/heads/main", "after": after, "repository": repository}).encode()
    signed = {"X-Gitea-Event": "push", "X-Gitea-Delivery": number}
    signed |= {"X-Gitea-Signature": signature(secret=secret, body=body)} if headers is None else headers
    return Client().post(f"/hooks/git-1/{uid}/", data=body, headers=signed, content_type="application/json")


def secret_of(uid: uuid.UUID) -> str:
    return installation().key_ring.derive(uid=str(uid), purpose="profile-hook")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Gitea-Signature": "0" * 64},
        {"X-Hub-Signature": "sha1=2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"},
        {"X-Hub-Signature-256": "sha1=" + "0" * 64},
        {"Authorization": "Bearer x"},
    ],
    ids=["missing", "wrong", "SHA-1", "SHA-1 in the place of SHA-256", "another way"],
)
def test_a_delivery_without_a_right_signature_leaves_no_trace(headers: dict[str, str], untouched: Any) -> None:
    row = RegisteredRepository.objects.create(forge="git-1", full_name=NAME)
    with untouched(Delivery, RegisteredRepository):
        assert deliver(row.uid, secret="", after=SHA, headers=headers).status_code == 401


def test_a_foreign_secret_leaves_no_trace(project: Project, untouched: Any) -> None:
    row = RegisteredRepository.objects.create(forge="git-1", full_name=NAME)
    derive = installation().key_ring.derive
    foreign = [secret_of(uuid.uuid4()), secret_of(project.uid), derive(uid=str(row.uid), purpose="webhook"), ""]
    with untouched(Delivery, RegisteredRepository):
        assert [deliver(row.uid, secret=one, after=SHA).status_code for one in foreign] == [401] * 4


def test_a_retired_project_s_address_is_as_unknown_as_any(project: Project, untouched: Any) -> None:
    actions.retire(project, by=person("alice"), door=Door.API, installation=installation())
    Project.objects.update(deleted_at=project.created_at)
    with untouched(Delivery, RegisteredRepository):
        gone, never = (deliver(uid, secret=secret_of(uid), after=SHA) for uid in (project.uid, uuid.uuid4()))
    assert (gone.status_code, gone.content) == (never.status_code, never.content) == (404, never.content)


def test_an_old_delivery_again_asks_for_nothing() -> None:
    """The same number is seen already; under a new number the tip is read, and the old commit is not asked for."""
    for name in ("alice", "bob"):
        person(name)
    forge = PushedForge()
    row = listen(forge)
    old = forge.push("alice", {"profile.yaml": PROFILE})
    assert deliver(row.uid, secret=secret_of(row.uid), after=old).status_code == 202
    look(forge, row)
    forge.push("alice", {"profile.yaml": PROFILE + b"plan: medium\n"})
    look(forge, row)
    assert deliver(row.uid, secret=secret_of(row.uid), after=old).status_code == 200
    assert deliver(row.uid, secret=secret_of(row.uid), after=old, number="d-2").status_code == 202
    look(forge, row)
    assert (Project.objects.get().spec["plan"], Project.objects.get().generation) == ("medium", 2)
    assert ProjectRequest.objects.count() == 2
    assert Delivery.objects.get(delivery_id="d-2").outcome == "This commit was answered before."
