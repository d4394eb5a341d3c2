"""Owners hear of an end date 30, 7 and 1 days before it, and when it has passed: once for each date."""

from datetime import date, timedelta

import pytest

from projects import end_dates, tasks
from projects.models import Notice, Project
from projects.today import today
from tests.people import person, team

pytestmark = pytest.mark.django_db


def ending(expires: date) -> Project:
    project = Project.objects.create(
        slug="demand", team=team("forecasting"), spec={"slug": "demand", "expires": expires.isoformat()}
    )
    project.memberships.create(subject=person("alice").username, role="owner")
    project.memberships.create(subject=person("bob").username, role="editor")
    person("charlie")
    return project


def told() -> list[tuple[str, str]]:
    return [(row.kind, row.person.username) for row in Notice.objects.order_by("pk")]


def test_once_thirty_seven_and_one_day_before() -> None:
    expires = date(2027, 3, 31)
    ending(expires)
    days = [
        before
        for before in range(40, -1, -1)
        for _ in range(2)
        if end_dates.tell_ahead(day=expires - timedelta(before))
    ]
    assert days == [30, 7, 1]
    assert told() == [("ends", "alice@corp.example")] * 3
    assert Notice.objects.filter(text__startswith="demand ends in 7 days, on 2027-03-31.").count() == 1


def test_another_date_is_told_anew() -> None:
    project = ending(date(2027, 3, 31))
    assert end_dates.tell_ahead(day=date(2027, 3, 28)) == 1
    Project.objects.filter(pk=project.pk).update(spec={**project.spec, "expires": "2027-04-30"})
    assert end_dates.tell_ahead(day=date(2027, 4, 1)) == 1


def test_suspending_after_the_last_day_tells_owners_once() -> None:
    ending(today() - timedelta(days=1))
    tasks.suspend_expired()
    Project.objects.update(suspended=False, ended=False)
    tasks.suspend_expired()
    assert told() == [("suspended", "alice@corp.example")]
    assert Project.objects.filter(suspended=True, ended=True).exists()


def test_what_the_platform_team_suspended_before_its_last_day_stays_theirs() -> None:
    ending(today() - timedelta(days=1))
    Project.objects.update(suspended=True)
    tasks.suspend_expired()
    assert (told(), Project.objects.get().ended) == ([], False)
