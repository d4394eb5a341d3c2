"""Names of time zones, such as Europe/Stockholm: which there are, and which to choose from."""

from datetime import tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones


@cache
def zone_names() -> tuple[str, ...]:
    """The zones to choose from, sorted."""
    areas = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return tuple(sorted(name for name in available_timezones() if name.startswith(areas)))


def zone_named(name: str) -> tzinfo | None:
    """The zone, None when there is no such one."""
    # Looked up before it is opened: a zone's name is a path, and this one comes from outside.
    return ZoneInfo(name) if name in _every_zone() else None


@cache
def _every_zone() -> frozenset[str]:
    return frozenset(available_timezones())
