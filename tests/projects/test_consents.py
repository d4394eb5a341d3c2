"""Consent to read another team's data: asked with the wish, decided by that team, and worth nothing without it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from portal.models import User
from projects import actions, audience, consenting, permissions
from projects.consents import in_force, of_all
from projects.errors import Conflict, InvalidSpec, NotAllowed, NotFound
from projects.installation import installation
from projects.models import (
    ChatPost,
    ConsentState,
    DataConsent,
    Door,
    Membership,
    Notice,
    Project,
    ProjectRequest,
    StandIn,
)
from projects.today import today
from provisioning.kind import Consent
from tests.people import person
from tests.projects.readers import (
    STORES,
    ask_again,
    change,
    consent,
    day,
    give,
    keeper,
    let,
    opened,
    project,
    reject,
    states,
    withdraw,
)
from tests.projects.tended import World, installed, look, rows

pytestmark = pytest.mark.django_db
looked_at = pytest.mark.django_db(transaction=True)
"""For tests in which a worker looks: it works outside the test's transaction."""


@pytest.fixture(autouse=True)
def _stores(world: World) -> Iterator[None]:
    with installed(data_stores=STORES):
        yield


def told(who: str) -> list[tuple[str, str]]:
    rows = Notice.objects.filter(person__username=f"{who}@corp.example", kind__startswith="data-")
    return list(rows.order_by("pk").values_list("kind", "text"))


@looked_at
def test_nothing_is_read_before_the_team_says_yes_and_nothing_after_it_withdraws(world: World) -> None:
    row = look(project("winter-roads"))
    assert (states(row), opened(world)) == ([("winter-roads", 30, "asked")], [])
    assert rows(row)["data"] == "Available"
    give(consent(row))
    assert look(row).resources.get(kind="data").ready_message == (
        f"Reads s3://vision-shared/roads/winter until {day(30)}."
    )
    assert opened(world) == ["roads/winter/*"]
    withdraw(consent(row))
    assert look(row).resources.get(kind="data").ready_message == "winter-roads needs the consent of team vision."
    assert (states(row), opened(world)) == ([("winter-roads", 30, "withdrawn")], [])


@looked_at
def test_what_is_decided_is_looked_at_at_once(world: World) -> None:
    row = look(project("winter-roads"))
    for act in (give, withdraw):
        Project.objects.filter(pk=row.pk).update(next_look_at=None)
        world.rung.clear()
        act(consent(row))
        assert world.rung == ["reconcile_project"]
        assert Project.objects.get(pk=row.pk).next_look_at is not None


@looked_at
def test_a_project_that_rests_loses_what_is_withdrawn(world: World) -> None:
    row = project("winter-roads")
    give(consent(row))
    look(row)
    assert opened(world) == ["roads/winter/*"]
    Project.objects.filter(pk=row.pk).update(suspended=True)
    withdraw(consent(row))
    look(row)
    assert opened(world) == []


@looked_at
def test_a_no_changes_nothing(world: World) -> None:
    row = look(project("winter-roads"))
    reject(consent(row))
    look(row)
    assert (states(row), opened(world)) == ([("winter-roads", 30, "rejected")], [])
    row = change(row, "winter-roads", title="Demand of parts")
    assert states(row) == [("winter-roads", 30, "rejected")]


@looked_at
def test_a_later_day_asks_again_and_what_was_given_goes_on_meanwhile(world: World) -> None:
    row = project("winter-roads")
    give(consent(row))
    row = change(row, "winter-roads", days=60)
    assert states(row) == [("winter-roads", 30, "given"), ("winter-roads", 60, "asked")]
    assert let(row) == {"winter-roads": day(30)}
    reject(consent(row))
    assert let(row) == {"winter-roads": day(30)}
    row = change(row, "winter-roads", days=90)
    give(consent(row))
    assert states(row) == [
        ("winter-roads", 30, "ended"),
        ("winter-roads", 60, "rejected"),
        ("winter-roads", 90, "given"),
    ]
    assert let(row) == {"winter-roads": day(90)}


