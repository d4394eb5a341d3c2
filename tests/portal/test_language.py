"""Which language an answer is in: the person's choice, else the browser's; programs always read English."""

import pytest
from django.contrib.auth.signals import user_logged_in
from django.test import Client, RequestFactory

from portal.models import User
from tests.people import client, person

pytestmark = pytest.mark.django_db


def language(browser: Client, path: str, **headers: str) -> str:
    """What the answer says its language is."""
    return browser.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})[
        "Content-Language"
    ]


def test_the_browser_s_language_is_taken_where_there_is_one_of_ours() -> None:
    browser = client("alice")
    assert language(browser, "/", accept_language="sv-SE,sv;q=0.9,en;q=0.8") == "sv"
    assert language(browser, "/", accept_language="de-DE,de;q=0.9") == "en-gb"
    assert language(browser, "/") == "en-gb"


def test_the_person_s_choice_comes_first() -> None:
    browser = client("alice")
    browser.cookies["language"] = "sv"
    page = browser.get("/", headers={"Accept-Language": "en-GB"})
    assert page["Content-Language"] == "sv"
    assert b'<html lang="sv">' in page.content


def test_a_choice_that_is_no_language_counts_as_none() -> None:
    browser = client("alice")
    browser.cookies["language"] = "../../etc"
    assert language(browser, "/") == "en-gb"


@pytest.mark.parametrize("path", ["/api/v1/me/", "/healthz", "/profile.schema.json"])
def test_programs_read_english(path: str) -> None:
    assert language(client("alice"), path, accept_language="sv") == "en-gb"


def test_a_choice_from_before_it_was_kept_counts_from_the_next_sign_in_on() -> None:
    def signs_in(chosen: str) -> str:
        request = RequestFactory().get("/")
        request.COOKIES["language"] = chosen
        user_logged_in.send(sender=User, request=request, user=person("alice"))
        return person("alice").language

    assert signs_in("../../etc") == ""
    assert signs_in("sv") == "sv"
    # What was chosen since stands.
    assert signs_in("en-gb") == "sv"
