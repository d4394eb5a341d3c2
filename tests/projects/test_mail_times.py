"""When a notice is mailed: by kind, mute, stand-in and the reader's clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from projects.mail_times import Choice, mail_time, next_digest
from projects.news import Kind

STOCKHOLM = ZoneInfo("Europe/Stockholm")
NOW = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)
WINDOW = timedelta(minutes=2)


@pytest.mark.parametrize(
    ("zone", "now", "at"),
    [
        ("UTC", "2027-03-10T07:59:59+00:00", "2027-03-10T08:00:00+00:00"),
        ("UTC", "2027-03-10T08:00:00+00:00", "2027-03-11T08:00:00+00:00"),
        ("Europe/Stockholm", "2027-03-10T06:59:00+00:00", "2027-03-10T07:00:00+00:00"),
        # Summer time begins on the 28th: the next 08:00 is 23 hours away, and an hour earlier in UTC.
        ("Europe/Stockholm", "2027-03-27T07:00:00+00:00", "2027-03-28T06:00:00+00:00"),
        ("Asia/Tokyo", "2027-03-10T22:00:00+00:00", "2027-03-10T23:00:00+00:00"),
        ("America/Los_Angeles", "2027-01-10T17:00:00+00:00", "2027-01-11T16:00:00+00:00"),
        ("Pacific/Kiritimati", "2027-03-10T17:59:00+00:00", "2027-03-10T18:00:00+00:00"),
    ],
)
def test_the_daily_mail_is_at_eight_by_the_readers_clock(zone: str, now: str, at: str) -> None:
    assert next_digest(datetime.fromisoformat(now), zone=ZoneInfo(zone)) == datetime.fromisoformat(at)


@pytest.mark.parametrize(
    ("kind", "choice", "wait"),
    [
        ("comment", Choice(zone=UTC), WINDOW),
        ("suspended", Choice(zone=UTC), timedelta(0)),
        ("comment", Choice(zone=UTC, kinds={"comment": "never"}), None),
        ("comment", Choice(zone=STOCKHOLM, kinds={"comment": "digest"}), timedelta(hours=19)),
        ("suspended", Choice(zone=STOCKHOLM, kinds={"suspended": "digest"}), timedelta(hours=19)),
        ("comment", Choice(zone=UTC, muted_until=date(2027, 3, 10)), None),
        ("comment", Choice(zone=UTC, muted_until=date(2027, 3, 9)), WINDOW),
        # It is the 11th already there.
        ("comment", Choice(zone=ZoneInfo("Pacific/Kiritimati"), muted_until=date(2027, 3, 10)), WINDOW),
        ("comment", Choice(zone=UTC, muted_projects={7: date(2027, 3, 10)}), None),
        ("comment", Choice(zone=UTC, muted_projects={8: date(2027, 3, 10)}), WINDOW),
        ("comment", Choice(zone=UTC, away=True), WINDOW),
        ("request-waits", Choice(zone=UTC, kinds={"request-waits": "never"}, muted_until=date(2099, 1, 1)), WINDOW),
        ("escalation", Choice(zone=UTC, muted_projects={7: date(2099, 1, 1)}), timedelta(0)),
        ("request-waits", Choice(zone=UTC, away=True), None),
    ],
)
def test_what_somebody_chose(kind: Kind, choice: Choice, wait: timedelta | None) -> None:
    at = mail_time(kind, choice=choice, project=7, now=NOW, window=WINDOW)
    assert at == (None if wait is None else NOW + wait)
