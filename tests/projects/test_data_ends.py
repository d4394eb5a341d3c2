"""Owners hear a week ahead that their project reads data of others no more: by its own day, or by a consent's."""

from collections.abc import Iterator
from typing import Any

import pytest

from projects import consenting, data_ends
from projects.installation import installation
from projects.models import Door, Notice, Project
from tests.people import person
from tests.projects.readers import STORES, change, consent, day, keeper, project
from tests.projects.tended import installed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _stores() -> Iterator[None]:
    with installed(data_stores=[STORES[0], {**STORES[1], "readers": ["forecasting"]}]):
        yield


def give(row: Project, store: str = "winter-roads") -> None:
    consenting.give(consent(row, store), by=keeper(), door=Door.API, installation=installation())


def tell(*, days: int) -> int:
    return data_ends.tell_ahead(day=day(days), installation=installation())


def told() -> list[tuple[str, str]]:
    rows = Notice.objects.filter(kind="data-ends").select_related("person").order_by("pk")
    return [(one.person.username, one.text) for one in rows]


def test_once_a_week_before() -> None:
    person("charlie")
    row = project("winter-roads", "summer-roads")
    give(row)
    assert [days for days in range(33) if tell(days=days)] == [23]
    text = f"demand reads summer-roads, winter-roads no more after its last day, in 7 days, on {day(30)}."
    assert told() == [("alice@corp.example", f"{text} To go on, name a later day.")]


def test_a_consent_that_is_shorter_than_what_is_wanted_is_told_for_itself() -> None:
    row = project("winter-roads", "summer-roads")
    give(row)
    change(row, "winter-roads", "summer-roads", days=60)
    assert [days for days in range(63) if tell(days=days)] == [23, 53]
    assert [text.split(" no more")[0] for _, text in told()] == [
        "demand reads winter-roads",
        "demand reads summer-roads",
    ]


def test_a_longest_time_that_became_shorter_is_told_as_the_end_that_it_is() -> None:
    row = project("winter-roads", "summer-roads")
    give(row)
    short = [{**STORES[0], "max_days": 9}, {**STORES[1], "readers": ["forecasting"], "max_days": 9}]
    with installed(data_stores=short):
        assert [days for days in range(33) if tell(days=days)] == [2]
    assert [text.split(" no more")[0] for _, text in told()] == ["demand reads summer-roads, winter-roads"]


def test_an_end_that_a_shorter_time_put_into_the_past_is_told_once_when_it_is_seen() -> None:
    row = project("winter-roads", "summer-roads")
    give(row)
    with installed(data_stores=[{**STORES[0], "max_days": 9}, {**STORES[1], "readers": ["forecasting"]}]):
        assert [days for days in range(12, 20) if tell(days=days)] == [12]
    (said,) = told()
    assert said[1] == (
        f"The catalogue shortened the time for which demand reads winter-roads; it ended on {day(9)}. "
        "To go on, name a new last day."
    )


def test_who_was_told_ahead_is_not_told_again_afterwards() -> None:
    row = project("winter-roads")
    give(row)
    with installed(data_stores=[{**STORES[0], "max_days": 9}]):
        assert [days for days in range(33) if tell(days=days)] == [2]


def test_what_ended_by_its_own_day_is_not_told_as_shortened() -> None:
    row = project("winter-roads", days=8)
    give(row)
    with installed(data_stores=[{**STORES[0], "max_days": 5}]):
        assert [days for days in range(9, 20) if tell(days=days)] == []


def test_what_is_not_read_does_not_end() -> None:
    project("winter-roads")
    assert [days for days in range(33) if tell(days=days)] == []


@pytest.mark.parametrize("state", ["suspended", "removed"])
def test_what_rests_or_goes_is_not_told(state: str) -> None:
    row = project("summer-roads", days=3)
    changes = {"suspended": True} if state == "suspended" else {"deletion_requested_at": row.created_at}
    Project.objects.filter(pk=row.pk).update(**changes)
    assert tell(days=0) == 0


def test_a_project_whose_plan_left_is_told() -> None:
    row = project("summer-roads", days=3)
    Project.objects.filter(pk=row.pk).update(spec={**row.spec, "plan": "gone"})
    assert tell(days=0) == 1


@pytest.mark.parametrize("change", [{"contributors": 7}, {"options": {"data": {"read": 7}}}], ids=["people", "choice"])
def test_what_can_not_be_read_of_one_project_keeps_nobody_else_from_being_told(change: dict[str, Any]) -> None:
    row = project("summer-roads", days=3)
    broken = project("summer-roads", days=3, slug="supply")
    Project.objects.filter(pk=broken.pk).update(spec={**broken.spec, **change})
    assert tell(days=0) == 1
    assert row.data_ends_told.count() == 1
