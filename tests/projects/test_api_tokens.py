"""Tokens over REST: shown once, limited by scope and time; and a browser's session as the other way in."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from portal.models import ApiToken
from projects.models import ProjectRequest
from tests.people import bearer, client, person
from tests.projects.api_calls import API, create, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


# Tokens


def test_a_token_is_shown_once_and_works_until_it_is_removed() -> None:
    browser = client("alice")
    made = send(browser, "post", "/tokens/", {"name": "CI", "scopes": ["write"], "days": 30})
    assert made.status_code == 201
    body = made.json()
    script = Client(headers={"Authorization": f"Bearer {body['token']}"})
    assert body["token"].startswith("slip_")
    assert body["scopes"] == ["read", "write"]
    assert script.get(f"{API}/me/").json()["username"] == "alice@corp.example"
    (listed,) = browser.get(f"{API}/tokens/").json()["items"]
    assert {name: value for name, value in body.items() if name not in ("token", "last_used")} == {
        name: value for name, value in listed.items() if name != "last_used"
    }
    assert body["token"] not in str(ApiToken.objects.values())
    assert client("bob").get(f"{API}/tokens/").json() == {"items": []}
    assert send(client("bob"), "delete", f"/tokens/{body['id']}/").status_code == 404
    assert send(script, "post", "/tokens/", {"name": "more"}).status_code == 403
    assert send(browser, "delete", f"/tokens/{body['id']}/").status_code == 204
    assert script.get(f"{API}/me/").status_code == 401


def test_a_token_that_may_read_does_not_write() -> None:
    reader = bearer("alice", "read")
    assert reader.get(f"{API}/projects/").status_code == 200
    answer = create(reader)
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    assert not ProjectRequest.objects.exists()


def test_tokens_end_with_their_time_and_with_the_account() -> None:
    caller = bearer("alice")
    ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert caller.get(f"{API}/me/").status_code == 401
    ApiToken.objects.update(expiry=None)
    assert caller.get(f"{API}/me/").status_code == 200
    alice = person("alice")
    alice.is_active = False
    alice.save()
    assert caller.get(f"{API}/me/").status_code == 401


def test_a_browser_needs_the_csrf_token_to_write_and_a_script_does_not() -> None:
    browser = client("alice", enforce_csrf_checks=True)
    assert browser.get(f"{API}/me/").status_code == 200
    answer = create(browser)
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    assert not ProjectRequest.objects.exists()
