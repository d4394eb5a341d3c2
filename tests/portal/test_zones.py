"""In whose time zone pages say when."""

from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from django.template import Context, Template
from django.test import Client, RequestFactory

from portal.zones import zone_of
from projects.zone_names import zone_names
from tests.people import client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("cookies", "zone"),
    [
        ({}, "UTC"),
        ({"browser_zone": "Europe/Stockholm"}, "Europe/Stockholm"),
        ({"browser_zone": "Europe/Stockholm", "zone": "Asia/Tokyo"}, "Asia/Tokyo"),
        ({"browser_zone": "Europe/Stockholm", "zone": "Mars/Olympus"}, "Europe/Stockholm"),
        ({"browser_zone": "../../etc/passwd"}, "UTC"),
        ({"zone": "/etc/localtime"}, "UTC"),
        ({"zone": "Europe"}, "UTC"),
        ({"zone": "x" * 5000, "browser_zone": "\x00"}, "UTC"),
    ],
)
def test_the_choice_comes_first_then_the_browser_then_utc(cookies: dict[str, str], zone: str) -> None:
    request = RequestFactory().get("/")
    request.COOKIES.update(cookies)
    assert str(zone_of(request)) == zone


@pytest.mark.parametrize(
    ("zone", "said"),
    [("", "23:30"), ("Europe/Stockholm", "00:30"), ("America/New_York", "18:30")],
)
def test_times_on_pages_are_the_reader_s(zone: str, said: str) -> None:
    moment = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)
    seen = []

    def page(_: object) -> object:
        seen.append(Template("{% load slipway %}{% when moment %}").render(Context({"moment": moment})))
        return None

    from portal.zones import Zone

    request = RequestFactory().get("/")
    request.COOKIES["browser_zone"] = zone
    with patch("django.utils.timezone.now", return_value=moment):
        Zone(page)(request)
    assert seen[0].endswith(f">{said}</time>")
    assert '<time datetime="2026-11-2' in seen[0]


def test_the_foot_of_a_page_says_the_zone_and_the_api_says_utc() -> None:
    browser = client("alice")
    browser.cookies["browser_zone"] = "Asia/Tokyo"
    assert "Times in Asia/Tokyo" in browser.get("/").content.decode()
    assert "Times in UTC" in client("bob").get("/").content.decode()
    assert "Times in Asia/Tokyo" not in Client().get("/sign-in/").content.decode()


def test_there_are_zones_to_choose_from() -> None:
    assert {"Europe/Stockholm", "Asia/Tokyo", "America/New_York"} <= set(zone_names())
