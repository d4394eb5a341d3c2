"""One's own account: how pages look, tokens on a page, and the end of all sessions."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.models import ApiToken, User
from portal.token_actions import MOST
from tests.people import bearer, client, person

pytestmark = pytest.mark.django_db


def text(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode())).replace("&#x27;", "'")


def test_the_page_says_who_one_is() -> None:
    page = text(client("alice").get("/account/"))
    for said in ("Account alice@corp.example", "Groups ml-forecasting , ml-users", "You have none."):
        assert said in page
    assert "Platform team: all" in text(client("paula").get("/account/"))


def test_the_page_reads_one_s_tokens_once() -> None:
    alice = client("alice")
    with CaptureQueriesContext(connection) as queries:
        assert alice.get("/account/").status_code == 200
    assert [one["sql"].count('FROM "portal_apitoken"') for one in queries].count(1) == 1


def test_how_pages_look_is_kept_in_this_browser() -> None:
    alice = client("alice")
    sent = alice.post("/account/display/", {"theme": "dark", "language": "sv", "zone": "Europe/Stockholm"})
    assert (sent.status_code, sent["Location"]) == (302, "/account/")
    assert {name: alice.cookies[name].value for name in ("theme", "language", "zone")} == {
        "theme": "dark", "language": "sv", "zone": "Europe/Stockholm",
    }  # fmt: skip
    page = alice.get("/account/").content.decode()
    assert '<html lang="sv" data-bs-theme="dark">' in page
    assert re.findall(r"<option[^>]* selected>([^<]+)<", page)[-3:] == ["Mörkt", "Svenska", "Europe/Stockholm"]
    alice.post("/account/display/", {"theme": "pink", "language": "../etc", "zone": "Mars/Olympus"})
    assert {alice.cookies[name].value for name in ("theme", "language", "zone")} == {""}


def test_the_language_chosen_last_is_kept_for_mails() -> None:
    def kept() -> str:
        return person("alice").language

    here, there = client("alice"), client("alice")
    here.post("/account/display/", {"language": "sv"})
    assert kept() == "sv"
    # Where none was chosen, saving something else says nothing of mails.
    there.post("/account/display/", {"theme": "dark", "language": ""})
    assert kept() == "sv"
    there.post("/account/display/", {"language": "en-gb"})
    assert kept() == "en-gb"
    here.post("/account/display/", {"language": ""})
    assert kept() == ""
    here.post("/account/display/", {"language": "../etc"})
    assert kept() == ""
    assert person("bob").language == ""


def test_a_theme_that_is_none_never_becomes_markup() -> None:
    alice = client("alice")
    alice.cookies["theme"] = '"><script>'
    assert b"data-bs-theme" not in alice.get("/account/").content


def test_a_token_is_shown_once_and_works_as_far_as_it_may() -> None:
    alice = client("alice")
    page = alice.post("/account/tokens/", {"name": "nightly training", "days": "30"})
    token = re.search(r'id="token" tabindex="0">(slip_\w+)<', page.content.decode())
    assert token is not None
    assert page["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    script = Client(headers={"Authorization": f"Bearer {token[1]}"})
    assert script.get("/api/v1/me/").json()["username"] == "alice@corp.example"
    assert script.post("/api/v1/projects/", {}, content_type="application/json").status_code == 403
    again = alice.get("/account/")
    assert token[1] not in again.content.decode()
    assert "nightly training made" in text(again)
    row = ApiToken.objects.get()
    assert row.scopes == ["read"]
    assert timedelta(days=29, hours=23) < row.expiry - row.created < timedelta(days=30, hours=1)


def test_a_token_that_may_write_is_asked_for_by_its_box() -> None:
    client("alice").post("/account/tokens/", {"name": "deploy", "days": "7", "write": "1"})
    assert ApiToken.objects.get().scopes == ["read", "write"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": "", "days": "30"}, "What is it for?: This is needed."),
        ({"name": "x" * 81, "days": "30"}, "What is it for?: At most 80 characters."),
        ({"name": "a", "days": "9999"}, "Valid for: Write 365 or less."),
        ({"name": "a", "days": "many"}, "Valid for: Write a whole number."),
    ],
)
def test_a_token_with_faults_is_not_made(typed: dict[str, str], said: str) -> None:
    page = client("alice").post("/account/tokens/", typed)
    assert page.status_code == 422
    assert said in text(page)
    assert not ApiToken.objects.exists()


def test_who_has_too_many_tokens_is_told_what_to_do() -> None:
    alice = person("alice")
    for number in range(MOST):
        ApiToken.objects.create(alice, name=f"t{number}", scopes=["read"])
    page = client("alice").post("/account/tokens/", {"name": "one more", "days": "30"})
    assert page.status_code == 409
    assert "Remove those that nothing uses any more." in text(page)


def test_a_token_ends_at_once_and_only_its_owner_can_end_it() -> None:
    script = bearer("alice")
    uid = ApiToken.objects.get().uid
    assert client("charlie").post(f"/account/tokens/{uid}/remove/").status_code == 404
    assert client("paula").post(f"/account/tokens/{uid}/remove/").status_code == 404
    assert script.get("/api/v1/me/").status_code == 200
    assert client("alice").post(f"/account/tokens/{uid}/remove/")["Location"] == "/account/"
    assert script.get("/api/v1/me/").status_code == 401


def test_signing_out_everywhere_ends_every_session_of_this_person_only() -> None:
    here, there, bob = client("alice"), client("alice"), client("bob")
    assert here.post("/account/sign-out-everywhere/").status_code == 302
    for browser, status in ((here, 302), (there, 302), (bob, 200)):
        assert browser.get("/").status_code == status


def test_a_local_account_keeps_its_password() -> None:
    local = User.objects.create_superuser("break-glass", password="correct horse battery")
    browser = client(local)
    assert "This is a local account." in text(browser.get("/account/"))
    browser.post("/account/sign-out-everywhere/")
    local.refresh_from_db()
    assert local.check_password("correct horse battery")


def test_forms_of_the_account_need_their_token() -> None:
    browser = client("alice", enforce_csrf_checks=True)
    for path in ("display", "tokens", "sign-out-everywhere"):
        assert browser.post(f"/account/{path}/", {"name": "x", "days": "1"}).status_code == 403
