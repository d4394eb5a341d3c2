"""A write that is sent again happens once: in turn, at once, and after a process died."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from portal.models import ApiToken
from projects import idempotency
from projects.models import IdempotencyKey, Project, ProjectRequest
from tests.people import bearer, client, person, teams

API = "/api/v1"
SMALL = {"slug": "demand", "team": "forecasting"}
REPLAYED = "Idempotency-Replayed"


@pytest.fixture(autouse=True)
def _teams(db: None) -> None:
    teams()


def post(caller: Client, key: str, body: Any = SMALL, *, path: str = "/projects/") -> Any:
    return caller.post(
        f"{API}{path}", data=json.dumps(body), content_type="application/json", headers={"Idempotency-Key": key}
    )


def test_the_same_call_gets_the_same_answer() -> None:
    caller = bearer("alice")
    first, second = post(caller, "monday"), post(caller, "monday", dict(reversed(SMALL.items())))
    assert (first.status_code, first.has_header(REPLAYED)) == (202, False)
    assert (second.status_code, second[REPLAYED], second["Location"]) == (202, "true", first["Location"])
    assert second.json() == first.json()
    assert ProjectRequest.objects.count() == 1


def test_a_refusal_is_an_answer_too() -> None:
    caller = bearer("alice")
    first, second = post(caller, "monday", {"slug": "kube-x"}), post(caller, "monday", {"slug": "kube-x"})
    assert (first.status_code, second.status_code) == (422, 422)
    assert (second[REPLAYED], second["Content-Type"]) == ("true", "application/problem+json")
    assert second.json() == first.json()


def test_the_same_key_for_another_call_is_refused() -> None:
    caller = bearer("alice")
    post(caller, "monday")
    other = post(caller, "monday", {**SMALL, "slug": "lanes"})
    assert (other.status_code, other.json()["type"]) == (422, "urn:slipway:problem:idempotency-key-reused")
    elsewhere = post(caller, "monday", {}, path="/projects/demand/look/")
    assert elsewhere.status_code == 422
    assert [project.slug for project in Project.objects.all()] == ["demand"]


def test_keys_belong_to_their_person() -> None:
    assert post(bearer("alice"), "monday").status_code == 202
    bobs = post(bearer("bob"), "monday", {**SMALL, "slug": "lanes"})
    assert (bobs.status_code, bobs.has_header(REPLAYED)) == (202, False)


def test_a_key_lasts_a_day() -> None:
    caller = bearer("alice")
    post(caller, "monday")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    again = post(caller, "monday", {**SMALL, "slug": "lanes"})
    assert (again.status_code, again.has_header(REPLAYED)) == (202, False)
    assert IdempotencyKey.objects.count() == 1


@pytest.mark.parametrize("key", ["", "with space", "x" * 201, "é"])
def test_an_unusable_key_is_refused_before_anything_happens(key: str) -> None:
    answer = post(bearer("alice"), key.encode().decode("latin-1"))
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:slipway:problem:invalid-idempotency-key")
    assert not Project.objects.exists()


def test_a_token_is_not_stored_with_the_answer_that_shows_it() -> None:
    browser = client("alice")
    first = post(browser, "monday", {"name": "CI"}, path="/tokens/")
    second = post(browser, "monday", {"name": "CI"}, path="/tokens/")
    assert first.json()["token"].startswith("slip_")
    assert (second.status_code, second.json()) == (201, {**first.json(), "token": None})
    assert ApiToken.objects.count() == 1
    assert first.json()["token"] not in str(IdempotencyKey.objects.values())


def test_retiring_again_is_answered_the_same() -> None:
    caller = bearer("alice")
    post(caller, "monday")
    headers = {"If-Match": '"1"', "Idempotency-Key": "tuesday"}
    first = caller.delete(f"{API}/projects/demand/", headers=headers)
    second = caller.delete(f"{API}/projects/demand/", headers=headers)
    assert (first.status_code, second.status_code, second[REPLAYED]) == (202, 202, "true")
    assert second.json() == first.json()


@pytest.fixture
def many() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(10) as pool:
        yield pool


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_make_one_project(many: ThreadPoolExecutor) -> None:
    callers = [bearer("alice") for _ in range(10)]
    start = Barrier(10)

    def call(number: int) -> Any:
        try:
            if number < 10:
                start.wait(timeout=30)
            return post(callers[number % 10], "monday")
        finally:
            connection.close()

    answers = list(many.map(call, range(50)))
    in_flight = [answer for answer in answers if answer.status_code == 409]
    accepted = [answer for answer in answers if answer.status_code == 202]
    assert len(in_flight) + len(accepted) == 50
    assert all(answer["Retry-After"] == "1" for answer in in_flight)
    assert sum(not answer.has_header(REPLAYED) for answer in accepted) == 1
    assert all(answer.json() == accepted[0].json() for answer in accepted)
    assert (Project.objects.count(), ProjectRequest.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_without_a_key_make_one_project(many: ThreadPoolExecutor) -> None:
    callers = [bearer("alice") for _ in range(10)]
    start = Barrier(10)

    def call(number: int) -> Any:
        try:
            if number < 10:
                start.wait(timeout=30)
            return callers[number % 10].post(f"{API}/projects/", data=SMALL, content_type="application/json")
        finally:
            connection.close()

    statuses = [answer.status_code for answer in many.map(call, range(50))]
    assert (statuses.count(202), statuses.count(422)) == (1, 49)
    assert (Project.objects.count(), ProjectRequest.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_call_that_died_half_way_does_not_block_its_retry(many: ThreadPoolExecutor) -> None:
    alice, caller = person("alice"), bearer("alice")
    holds, die = Barrier(2), Barrier(2)

    def first_call() -> None:
        """What a process holds when it is killed: an open transaction with the lock. Its connection just ends."""
        transaction.set_autocommit(False)
        assert idempotency._lock(f"{alice.pk}:monday")
        holds.wait(timeout=30)
        die.wait(timeout=30)
        connection.close()

    dying = many.submit(first_call)
    holds.wait(timeout=30)
    during = post(caller, "monday")
    assert (during.status_code, during["Retry-After"]) == (409, "1")
    assert during.json()["type"] == "urn:slipway:problem:in-flight"
    die.wait(timeout=30)
    dying.result(timeout=30)
    after = post(caller, "monday")
    assert (after.status_code, after.has_header(REPLAYED)) == (202, False)
