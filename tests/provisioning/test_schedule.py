"""Schedules: what is one, how close its times are, and what a change of the clocks does to them."""

from datetime import UTC, datetime

import pytest

from provisioning.schedule import check, following

STOCKHOLM = "Europe/Stockholm"


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("expression", "zone", "after", "comes"),
    [
        ("0 3 * * 1", "UTC", at(2026, 11, 26, 12), at(2026, 11, 30, 3)),
        ("0 3 * * *", "UTC", at(2026, 11, 26, 3), at(2026, 11, 27, 3)),
        ("0 3 * * *", STOCKHOLM, at(2026, 7, 1, 12), at(2026, 7, 2, 1)),
        # The hour from 2 to 3 is left out in the last night of March, and comes twice in that of October.
        ("30 2 * * *", STOCKHOLM, at(2026, 3, 28, 12), at(2026, 3, 29, 1)),
        ("30 2 * * *", STOCKHOLM, at(2026, 10, 24, 12), at(2026, 10, 25, 0, 30)),
        ("30 2 * * *", STOCKHOLM, at(2026, 10, 25, 0, 30), at(2026, 10, 26, 1, 30)),
        ("0 0 29 2 *", "UTC", at(2026, 1, 1), at(2028, 2, 29)),
    ],
)
def test_what_follows(expression: str, zone: str, after: datetime, comes: datetime) -> None:
    found = following(expression, zone=zone, after=after)
    assert found.astimezone(UTC) == comes


@pytest.mark.parametrize("good", ["0 3 * * 1", "0 * * * *", "15 2 1 * *", "0 0 29 2 *", "0 6-18/4 * * mon-fri"])
def test_a_schedule(good: str) -> None:
    assert check(good, zone=STOCKHOLM) is None


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("", "'' is no schedule. Write minute, hour, day, month and weekday, such as 0 3 * * 1."),
        ("0 3 * *", "is no schedule"),
        ("0 0 3 * * 1", "is no schedule"),
        ("@daily", "is no schedule"),
        ("61 3 * * 1", "is no schedule"),
        ("0 3 * * 1; rm -rf /", "is no schedule"),
        ("0 0 30 2 *", "is no schedule"),
        ("*/30 * * * *", "More often than once an hour is too often. Write one minute, such as 0 * * * *."),
        ("0,59 3 * * *", "More often than once an hour"),
    ],
)
def test_what_is_none_or_too_often(bad: str, says: str) -> None:
    assert says in str(check(bad, zone="UTC"))
