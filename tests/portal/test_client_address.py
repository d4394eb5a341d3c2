"""From where a request came, as proxies of ours tell it and others only claim."""

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from portal.client_address import address_of, origin_of


@pytest.mark.parametrize(
    ("trusted", "told", "address"),
    [
        (0, "10.0.0.1", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "10.0.0.1", "10.0.0.1"),
        (1, "10.9.9.9, 10.0.0.1", "10.0.0.1"),
        (2, "10.9.9.9, 10.0.0.1, 192.0.2.7", "10.0.0.1"),
        # Less than our proxies would have said: it came past one of them.
        (2, "10.0.0.1", "192.0.2.1"),
        (1, "10.0.0.1:5678", "10.0.0.1"),
        (1, "[2001:db8::1]:5678", "2001:db8::1"),
        (1, "2001:DB8::1", "2001:db8::1"),
        (1, "unknown", "192.0.2.1"),
    ],
)
def test_only_as_many_entries_as_there_are_proxies_are_believed(
    settings: Settings, trusted: int, told: str, address: str
) -> None:
    settings.CONFIG = settings.CONFIG.model_copy(update={"trusted_proxies": trusted})
    headers = {"x-forwarded-for": told} if told else {}
    assert address_of(RequestFactory().get("/", headers=headers, REMOTE_ADDR="192.0.2.1")) == address


def test_one_network_of_ipv6_counts_as_one() -> None:
    here, near, far = ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1")
    found = [origin_of(RequestFactory().get("/", REMOTE_ADDR=one)) for one in (here, near, far)]
    assert (found[0] == found[1], found[0] == found[2]) == (True, False)
