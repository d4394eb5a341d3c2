"""Working hours, and who is told when a request waits for too many of them."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from projects import decisions, reminders
from projects.installation import installation
from projects.models import Door, Notice, ProjectRequest, Reminder, RequestComment, RequestRevision
from projects.working_hours import hours_between
from provisioning.policy_rules import WorkingHours
from tests.people import person
from tests.projects.asking import asked, change_asked, demand, fresh, joins, told

STOCKHOLM = ZoneInfo("Europe/Stockholm")
OFFICE = WorkingHours(zone="Europe/Stockholm", holidays=(date(2026, 12, 25),))


def at(day: int, hour: int, minute: int = 0, *, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=STOCKHOLM)


@pytest.mark.parametrize(
    "since, until, hours",
    [
        (at(26, 9), at(26, 11, 30), 2.5),
        (at(26, 6), at(26, 20), 9),
        (at(26, 16), at(27, 9), 2),
        (at(27, 16), at(30, 9), 2),
        (at(28, 9), at(29, 18), 0),
        (at(24, 16, month=12), at(28, 9, month=12), 2),
        (at(26, 11), at(26, 9), 0),
        # Clocks go back in the night to 25 October: a working day has nine hours all the same.
        (at(23, 8, month=10), at(26, 17, month=10), 18),
        (datetime(2026, 11, 26, 7, tzinfo=ZoneInfo("UTC")), datetime(2026, 11, 26, 9, tzinfo=ZoneInfo("UTC")), 2),
    ],
)
def test_hours(since: datetime, until: datetime, hours: float) -> None:
    assert hours_between(since, until, calendar=OFFICE) == hours


@pytest.mark.django_db
def test_approvers_are_reminded_once_and_others_asked_later() -> None:
    person("paula")
    joins("bob", "ml-leads")
    request = asked()
    ProjectRequest.objects.filter(pk=request.pk).update(created_at=at(26, 8))
    Notice.objects.all().delete()
    rules = installation().catalogue.decisions.model_copy(
        update={"working_hours": OFFICE, "remind_after": 4, "escalate_after": 12, "escalate_to": ("ml-leads",)}
    )
    catalogue = installation().catalogue.model_copy(update={"decisions": rules})
    settings = replace(installation(), catalogue=catalogue)

    def told_by(now: datetime) -> list[tuple[str, str]]:
        reminders.remind(installation=settings, now=now)
        rows = Notice.objects.order_by("pk").values_list("kind", "person__username")
        found = [(kind, name.partition("@")[0]) for kind, name in rows]
        Notice.objects.all().delete()
        return found

    assert told_by(at(26, 11, 59)) == []
    assert told_by(at(26, 12)) == [("reminder", "paula")]
    assert told_by(at(26, 17)) == []
    assert sorted(told_by(at(27, 11))) == [("escalation", "bob"), ("escalation", "paula")]
    assert (fresh(request).approvers, Reminder.objects.count()) == (["ml-leads"], 2)
    assert told_by(at(30, 17)) == []


@pytest.mark.django_db
def test_whom_nobody_can_tell_is_not_waited_for() -> None:
    """A group of which nobody has signed in hears nothing; the next are asked when it would have been reminded."""
    person("paula")
    joins("bob", "ml-leads")
    rules = installation().catalogue.decisions.model_copy(
        update={"approvers": ("ml-heads",), "remind_after": 4, "escalate_after": 1000, "escalate_to": ("ml-leads",)}
    )
    settings = replace(installation(), catalogue=installation().catalogue.model_copy(update={"decisions": rules}))
    request = asked()
    ProjectRequest.objects.filter(pk=request.pk).update(
        approvers=["ml-heads"], created_at=timezone.now() - timedelta(days=7)
    )
    Notice.objects.all().delete()
    reminders.remind(installation=settings, now=timezone.now())
    rows = Notice.objects.filter(kind="escalation").order_by("person__username")
    assert [(row.person.username.partition("@")[0], row.text.partition(". ")[2]) for row in rows] == [
        (name, "Nobody of ml-heads has signed in yet.") for name in ("bob", "paula")
    ]
    assert fresh(request).approvers == ["ml-heads", "ml-leads"]


@pytest.mark.django_db
def test_the_clock_begins_anew_with_an_answer_and_rests_while_the_asker_is_asked() -> None:
    request = asked()
    ProjectRequest.objects.filter(pk=request.pk).update(created_at=timezone.now() - timedelta(days=30))
    decisions.ask_for_changes(request, by=person("paula"), door=Door.FORM, text="What for?")
    assert reminders.remind(installation=installation(), now=timezone.now()) == 0
    decisions.comment(request, by=person("alice"), door=Door.FORM, text="For winter.")
    assert reminders.remind(installation=installation(), now=timezone.now()) == 0
    assert reminders.remind(installation=installation(), now=timezone.now() + timedelta(days=7)) == 1


@pytest.mark.django_db
def test_what_is_given_back_by_a_comment_is_reminded_of_and_escalated_once_more() -> None:
    paula, request, begun = person("paula"), asked(), timezone.now() - timedelta(days=60)
    ProjectRequest.objects.update(created_at=begun)

    def told_by(now: datetime) -> list[str]:
        Notice.objects.all().delete()
        reminders.remind(installation=installation(), now=now)
        return told("paula")

    assert told_by(begun + timedelta(days=14)) == ["reminder", "escalation"]
    decisions.ask_for_changes(request, by=paula, door=Door.FORM, text="What for?")
    decisions.comment(request, by=person("alice"), door=Door.FORM, text="For winter.")
    RequestComment.objects.filter(asks=True).update(at=begun + timedelta(days=15))
    RequestComment.objects.filter(asks=False).update(at=begun + timedelta(days=16))
    assert told_by(begun + timedelta(days=16)) == []
    assert told_by(begun + timedelta(days=30)) == ["reminder", "escalation"]
    assert told_by(begun + timedelta(days=31)) == []


@pytest.mark.django_db
@pytest.mark.parametrize("given_back", ["never", "answered", "in other words"])
def test_a_nudge_of_the_asker_postpones_nothing(given_back: str) -> None:
    alice, request, long_ago = person("alice"), asked(), timezone.now() - timedelta(days=30)
    if given_back != "never":
        decisions.ask_for_changes(request, by=person("paula"), door=Door.FORM, text="What for?")
    if given_back == "answered":
        decisions.comment(request, by=alice, door=Door.FORM, text="For winter.")
    if given_back == "in other words":
        data = {"slug": "demand", "team": "forecasting", "plan": "gpu", "title": "Winter"}
        decisions.revise(request, data, by=alice, door=Door.FORM, installation=installation())
    ProjectRequest.objects.update(created_at=long_ago)
    RequestRevision.objects.update(at=long_ago + timedelta(hours=2))
    RequestComment.objects.update(at=long_ago + timedelta(hours=1))
    decisions.comment(request, by=alice, door=Door.FORM, text="Any news?")
    assert reminders.remind(installation=installation(), now=timezone.now()) == 1


@pytest.mark.django_db
def test_what_somebody_said_before_they_joined_is_no_answer() -> None:
    alice, bob, now = person("alice"), person("bob"), timezone.now()
    project = demand(alice="owner", bob="owner")
    request = change_asked(project, alice, plan="gpu")
    decisions.ask_for_changes(request, by=person("paula"), door=Door.FORM, text="What for?")
    decisions.comment(request, by=bob, door=Door.FORM, text="For winter, I think.")
    ProjectRequest.objects.update(created_at=now - timedelta(days=30))
    RequestComment.objects.update(at=now - timedelta(days=20))
    assert change_asked(project, bob, plan="gpu") == request
    decisions.comment(request, by=alice, door=Door.FORM, text="For winter.")
    assert reminders.remind(installation=installation(), now=now) == 0
    assert reminders.remind(installation=installation(), now=now + timedelta(days=7)) == 1
