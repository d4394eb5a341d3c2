"""Nobody sets by an extra field what only the portal decides.

At every writable address of the API such a field is refused by name; a page takes the fields of its form and no other.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import transaction
from django.urls import reverse

from portal.models import User
from projects.models import Membership, Project
from tests.ci import REPORT, ci
from tests.people import client, person, team
from tests.projects.doors import form_fields
from tests.rights import READS, TABLE, Gate
from tests.test_permission_matrix import Stage, stage  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

FORBIDDEN: Mapping[str, Any] = {
    "is_staff": True,
    "is_superuser": True,
    "owner": "charlie@corp.example",
    "user": 1,
    "state": "ready",
    "namespace": "kube-system",
    "id": 1,
    "generation": 99,
    "decided_by": 1,
    "decision": "approved",
    "object_id": "oid-alice",
    "group_ids": ["oid-ml-platform"],
    "owner_left_at": "2026-01-01T00:00:00Z",
    "key_id": "k9",
    "attached_by": 1,
}
BODIES: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("api:projects", "POST"): {"slug": "demand", "team": "vision"},
    ("api:project", "PUT"): {"slug": "lane", "team": "vision", "title": "Lanes"},
    ("api:project", "PATCH"): {"title": "Lanes"},
    ("api:team", "DELETE"): {"because": "Nobody is in it."},
    ("api:reports", "POST"): REPORT,
    ("portal-api:tokens", "POST"): {"name": "mine", "scopes": ["read"]},
}
"""What is right to send, where it is not the table's body."""
WITHOUT_BODY = {("portal-api:token", "DELETE"), ("api:stand-in", "DELETE")}
"""They read no body at all, so there is nothing in it to set."""


def writable() -> Iterator[tuple[str, str]]:
    for name, line in TABLE.items():
        if name.startswith(("api:", "portal-api:")):
            writes = ((name, method) for method in line.gates if method not in READS)
            yield from (one for one in writes if one not in WITHOUT_BODY)


def rows() -> dict[str, list[dict[str, Any]]]:
    """Every row there is, open sessions apart."""
    kept = (model for model in apps.get_models() if model._meta.managed and model is not Session)
    return {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in kept}


def who_may(gate: Gate) -> str:
    return "alice" if "owner" in gate.passes else "paula"


@pytest.mark.parametrize(("name", "method"), writable(), ids=lambda part: part)
def test_fields_that_are_not_the_callers_are_refused_and_change_nothing(
    stage: Stage,  # noqa: F811
    name: str,
    method: str,
) -> None:
    line = TABLE[name]
    gate = line.gates[method]
    browser = ci(stage.project) if gate.machines else client(who_may(gate))
    body = {**BODIES.get((name, method), line.body), **FORBIDDEN}
    before = rows()
    answer = browser.generic(
        method,
        reverse(name, kwargs=stage.values(name)),
        data=json.dumps(body),
        content_type="application/json",
        headers=dict(line.headers),
    )
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    refused = {one["field"] for one in answer.json()["errors"] if one["code"] == "extra_forbidden"}
    assert refused >= FORBIDDEN.keys(), FORBIDDEN.keys() - refused
    assert rows() == before


def pages() -> list[str]:
    """Every page that a form is sent to, but for the two of signing in."""
    sent = (
        name for name, line in TABLE.items() if "POST" in line.gates and not name.startswith(("api:", "portal-api:"))
    )
    return [name for name in sent if name not in ("break-glass", "django_auth_adfs:login")]


def sent(stage: Stage, name: str, extra: Mapping[str, Any]) -> tuple[int, list[tuple[str, str, str]]]:  # noqa: F811
    """What a page answers to a form with these fields too, and what stands in every column of their names then."""
    line, columns = TABLE[name], {*FORBIDDEN, "decided_by_id", "user_id", "owner_id"} - {"id"}
    with transaction.atomic():
        body = {one: str(value) for one, value in {**line.body, **extra}.items()}
        page = client(who_may(line.gates["POST"])).post(reverse(name, kwargs=stage.values(name)), body)
        found = [
            (model, column, repr(value))
            for model, held in rows().items()
            for row in held
            for column, value in row.items()
            if column in columns
        ]
        transaction.set_rollback(True)
    return page.status_code, sorted(found)


@pytest.mark.parametrize("name", pages())
def test_a_page_sets_nothing_by_fields_that_its_form_does_not_have(stage: Stage, name: str) -> None:  # noqa: F811
    extra = {one: value for one, value in FORBIDDEN.items() if one not in TABLE[name].body}
    assert sent(stage, name, extra) == sent(stage, name, {})


@pytest.mark.parametrize("extra", ["object_id", "source", "project", "id"])
def test_a_contributor_has_no_such_field(extra: str) -> None:
    team("forecasting")
    browser = client("alice")
    before = rows()
    wish = {"slug": "demand", "team": "forecasting", "contributors": [{"user": "bob@corp.example", extra: "1"}]}
    answer = browser.post("/api/v1/projects/", data=wish, content_type="application/json")
    assert answer.status_code == 400
    assert (f"contributors.0.{extra}", "extra_forbidden") in {
        (one["field"], one["code"]) for one in answer.json()["errors"]
    }
    assert rows() == before


def test_a_form_takes_nothing_but_its_fields() -> None:
    team("forecasting")
    alice = person("alice")
    wish = form_fields({"slug": "demand", "team": "forecasting", "plan": "small"})
    extra = {name: str(value) for name, value in FORBIDDEN.items()}
    page = client("alice").post("/projects/new/", {**wish, **extra, "do": "create"})
    assert page.status_code == 302
    made = Project.objects.get()
    assert (made.slug, made.generation, made.key_id != "k9", made.owner_left_at) == ("demand", 1, True, None)
    owner = Membership.objects.get()
    assert (owner.subject, owner.role, owner.object_id) == ("alice@corp.example", "owner", "")
    user = User.objects.get(pk=alice.pk)
    assert (user.is_staff, user.is_superuser, user.group_ids, user.object_id) == (False, False, [], "oid-alice")
