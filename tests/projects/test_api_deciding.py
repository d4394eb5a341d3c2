"""Deciding over REST: the same rules as on pages, and the shape of the answers."""

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from projects.models import Project
from projects.today import today
from tests.people import bearer, person
from tests.projects.asking import asked, change_asked, demand, fresh

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]
LARGE = {"slug": "demand", "team": "forecasting", "plan": "large"}


def post(caller: Client, path: str, body: Any) -> HttpResponse:
    return caller.post(f"/api/v1/requests/{path}", data=json.dumps(body), content_type="application/json")


def test_a_question_an_answer_and_other_words() -> None:
    request, alice, paula = asked(), bearer("alice"), bearer("paula")
    back = post(paula, f"{request.pk}/changes/", {"text": "Is large enough?", "revision": 1})
    assert (back.status_code, back.json()["waits_for_asker"]) == (200, True)
    assert post(alice, f"{request.pk}/comments/", {"text": "It is."}).status_code == 201
    said = alice.get(f"/api/v1/requests/{request.pk}/comments/").json()["items"]
    assert [(one["by"], one["text"], one["asks"]) for one in said] == [
        ("paula@corp.example", "Is large enough?", True), ("alice@corp.example", "It is.", False),
    ]  # fmt: skip
    revised = post(alice, f"{request.pk}/revise/", {"spec": LARGE, "revision": 1})
    assert (revised.status_code, revised.json()["revision"], revised.json()["rule"]) == (200, 2, "large-asks")
    stale = post(paula, f"{request.pk}/approve/", {"revision": 1})
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:slipway:problem:conflict")
    assert post(paula, f"{request.pk}/approve/", {"revision": 2}).status_code == 200
    assert Project.objects.get().wanted().plan == "large"


def test_other_words_are_tried_without_writing_anything() -> None:
    request, alice = asked(), bearer("alice")
    tried = post(alice, f"{request.pk}/revise/?dry_run=true", {"spec": {**LARGE, "plan": "small"}, "revision": 1})
    assert (tried.status_code, tried.json()["verdict"]["rule"]) == (200, "within-budget")
    assert (fresh(request).revision, Project.objects.count()) == (1, 0)
    faulty = post(alice, f"{request.pk}/revise/?dry_run=true", {"spec": {**LARGE, "plan": "none"}, "revision": 1})
    assert (faulty.status_code, faulty.json()["errors"][0]["code"]) == (422, "unknown_plan")
    assert post(alice, f"{request.pk}/revise/?dry_run=true", {"spec": LARGE, "revision": 2}).status_code == 409
    assert post(bearer("bob"), f"{request.pk}/revise/?dry_run=true", {"spec": LARGE, "revision": 1}).status_code == 403
    assert (
        post(bearer("charlie"), f"{request.pk}/revise/?dry_run=true", {"spec": LARGE, "revision": 1}).status_code == 404
    )


def test_other_words_of_a_change_are_tried_on_the_project() -> None:
    project = demand(alice="owner")
    change = change_asked(project, person("alice"), plan="gpu")
    tried = post(
        bearer("alice"),
        f"{change.pk}/revise/?dry_run=true",
        {"spec": {**project.spec, "plan": "medium"}, "revision": 1},
    )
    body = tried.json()
    assert (tried.status_code, body["verdict"]["rule"], body["counts"].get("create", 0)) == (200, "within-budget", 0)
    assert (fresh(change).after, fresh(change).decision) == (change.after, "pending")


def test_nobody_decides_about_words_that_they_do_not_name() -> None:
    request, alice, paula = asked(), bearer("alice"), bearer("paula")
    for caller, path, body in (
        (paula, "approve/", {}),
        (paula, "reject/", {"comment": "No."}),
        (paula, "changes/", {"text": "Why?"}),
        (alice, "revise/", {"spec": LARGE}),
    ):
        for revision in ({}, {"revision": None}, {"revision": 0}, {"revision": "*"}):
            refused = post(caller, f"{request.pk}/{path}", {**body, **revision})
            assert refused.status_code == 422, (path, revision)
            assert [one["field"] for one in refused.json()["errors"]] == ["revision"]
    request.refresh_from_db()
    assert (request.decision, request.revision, request.asked_back_at) == ("pending", 1, None)


def test_several_at_once_say_what_came_of_each() -> None:
    first, own = asked("one"), asked("own", who="paula")
    body = {"verdict": "approve", "requests": [{"id": first.pk, "revision": 1}, {"id": own.pk, "revision": 1}]}
    items = post(bearer("paula"), "decide/", body).json()["items"]
    assert [(one["id"], one["done"]) for one in items] == [(first.pk, True), (own.pk, False)]
    assert "nobody about their own" in items[1]["said"]


def test_bad_input_is_refused_whole() -> None:
    request, paula = asked(), bearer("paula")
    for path, body in (
        (f"{request.pk}/changes/", {"text": "Why?", "revision": 1, "decision": "approved"}),
        (f"{request.pk}/comments/", {"text": "x", "by": "alice"}),
        ("decide/", {"verdict": "approve", "requests": []}),
        ("decide/", {"verdict": "maybe", "requests": [{"id": request.pk, "revision": 1}]}),
        ("stand-ins/", {"account": "bob@corp.example", "begins": "soon", "ends": "2099-01-01"}),
    ):
        assert post(paula, path, body).status_code in (400, 422), (path, body)
    assert post(paula, f"{request.pk}/comments/", {"text": " "}).status_code == 422


def test_stand_ins() -> None:
    person("bob")
    day = today().isoformat()
    made = post(bearer("paula"), "stand-ins/", {"account": "bob@corp.example", "begins": day, "ends": day})
    assert made.status_code == 201
    row = made.json()
    assert (row["approver"], row["stand_in"]) == ("paula@corp.example", "bob@corp.example")
    assert bearer("bob").get("/api/v1/requests/stand-ins/").json() == {"items": [row]}
    assert bearer("charlie").get("/api/v1/requests/stand-ins/").json() == {"items": []}
    assert bearer("charlie").delete(f"/api/v1/requests/stand-ins/{row['id']}/").status_code == 404
    assert bearer("bob").delete(f"/api/v1/requests/stand-ins/{row['id']}/").status_code == 204
