"""The ways in which forges ask to be left alone for a while."""

import httpx
import pytest

from provisioning.clients.rate_limits import told_to_wait

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("status", "headers", "message", "wait"),
    [
        (429, {"Retry-After": "7"}, "", 7),
        (429, {"Retry-After": "0"}, "", 1),
        (503, {"Retry-After": "30"}, "", 30),
        (403, {"Retry-After": "60"}, "You have exceeded a secondary rate limit.", 60),
        (429, {"Retry-After": "Fri, 15 Jan 2027 08:00:20 GMT"}, "", 20),
        (429, {"Retry-After": "86400"}, "", 86400),
        (429, {"Retry-After": "soon"}, "", 60),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000090"}, "API rate limit exceeded", 90),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000000"}, "API rate limit exceeded", 1),
        (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": "1800000012"}, "", 12),
        (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": "1800090000"}, "", 90_000),
        (429, {"RateLimit-Remaining": "0"}, "", 60),
        (403, {}, "You have exceeded a secondary rate limit.", 60),
        (429, {}, "", 60),
        (403, {"X-RateLimit-Remaining": "4999"}, "Must have admin rights to Repository.", None),
        (404, {"Retry-After": "7"}, "Not Found", None),
        (502, {}, "", None),
        (200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000090"}, "", None),
    ],
)
def test_how_long_to_wait(status: int, headers: dict[str, str], message: str, wait: float | None) -> None:
    assert told_to_wait(status=status, headers=httpx.Headers(headers), message=message, now=NOW) == wait
