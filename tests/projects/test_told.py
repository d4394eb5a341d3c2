"""Who is told what: troubles, first readiness, offers, keys, being seen as, withdrawals, runs, repairs."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from portal.models import User
from projects import audience, bulk_tasks, credentials, decisions, mail_choices, permissions, repairs, seeing, troubles
from projects.errors import InvalidSpec
from projects.installation import installation
from projects.mail_choices import MailWish
from projects.mail_text import link_of
from projects.models import (
    BulkItem,
    BulkRun,
    Door,
    Membership,
    Notice,
    OfferedTo,
    Project,
    RunState,
    Succession,
    TroubleTold,
)
from provisioning.errors import Reason
from provisioning.models import Resource
from tests.people import client, person, team
from tests.projects.asking import asked
from tests.projects.fleet import broken, happened, ready
from tests.projects.pages import ask, project_of, text
from tests.projects.tended import World, fresh, look

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)
EVERYBODY = ("alice", "bob", "charlie", "paula")


def owned(slug: str = "demand", **fields: Any) -> Project:
    """alice's project, with bob as editor and everybody known here."""
    for name in EVERYBODY:
        person(name)
    project = ready(slug, **fields)
    for name, role in (("alice", "owner"), ("bob", "editor")):
        Membership.objects.create(project=project, subject=f"{name}@corp.example", role=role, source=Door.FORM)
    return project


def told(kind: str) -> list[tuple[str, str]]:
    """To whom what was said of this kind, and forget it."""
    rows = Notice.objects.filter(kind=kind).order_by("person__username", "pk")
    found = [(one.person.username.partition("@")[0], one.text) for one in rows.select_related("person")]
    rows.delete()
    return found


# A project that needs attention


def test_owners_hear_of_a_trouble_that_lasts_and_once() -> None:
    project, now = owned(), timezone.now()
    broken(project, "repository", Reason.NAME_TAKEN, "forecasting/demand is not ours.", since=14 * MINUTE)
    assert (troubles.tell_of_troubles(now=now), told("attention")) == (0, [])
    assert troubles.tell_of_troubles(now=now + 2 * MINUTE) == 1
    said = "demand has needed attention for more than 15 minutes. Repository: forecasting/demand is not ours."
    assert told("attention") == [("alice", said)]
    assert troubles.tell_of_troubles(now=now + 60 * MINUTE) == 0


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        (("bucket",), " 1 more of its resources needs attention too."),
        (("bucket", "access"), " 2 more of its resources need attention too."),
    ],
)
def test_how_much_else_needs_attention_is_said_with_it(kinds: tuple[str, ...], said: str) -> None:
    project, now = owned(), timezone.now()
    for kind in ("repository", *kinds):
        broken(project, kind, Reason.REJECTED, "No.")
    assert troubles.tell_of_troubles(now=now) == 1
    ((_, text),) = told("attention")
    assert text.endswith(f"No.{said}")


def test_what_comes_and_goes_is_one_trouble_until_it_was_well_for_an_hour() -> None:
    project, now = owned(), timezone.now()
    row = broken(project, "repository", Reason.REJECTED, "No.")

    def well(is_well: bool) -> None:
        status, reason = ("True", Reason.AVAILABLE) if is_well else ("False", Reason.REJECTED)
        Resource.objects.filter(pk=row.pk).update(synced_status=status, synced_reason=reason)

    assert troubles.tell_of_troubles(now=now) == 1
    for minutes in range(1, 200, 20):
        well(minutes % 40 == 1)
        assert troubles.tell_of_troubles(now=now + minutes * MINUTE) == 0
    well(True)
    troubles.tell_of_troubles(now=now + 300 * MINUTE)
    troubles.tell_of_troubles(now=now + 361 * MINUTE)
    assert TroubleTold.objects.count() == 0
    well(False)
    assert troubles.tell_of_troubles(now=now + 362 * MINUTE) == 1


@pytest.mark.parametrize("state", [{"suspended": True}, {"deletion_requested_at": timezone.now()}])
def test_of_what_is_suspended_or_going_nobody_hears(state: dict[str, Any]) -> None:
    broken(owned(**state), "repository", Reason.REJECTED, "No.")
    assert troubles.tell_of_troubles(now=timezone.now()) == 0


# Offers


def test_an_offer_is_told_to_those_who_are_asked_now() -> None:
    project = owned()
    found: dict[str, list[str]] = {}
    for to in OfferedTo:
        offer = Succession(project=project, offered_to=to)
        found[to.name] = [one.username.partition("@")[0] for one in audience.asked_to_take_over(offer)]
    assert found == {"EDITORS": ["bob"], "TEAM": ["alice", "bob"], "PLATFORM": ["paula"]}


def test_a_team_by_object_id_is_asked_by_it() -> None:
    project = owned()
    own = team("forecasting")
    type(own).objects.filter(pk=own.pk).update(group_ids={"ml-forecasting": "oid-g"})
    project.team.refresh_from_db()
    charlie = person("charlie")
    User.objects.filter(pk=charlie.pk).update(group_ids=["oid-g"])
    offer = Succession(project=project, offered_to=OfferedTo.TEAM)
    assert audience.asked_to_take_over(offer) == [charlie]


# Keys


