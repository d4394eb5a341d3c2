"""Sessions end."""

import time

import pytest
from django.test import Client
from django.urls import reverse

from portal.accounts import account_of
from portal.sessions import CLOCK_KEY, IDLE_SECONDS
from tests.portal.directory import alice


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("began", "seen", "stays"),
    [(60, 30, True), (36_001, 30, False), (3600, IDLE_SECONDS + 1, False), (35_000, IDLE_SECONDS - 5, True)],
)
def test_sessions_end_by_age_and_by_quiet(client: Client, began: int, seen: int, stays: bool) -> None:
    user, _ = account_of(alice())
    client.force_login(user, backend="portal.auth.CodeBackend")
    now = int(time.time())
    session = client.session
    session[CLOCK_KEY] = {"began": now - began, "seen": now - seen}
    session.save()
    client.get(reverse("sign-in"))
    assert ("_auth_user_id" in client.session) is stays


@pytest.mark.django_db
def test_reading_pages_writes_the_session_at_most_once_a_minute(client: Client) -> None:
    user, _ = account_of(alice())
    client.force_login(user, backend="portal.auth.CodeBackend")
    before = client.session[CLOCK_KEY]
    session = client.session
    session[CLOCK_KEY] = before | {"seen": before["seen"] - 59}
    session.save()
    client.get(reverse("sign-in"))
    assert client.session[CLOCK_KEY]["seen"] in (before["seen"] - 59, int(time.time()))
    session[CLOCK_KEY] = before | {"seen": before["seen"] - 120}
    session.save()
    client.get(reverse("sign-in"))
    assert client.session[CLOCK_KEY]["seen"] >= before["seen"]
