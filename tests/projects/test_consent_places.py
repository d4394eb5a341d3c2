"""What the catalogue makes of a consent: it is for a place, and cut to the longest time that a store is read by now."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from projects.errors import Conflict, InvalidSpec
from projects.models import ConsentState, ConsentStep, DataConsent, Project
from tests.projects.readers import STORES, ask_again, change, consent, day, give, opened, project, states
from tests.projects.tended import World, installed, look

pytestmark = pytest.mark.django_db
looked_at = pytest.mark.django_db(transaction=True)
"""For tests in which a worker looks: it works outside the test's transaction."""


@pytest.fixture(autouse=True)
def _stores(world: World) -> Iterator[None]:
    with installed(data_stores=STORES):
        yield


@looked_at
def test_consent_counts_as_long_as_the_store_is_that_team_s(world: World) -> None:
    row = project("winter-roads")
    give(consent(row))
    with installed(data_stores=[{**STORES[0], "owner": "logistics"}]):
        look(row)
        assert opened(world) == []
    with installed(data_stores=STORES[1:]):
        look(row)
        assert opened(world) == []
    look(row)
    assert opened(world) == ["roads/winter/*"]


@looked_at
@pytest.mark.parametrize(
    "elsewhere",
    [{"bucket": "vision-private"}, {"prefix": "faces"}, {"owner": "logistics", "prefix": "faces"}],
    ids=["bucket", "prefix", "owner"],
)
def test_a_consent_is_for_the_place_and_not_for_whatever_its_name_stands_for_later(
    world: World, elsewhere: dict[str, Any]
) -> None:
    row = project("winter-roads")
    give(consent(row))
    assert opened(look(row) and world) == ["roads/winter/*"]
    moved = {**STORES[0], **elsewhere}
    with installed(data_stores=[moved]):
        said = look(row).resources.get(kind="data").ready_message
        assert opened(world) == []
        assert "was for s3://vision-shared/roads/winter on store-1, and the name stands for" in said
        assert said.endswith("ask again.")
    look(row)
    assert opened(world) == ["roads/winter/*"], "what the team consented to is there again"


@looked_at
def test_what_a_name_stands_for_now_is_asked_for_by_a_new_question(world: World) -> None:
    row = project("winter-roads")
    give(consent(row))
    with installed(data_stores=[{**STORES[0], "prefix": "faces"}]):
        ask_again(row)
        with pytest.raises(Conflict, match="asked already"):
            ask_again(row)
        look(row)
        assert (states(row)[-1], opened(world)) == (("winter-roads", 30, "asked"), [])
        give(consent(row))
        look(row)
        assert (states(row), opened(world)) == (
            [("winter-roads", 30, "ended"), ("winter-roads", 30, "given")],
            ["faces/*"],
        )
    look(row)
    assert opened(world) == []


def test_a_question_about_what_the_name_stood_for_before_gets_no_yes_and_is_asked_anew() -> None:
    row = project("winter-roads")
    first = consent(row)
    with installed(data_stores=[{**STORES[0], "prefix": "faces"}]):
        with pytest.raises(Conflict, match="stands for another place"):
            give(first)
        ask_again(row)
        assert states(row) == [("winter-roads", 30, "ended"), ("winter-roads", 30, "asked")]
        give(consent(row))
        row = change(row, "winter-roads", title="Demand of parts")
        assert states(row)[1:] == [("winter-roads", 30, "given")]


def test_a_change_asks_for_what_the_name_stands_for_by_then() -> None:
    row = project("winter-roads")
    give(consent(row))
    with installed(data_stores=[{**STORES[0], "prefix": "faces"}]):
        row = change(row, "winter-roads", title="Demand of parts")
        assert states(row) == [("winter-roads", 30, "ended"), ("winter-roads", 30, "asked")]
        assert consent(row).place == "s3://vision-shared/faces on store-1"


def test_a_consent_from_before_places_were_kept_opens_nothing() -> None:
    row = project("winter-roads")
    give(consent(row))
    DataConsent.objects.update(place="")
    ask_again(row)
    assert states(row) == [("winter-roads", 30, "given"), ("winter-roads", 30, "asked")]


def test_nothing_is_consented_to_that_the_team_does_not_have_any_more() -> None:
    row = project("winter-roads")
    with installed(data_stores=[{**STORES[0], "owner": "logistics"}]), pytest.raises(Conflict, match="no data store"):
        give(consent(row))


def given_ago(row: Project, days: int) -> None:
    """As if the team had said yes so many days ago."""
    steps = ConsentStep.objects.filter(consent=consent(row), state=ConsentState.GIVEN)
    steps.update(at=timezone.now() - timedelta(days=days))


@looked_at
def test_a_shorter_longest_time_cuts_a_consent_and_holds_up_no_other_change(world: World) -> None:
    row = project("winter-roads")
    give(consent(row))
    given_ago(row, 6)
    with installed(data_stores=[{**STORES[0], "max_days": 9}]):
        row = change(row, "winter-roads", title="Demand of parts")
        assert states(row) == [("winter-roads", 30, "given")]
        assert look(row).resources.get(kind="data").ready_message == (
            f"Reads s3://vision-shared/roads/winter until {day(3)}."
        )
        with pytest.raises(InvalidSpec, match="at most 9 days"):
            change(row, "winter-roads", days=29)
        given_ago(row, 10)
        assert look(row).resources.get(kind="data").ready_message == (
            "winter-roads is read for at most 9 days at a time, and they have passed: name a new last day."
        )
        assert opened(world) == []
        row = change(row, "winter-roads", days=9)
        assert states(row) == [("winter-roads", 30, "given"), ("winter-roads", 9, "asked")]
        give(consent(row))
        look(row)
        assert opened(world) == ["roads/winter/*"]


def test_what_was_cut_short_may_be_asked_for_again_without_a_change() -> None:
    row = project("winter-roads")
    give(consent(row))
    given_ago(row, 10)
    with installed(data_stores=[{**STORES[0], "max_days": 9}]):
        ask_again(row)
        give(consent(row))
    assert states(row) == [("winter-roads", 30, "ended"), ("winter-roads", 30, "given")]