def test_an_earlier_day_asks_nobody() -> None:
    row = project("winter-roads")
    give(consent(row))
    row = change(row, "winter-roads", days=9)
    row = change(row, "winter-roads", days=30)
    assert states(row) == [("winter-roads", 30, "given")]


def test_a_question_that_is_put_otherwise_is_another_one() -> None:
    row = project("winter-roads")
    first = consent(row)
    row = change(row, "winter-roads", days=9)
    assert states(row) == [("winter-roads", 30, "ended"), ("winter-roads", 9, "asked")]
    with pytest.raises(Conflict, match="no longer wanted"):
        give(first)
    assert let(row) == {}


def test_what_is_not_wanted_any_more_ends_and_is_asked_for_anew_when_it_is_wanted_again() -> None:
    row = project("winter-roads", "summer-roads")
    give(consent(row))
    row = change(row, "summer-roads")
    assert states(row) == [("summer-roads", 30, "asked"), ("winter-roads", 30, "ended")]
    row = change(row, "winter-roads")
    assert states(row) == [
        ("summer-roads", 30, "ended"),
        ("winter-roads", 30, "ended"),
        ("winter-roads", 30, "asked"),
    ]


def test_a_project_that_is_retired_asks_and_reads_nothing_any_more() -> None:
    row = project("winter-roads", "summer-roads")
    give(consent(row))
    waiting = consent(row, "summer-roads")
    actions.retire(row, by=person("alice"), door=Door.API, installation=installation())
    assert states(row) == [("summer-roads", 30, "ended"), ("winter-roads", 30, "ended")]
    with pytest.raises(Conflict):
        give(waiting)


@pytest.mark.parametrize("changes", [{"readers": ["forecasting"]}, {"owner": "forecasting"}], ids=["reader", "owner"])
def test_whom_the_catalogue_lets_read_asks_nobody(changes: dict[str, Any]) -> None:
    with installed(data_stores=[{**STORES[0], **changes}]):
        assert states(project("winter-roads")) == []


@looked_at
def test_a_consent_ends_after_its_day(world: World) -> None:
    row = project("winter-roads")
    give(consent(row))
    DataConsent.objects.update(until=today() - timedelta(days=1))
    look(row)
    assert opened(world) == []


def test_nobody_says_yes_to_a_day_that_has_passed() -> None:
    row = project("winter-roads")
    DataConsent.objects.update(until=today() - timedelta(days=1))
    with pytest.raises(Conflict, match="has passed"):
        give(consent(row))


def test_what_somebody_asked_does_not_wait_for_who_decides_in_their_place() -> None:
    row = consent(project("winter-roads"))
    stranger = person("charlie")
    StandIn.objects.create(approver=keeper(), stand_in=stranger, begins=today(), ends=today())
    assert list(permissions.consents_to_decide(person("charlie"))) == [row]
    DataConsent.objects.update(asked_by=keeper())
    row.refresh_from_db()
    assert not permissions.may_decide_consent(person("charlie"), row)
    assert list(permissions.consents_to_decide(person("charlie"))) == []


@pytest.mark.parametrize("act", [give, reject, withdraw])
def test_strangers_know_of_nothing_and_who_is_not_asked_decides_nothing(act: Callable[..., Any]) -> None:
    row = project("winter-roads")
    if act is withdraw:
        give(consent(row))
    with pytest.raises(NotFound):
        act(consent(row), by=person("charlie"))
    with pytest.raises(NotAllowed):
        act(consent(row), by=person("alice"))


@pytest.mark.parametrize("act", [give, reject])
def test_the_platform_team_does_not_speak_for_the_team_whose_data_it_is(act: Callable[..., Any]) -> None:
    row = project("winter-roads")
    with pytest.raises(NotAllowed):
        act(consent(row), by=person("paula"))


def test_the_platform_team_may_end_what_a_team_gave() -> None:
    row = project("winter-roads")
    give(consent(row))
    withdraw(consent(row), by=person("paula"))
    assert states(row) == [("winter-roads", 30, "withdrawn")]


