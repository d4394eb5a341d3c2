"""In whose time zone pages say when: the reader's choice, else the browser's, both in cookies; else UTC.

The browser's zone comes from `slipway.js`, since no header carries it. Only pages follow it: the API says UTC, and what
rights and end dates depend on is `projects.today`.
"""

from collections.abc import Callable
from datetime import UTC, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

CHOSEN = "zone"
BROWSER = "browser_zone"


@cache
def zone_names() -> tuple[str, ...]:
    """The zones to choose from, such as Europe/Stockholm, sorted."""
    areas = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return tuple(sorted(name for name in available_timezones() if name.startswith(areas)))


def zone_of(request: HttpRequest) -> tzinfo:
    """The zone to say times in."""
    for cookie in (CHOSEN, BROWSER):
        if zone := _known(request.COOKIES.get(cookie, "")):
            return zone
    return UTC


def _known(name: str) -> tzinfo | None:
    # Looked up before it is opened: a zone's name is a path, and this one comes from outside.
    return ZoneInfo(name) if name in _every_zone() else None


@cache
def _every_zone() -> frozenset[str]:
    return frozenset(available_timezones())


class Zone:
    """Middleware: times of a page are said in the reader's zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request in the reader's zone."""
        with timezone.override(zone_of(request)):
            return self.get_response(request)
