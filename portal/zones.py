"""In whose time zone pages say when: the reader's choice, else the browser's, both in cookies; else UTC.

The browser's zone comes from `slipway.js`, since no header carries it. Only pages follow it: the API says UTC, and what
rights and end dates depend on is `projects.today`.
"""

from collections.abc import Callable
from datetime import UTC, tzinfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from projects.zone_names import zone_named

CHOSEN = "zone"
BROWSER = "browser_zone"


def zone_of(request: HttpRequest) -> tzinfo:
    """The zone to say times in."""
    for cookie in (CHOSEN, BROWSER):
        if zone := zone_named(request.COOKIES.get(cookie, "")):
            return zone
    return UTC


class Zone:
    """Middleware: times of a page are said in the reader's zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request in the reader's zone."""
        with timezone.override(zone_of(request)):
            return self.get_response(request)