def test_who_is_in_the_team_and_owns_nothing_there_does_not_decide() -> None:
    row = project("winter-roads")
    bob = keeper()
    Membership.objects.filter(subject=bob.username).update(role="editor")
    assert permissions.visible_consents(bob).filter(project=row).exists()
    with pytest.raises(NotAllowed):
        give(consent(row), by=bob)


def test_who_owns_a_project_there_and_is_not_in_the_team_does_not_decide() -> None:
    row = project("winter-roads")
    charlie = person("charlie")
    lanes = Project.objects.get(slug="lanes")
    Membership.objects.create(project=lanes, subject=charlie.username, role="owner", source=Door.FORM)
    with pytest.raises(NotFound):
        give(consent(row), by=charlie)


def test_nobody_consents_to_what_they_asked_for_themselves() -> None:
    row = project("winter-roads")
    alice = person("alice")
    alice.groups.add(Group.objects.get(name="ml-vision"))
    Membership.objects.create(
        project=Project.objects.get(slug="lanes"), subject=alice.username, role="owner", source=Door.FORM
    )
    alice = User.objects.get(pk=alice.pk)
    assert permissions.data_teams_of(alice).filter(slug="vision").exists()
    with pytest.raises(NotAllowed):
        give(consent(row), by=alice)
    assert list(permissions.consents_to_decide(alice)) == []
    assert list(permissions.consents_to_decide(keeper())) == [consent(row)]
    give(consent(row))
    withdraw(consent(row), by=alice)


def test_a_stand_in_decides_in_an_owner_s_place_but_not_about_their_own() -> None:
    row = project("winter-roads")
    for name in ("charlie", "alice"):
        StandIn.objects.create(approver=keeper(), stand_in=person(name), begins=today(), ends=today())
    with pytest.raises(NotAllowed):
        give(consent(row), by=person("alice"))
    assert [one.username for one in audience.deciders_of_consent(consent(row))] == [
        "bob@corp.example",
        "charlie@corp.example",
    ]
    give(consent(row), by=person("charlie"))
    assert states(row) == [("winter-roads", 30, "given")]


def test_who_decides_is_asked_as_often_however_many_they_are() -> None:
    row, counts = project("winter-roads"), []
    # Said in other words once, which has authors of its own.
    DataConsent.objects.update(request=ProjectRequest.objects.get())
    ProjectRequest.objects.update(revision=2)
    for name in ("charlie", "paula"):
        StandIn.objects.create(approver=keeper(), stand_in=person(name), begins=today(), ends=today())
        with CaptureQueriesContext(connection) as queries:
            audience.deciders_of_consent(consent(row))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_consent_is_decided_once() -> None:
    row = project("winter-roads")
    first = consent(row)
    give(first)
    for act in (give, reject):
        with pytest.raises(Conflict, match="given"):
            act(first)
    withdraw(first)
    with pytest.raises(Conflict, match="withdrawn"):
        withdraw(first)


@pytest.mark.parametrize("act", [consenting.reject, consenting.withdraw])
def test_a_no_needs_a_reason(act: Callable[..., Any]) -> None:
    row = project("winter-roads")
    with pytest.raises(InvalidSpec) as error:
        act(consent(row), by=keeper(), door=Door.API, why="  ")
    assert [fault.field for fault in error.value.faults] == ["why"]


def test_the_database_holds_one_question_and_one_consent_for_a_store() -> None:
    row = project("winter-roads")
    one = consent(row)
    for state in (ConsentState.ASKED, ConsentState.GIVEN):
        DataConsent.objects.filter(pk=one.pk).update(state=state)
        with pytest.raises(IntegrityError), transaction.atomic():
            DataConsent.objects.create(project=row, store=one.store, team=one.team, until=one.until, state=state)


def test_each_side_is_told() -> None:
    row = project("winter-roads")
    asks = (
        "alice@corp.example asks that demand of team forecasting may read winter-roads, data of team vision, "
        f"until {day(30)}."
    )
    assert told("bob") == [("data-asked", asks)]
    give(consent(row))
    withdraw(consent(row))
    ask_again(row)
    reject(consent(row))
    assert told("alice") == [
        ("data-decided", f"Team vision lets demand read winter-roads until {day(30)} (bob@corp.example)."),
        (
            "data-withdrawn",
            "bob@corp.example withdrew the consent of team vision: demand reads winter-roads no more. "
            "It was found wrong.",
        ),
        (
            "data-decided",
            f"Team vision does not let demand read winter-roads until {day(30)}: Faces are in it. (bob@corp.example)",
        ),
    ]
    assert told("charlie") == []


