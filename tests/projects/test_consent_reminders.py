"""A question for consent that nobody answers: who decides is reminded, and later the platform team hears of it too."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction

from projects import consenting, reminders
from projects.installation import Installation, installation
from projects.models import ConsentReminder, ConsentStep, DataConsent, Door, Membership, Notice, Project, StandIn
from projects.today import today
from tests.people import bearer, client, person
from tests.projects.api_calls import send
from tests.projects.pages import text
from tests.projects.readers import STORES, consent, keeper, project
from tests.projects.tended import installed
from tests.projects.test_reminders import OFFICE, at

pytestmark = pytest.mark.django_db
SAID = "working hours for team vision to say whether demand may read winter-roads."


@pytest.fixture(autouse=True)
def _stores() -> Iterator[None]:
    with installed(data_stores=STORES):
        yield


def waiting() -> Project:
    """A project of alice's that asked on a Thursday at eight, of which nobody has heard yet."""
    person("paula")
    row = project("winter-roads")
    ConsentStep.objects.update(at=at(26, 8))
    Notice.objects.all().delete()
    return row


def settings() -> Installation:
    rules = installation().catalogue.decisions.model_copy(
        update={"working_hours": OFFICE, "remind_after": 4, "escalate_after": 12, "escalate_to": ("ml-leads",)}
    )
    return replace(installation(), catalogue=installation().catalogue.model_copy(update={"decisions": rules}))


def told(now: datetime) -> list[tuple[str, str, str]]:
    """Kind, name and sentence of what is told at that moment."""
    reminders.remind(installation=settings(), now=now)
    rows = Notice.objects.order_by("pk").values_list("kind", "person__username", "text")
    found = [(kind, name.partition("@")[0], said) for kind, name, said in rows]
    Notice.objects.all().delete()
    return found


def test_who_decides_is_reminded_once_and_the_platform_team_told_later() -> None:
    waiting()
    StandIn.objects.create(approver=keeper(), stand_in=person("charlie"), begins=today(), ends=today())
    assert told(at(26, 11, 59)) == []
    reminder = f"alice@corp.example has waited 4 {SAID}"
    assert told(at(26, 12)) == [("data-reminder", "bob", reminder), ("data-reminder", "charlie", reminder)]
    assert told(at(26, 17)) == []
    escalation = f"alice@corp.example has waited 12 {SAID} Only that team can say yes."
    assert sorted(told(at(27, 11))) == [("data-escalation", name, escalation) for name in ("bob", "charlie", "paula")]
    assert told(at(30, 17)) == []
    assert sorted(ConsentReminder.objects.values_list("kind", flat=True)) == ["escalated", "reminded"]


def test_where_nobody_can_decide_the_platform_team_is_reminded() -> None:
    waiting()
    Membership.objects.filter(project__slug="lanes").delete()
    assert [(kind, name) for kind, name, _ in told(at(26, 12))] == [("data-reminder", "paula")]


def test_a_round_that_dies_before_its_end_loses_and_doubles_nothing() -> None:
    waiting()

    class Died(Exception):
        pass

    with suppress(Died), transaction.atomic():
        assert reminders.remind(installation=settings(), now=at(26, 12)) == 1
        raise Died
    assert Notice.objects.count() == 0
    assert [kind for kind, _, _ in told(at(26, 12))] == ["data-reminder"]
    assert told(at(26, 12)) == []


@pytest.mark.django_db(transaction=True)
def test_of_two_rounds_at_the_same_moment_one_reminds() -> None:
    waiting()
    begin = Barrier(2)

    def go(_: int) -> int:
        try:
            begin.wait(timeout=10)
            return reminders.remind(installation=settings(), now=at(26, 12))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(go, range(2)))
    assert Notice.objects.filter(kind="data-reminder").count() == 1


def test_what_is_answered_or_can_not_be_answered_is_not_reminded_of() -> None:
    row = waiting()
    late = at(30, 17)
    with installed(data_stores=[{**STORES[0], "owner": "logistics"}]):
        assert told(late) == []
    until = consent(row).until
    DataConsent.objects.update(until=today() - timedelta(days=1))
    assert told(late) == []
    DataConsent.objects.update(until=until)
    consenting.reject(consent(row), by=keeper(), door=Door.API, why="Faces are in it.")
    Notice.objects.all().delete()
    assert told(late) == []


def test_a_question_that_is_asked_again_is_reminded_of_for_itself() -> None:
    row = waiting()
    told(at(27, 11))
    consenting.reject(consent(row), by=keeper(), door=Door.API, why="Faces are in it.")
    consenting.ask_again(row, store="winter-roads", by=person("alice"), door=Door.API, installation=installation())
    ConsentStep.objects.filter(consent=consent(row)).update(at=at(27, 11))
    Notice.objects.all().delete()
    assert [kind for kind, name, _ in told(at(27, 15)) if name == "bob"] == ["data-reminder"]


def test_the_asker_sees_since_when_it_waits_and_that_the_reminder_went() -> None:
    row = waiting()
    page = text(client("alice").get("/projects/demand/"))
    assert ("Waits since" in page, "Those who decide were reminded" in page) == (True, False)
    told(at(27, 11))
    number = consent(row).pk
    for path in ("/projects/demand/", f"/consents/{number}/"):
        page = text(client("alice").get(path))
        assert ("Waits since" in page, "Those who decide were reminded" in page) == (True, True)
    assert "The platform team was told" in page
    script = bearer("alice")
    found = send(script, "get", f"/consents/{number}/").json()
    (mine,) = send(script, "get", "/projects/demand/data/").json()["items"]
    assert mine["waits_since"] == found["asked_at"]
    assert mine["reminded_at"] == found["reminded_at"] is not None
    assert found["escalated_at"] is not None
    assert send(bearer("charlie"), "get", f"/consents/{number}/").status_code == 404
