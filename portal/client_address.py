"""From where a request came: behind proxies the connection's own address is that of the last of them.

Anybody can send X-Forwarded-For. Each of our proxies adds on the right whom it was asked by, so only as many entries as
there are proxies of ours are believed, from the right.
"""

from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """The client's address; the connection's where no proxies are trusted, or where they don't tell."""
    connected = str(request.META.get("REMOTE_ADDR", ""))
    trusted = settings.CONFIG.trusted_proxies
    told = request.headers.get("X-Forwarded-For", "").split(",")
    if not trusted or len(told) < trusted:
        return connected
    return _plain(told[-trusted].strip()) or connected


def origin_of(request: HttpRequest) -> str:
    """What to count by: the address, of IPv6 the network, of which one client has all the addresses."""
    address = address_of(request)
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return ":".join(found.exploded.split(":")[:4]) if isinstance(found, IPv6Address) else address


def _plain(text: str) -> str:
    """An address without the port that some proxies add; "" for what is none."""
    for one in (text, text.rpartition(":")[0], text.partition("]")[0].removeprefix("[")):
        try:
            return str(ip_address(one))
        except ValueError:
            continue
    return ""