def test_owners_hear_what_others_do_with_keys() -> None:
    project = owned()
    Membership.objects.create(project=project, subject="paula@corp.example", role="owner", source=Door.FORM)
    settings = installation()
    Project.objects.update(key_id=settings.key_ring.current)
    project.refresh_from_db()
    credentials.rotate(project, "bucket", by=person("alice"), door=Door.FORM, installation=settings)
    credentials.end_old(project, "bucket", by=person("alice"), door=Door.FORM)
    assert told("keys-rotated") == [
        ("paula", "alice@corp.example rotated a key of demand: Bucket key. The one before works for 24 more hours."),
        ("paula", "alice@corp.example ended the old key of demand: Bucket key. Only the present one works."),
    ]
    shown = credentials.reveal(project, "bucket", by=person("bob"), door=Door.FORM, installation=settings)
    said = told("key-shown")
    assert said == [(name, "bob@corp.example was shown a key of demand: Bucket key.") for name in ("alice", "paula")]
    assert not any(secret in text for secret in shown.values.values() for _, text in said)


# Being seen as


def test_who_is_seen_as_hears_it() -> None:
    for name in EVERYBODY:
        person(name)
    seeing.begin("alice@corp.example", by=person("paula"), because="The list is empty.")
    assert told("seen-as") == [
        (
            "alice",
            "paula@corp.example of the platform team sees the portal as you, read-only, for at most 30 minutes. "
            "Reason: The list is empty.",
        )
    ]


# Requests


def test_who_was_asked_hears_that_it_was_taken_back() -> None:
    person("paula")
    request = asked("demand")
    decisions.withdraw(request, by=person("alice"), door=Door.FORM)
    assert told("withdrawn") == [
        ("paula", "alice@corp.example took the request for demand back. There is nothing to decide any more.")
    ]


# Runs


def test_who_started_a_run_hears_what_came_of_it_and_only_the_platform_team_may_know() -> None:
    project, paula = owned(), person("paula")
    run = BulkRun.objects.create(
        action="look", because="To be sure.", by=paula, by_name=paula.username, door=Door.FORM, state=RunState.RUNNING
    )
    BulkItem.objects.create(run=run, project=project, position=1, generation=1, foreseen="Due now.")
    bulk_tasks.go_on(run.pk)
    notice = Notice.objects.get(kind="run-finished")
    assert (notice.text, link_of(notice)) == (
        "Your action “Look again” on many projects has finished. Done: 1.",
        f"/platform/actions/{run.pk}/",
    )
    assert "what came of it" in text(client("paula").get("/account/notices/"))
    paula.is_staff = False
    paula.save()
    assert list(permissions.visible_notices(paula)) == []


# Drift


def test_one_repair_is_said_as_one() -> None:
    project = owned()
    for reason in (Reason.DRIFTED, Reason.AVAILABLE):
        happened(project, "network", reason)
    assert repairs.tell_of_repairs(now=timezone.now() + 10 * MINUTE) == 1
    assert told("drift-repaired") == [("paula", "Changed by hand and put back: 1 time, in demand.")]


def test_repairs_come_to_the_platform_team_by_daily_mail_only() -> None:
    now = timezone.now()
    project, other = owned(), owned("supply")
    for one in (project, project, other):
        happened(one, "network", Reason.DRIFTED)
        happened(one, "network", Reason.AVAILABLE)
    happened(project, "limits", Reason.DRIFTED)
    assert repairs.tell_of_repairs(now=now + 4 * MINUTE) == 0
    assert repairs.tell_of_repairs(now=now + 70 * MINUTE) == 3
    (row,) = Notice.objects.filter(kind="drift-repaired")
    assert (row.person.username, row.text) == (
        "paula@corp.example",
        "Changed by hand and put back: 3 times, in demand, supply.",
    )
    assert row.mail_at is not None
    assert row.mail_at.hour == 8
    assert repairs.tell_of_repairs(now=now + 80 * MINUTE) == 0
    assert repairs.tell_of_repairs(now=now + 200 * MINUTE) == 0
    wish = MailWish(zone="UTC", kinds={"drift-repaired": "now"})
    with pytest.raises(InvalidSpec, match="This comes in the daily mail only"):
        mail_choices.choose(wish, by=person("paula"), door=Door.FORM, installation=installation())


# The first time


def test_who_asked_hears_once_that_a_new_project_is_ready(world: World) -> None:
    team("forecasting")
    project = look(project_of(ask("demand")))
    assert told("ready") == [("alice", "demand is ready. Its page says how to use it.")]
    Project.objects.filter(pk=project.pk).update(ready_at=None, next_look_at=timezone.now())
    look(fresh(project))
    assert told("ready") == []


# Owners


def test_owners_are_those_of_today_by_name_group_and_object_id() -> None:
    project = owned()
    Membership.objects.all().delete()
    for name in EVERYBODY:
        person(name)
    group = Group.objects.get(name="ml-forecasting")
    day = timezone.now().date()
    for subject, more in (
        ("charlie@corp.example", {"until": day - timedelta(days=2)}),
        (group.name, {"is_group": True}),
        ("renamed@corp.example", {"object_id": "oid-paula"}),
        # Somebody else has the name now.
        ("charlie", {"object_id": "oid-somebody"}),
    ):
        Membership.objects.create(project=project, subject=subject, role="owner", source=Door.FORM, **more)
    User.objects.filter(pk=person("bob").pk).update(is_active=False)
    assert [one.username for one in audience.owners_of(project)] == ["alice@corp.example", "paula@corp.example"]