def test_where_nobody_of_the_team_can_decide_the_platform_team_is_told() -> None:
    person("paula")
    keeper()
    Membership.objects.all().delete()
    project("winter-roads")
    assert (told("bob"), [kind for kind, _ in told("paula")]) == ([], ["data-asked"])


def test_what_was_refused_is_asked_again_by_an_owner_s_word() -> None:
    row = project("winter-roads")
    with pytest.raises(Conflict, match="asked already"):
        ask_again(row)
    reject(consent(row))
    ask_again(row)
    assert states(row) == [("winter-roads", 30, "rejected"), ("winter-roads", 30, "asked")]
    with pytest.raises(NotAllowed):
        give(consent(row), by=person("alice"))
    give(consent(row))
    with pytest.raises(Conflict, match="may read"):
        ask_again(row)
    with pytest.raises(NotFound):
        ask_again(row, "summer-roads")
    with pytest.raises(NotFound):
        ask_again(row, who="charlie")
    bob = person("bob")
    Membership.objects.create(project=row, subject=bob.username, role="viewer", source=Door.FORM)
    with pytest.raises(NotAllowed):
        ask_again(row, who="bob")


def test_a_store_of_a_team_that_the_portal_does_not_know_can_not_be_asked_for() -> None:
    with installed(data_stores=[{**STORES[0], "owner": "logistics"}]):
        row = project("winter-roads")
        assert states(row) == []
        with pytest.raises(Conflict, match="no team logistics"):
            ask_again(row)


def test_a_fleet_s_consents_are_read_at_once(django_assert_num_queries: Any) -> None:
    one, two = project("winter-roads"), project("summer-roads", slug="supply")
    give(consent(one))
    give(consent(two, "summer-roads"))
    with django_assert_num_queries(1):
        found = of_all()
    roads = "s3://vision-shared/roads"
    assert found == {
        one.pk: {
            "winter-roads": Consent(owner="vision", place=f"{roads}/winter on store-1", until=day(30), given=today())
        },
        two.pk: {
            "summer-roads": Consent(owner="vision", place=f"{roads}/summer on store-1", until=day(30), given=today())
        },
    }
    three = project(slug="plain")
    with django_assert_num_queries(0):
        assert in_force(three) == {}


def test_it_is_asked_although_the_project_s_plan_left_the_catalogue() -> None:
    row = project("winter-roads")
    DataConsent.objects.all().delete()
    Project.objects.filter(pk=row.pk).update(spec={**row.spec, "plan": "gone"})
    ask_again(row)
    assert states(row) == [("winter-roads", 30, "asked")]


def test_the_channel_of_the_team_that_is_asked_hears_of_it_and_that_of_the_project_of_the_answer() -> None:
    channels = [
        {"name": f"{name}-chat", "url": {"file": "chat.url"}, "shape": "slack", "team": name}
        for name in ("vision", "forecasting")
    ]
    with installed(data_stores=STORES, notify=channels):
        row = project("winter-roads")
        give(consent(row))
    rows = ChatPost.objects.filter(kind__startswith="data-").order_by("pk")
    assert [(one.channel, one.kind, one.consent_id) for one in rows] == [
        ("vision-chat", "data-asked", consent(row).pk),
        ("forecasting-chat", "data-decided", None),
    ]


@looked_at
def test_of_two_answers_at_the_same_moment_one_counts() -> None:
    row = project("winter-roads")
    asked, bob = consent(row), keeper()
    begin = Barrier(2)

    def answer(act: Callable[..., Any]) -> str:
        try:
            begin.wait(timeout=10)
            return str(act(asked, by=bob).state)
        except Conflict:
            return "conflict"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(answer, [give, reject]))
    assert sorted(found)[0] == "conflict"
    assert {consent(row).state} == set(found) - {"conflict"}
