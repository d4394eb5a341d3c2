"""Choosing what is mailed, on the page and over REST, and what comes of it."""

from collections.abc import Iterator
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from devstack.mail_sink import MailSink
from portal.models import User
from projects import mailing, reminders, stand_ins
from projects.installation import installation
from projects.mail_choices import MailWish, Mute, choose, chosen_by
from projects.models import Door, Notice
from projects.news import NEWS
from projects.notices import announce
from projects.today import today
from tests.people import bearer, client, person, team
from tests.projects.asking import asked, joins, leads_decide
from tests.projects.pages import ask, fields, project_of
from tests.projects.sink import mails, pass_window, running, text

pytestmark = pytest.mark.django_db
API = "/api/v1/me/notifications/"
USUAL = {kind: news.usual for kind, news in NEWS.items() if not news.asks}
LATER = date(2099, 1, 1)


@pytest.fixture
def sink(tmp_path: Path, settings: Any) -> Iterator[MailSink]:
    with running(folder=tmp_path, settings=settings) as server:
        yield server


def chosen(name: str, **wish: Any) -> None:
    choose(MailWish(**{"zone": "UTC", **wish}), by=person(name), door=Door.FORM, installation=installation())


def test_who_chose_nothing_gets_everything_at_once() -> None:
    assert chosen_by(person("alice")) == MailWish(zone="UTC", kinds=USUAL)


def test_what_is_muted_stands_on_the_page_only(sink: MailSink) -> None:
    team("forecasting")
    project = project_of(ask("demand"))
    chosen("alice", muted_projects=[Mute(project="demand", until=LATER)])
    announce("suspended", to=[person("alice")], text="demand is suspended.", project=project)
    announce("suspended", to=[person("alice")], text="Something else is suspended.")
    assert mailing.send_due(installation=installation()) == 1
    assert [mail["Subject"] for mail in mails(sink)] == ["Slipway: Something else is suspended."]
    assert Notice.objects.filter(text="demand is suspended.", mail_at=None, sent_at=None).exists()


def test_a_daily_mail_holds_what_came_since_the_last(sink: MailSink) -> None:
    chosen("alice", zone="Asia/Tokyo", kinds={"comment": "digest", "suspended": "digest"})
    for number in range(3):
        announce("comment", to=[person("alice")], text=f"bob asks {number}.")
    announce("suspended", to=[person("alice")], text="demand is suspended.")
    assert mailing.send_due(installation=installation()) == 0
    (at,) = set(Notice.objects.values_list("mail_at", flat=True))
    assert at is not None
    assert (at.astimezone(UTC).hour, at > timezone.now()) == (23, True)
    pass_window()
    assert mailing.send_due(installation=installation()) == 1
    (mail,) = mails(sink)
    assert mail["Subject"] == "Slipway: 4 notices"
    assert all(f"bob asks {number}." in text(mail) for number in range(3))


def test_a_choice_holds_for_what_waits_already(sink: MailSink) -> None:
    announce("comment", to=[person("alice")], text="bob asks.")
    chosen("alice", muted_until=LATER)
    pass_window()
    assert mailing.send_due(installation=installation()) == 0
    assert mails(sink) == []
    chosen("alice", kinds={"comment": "digest"})
    announce("comment", to=[person("alice")], text="bob asks again.")
    chosen("alice")
    waits = Notice.objects.get(text="bob asks again.").mail_at
    assert waits is not None
    assert waits <= timezone.now() + timedelta(minutes=2)


def test_what_waits_for_a_decision_is_muted_by_a_stand_in_only() -> None:
    paula = person("paula")
    chosen("paula", muted_until=LATER)
    first = asked("demand")
    assert Notice.objects.get(request=first, person=paula).mail_at is not None
    day = today()
    person("bob")
    stand_ins.name("bob@corp.example", begins=day, ends=day, by=paula, door=Door.FORM, installation=installation())
    second = asked("supply", who="alice")
    told = Notice.objects.filter(request=second, kind="request-waits")
    assert {row.person.username: row.mail_at is None for row in told.select_related("person")} == {
        "paula@corp.example": True,
        "bob@corp.example": False,
    }


def test_a_stand_in_who_asks_leaves_it_to_who_is_away() -> None:
    lead, alice, day = joins("charlie", "ml-leads"), person("alice"), today()
    with leads_decide():
        stand_ins.name(alice.username, begins=day, ends=day, by=lead, door=Door.FORM, installation=installation())
        request = asked(who="alice")
        reminders.remind(installation=installation(), now=timezone.now() + timedelta(days=90))
    told = Notice.objects.filter(request=request).select_related("person").order_by("pk")
    assert [(row.person, row.kind, row.mail_at is not None) for row in told] == [
        (lead, kind, True) for kind in ("request-waits", "reminder", "escalation")
    ]


def test_other_mails_chosen_while_a_stand_in_decides_leave_what_waits_to_be_mailed() -> None:
    paula, day = person("paula"), today()
    person("bob")
    request = asked()
    stand_ins.name("bob@corp.example", begins=day, ends=day, by=paula, door=Door.FORM, installation=installation())
    chosen("paula", kinds={"comment": "never"})
    # bob was not told: he was nobody's stand-in then.
    assert Notice.objects.get(request=request).mail_at is not None


def test_the_page_keeps_what_was_chosen() -> None:
    team("forecasting")
    ask("demand")
    alice = client("alice")
    alice.cookies["browser_zone"] = "Europe/Stockholm"
    page = alice.get("/account/notifications/?project=demand")
    sent: dict[str, Any] = fields(page, holding="zone")
    assert (sent["zone"], sent["mute-project"]) == (["Europe/Stockholm"], ["demand"])
    sent |= {"kind-comment": "never", "mute-until": "2099-01-01", "muted_until": "2099-02-01"}
    answer = alice.post("/account/notifications/", sent)
    assert (answer.status_code, answer["Location"]) == (302, "/account/notifications/?saved=1")
    assert chosen_by(person("alice")) == MailWish(
        zone="Europe/Stockholm",
        kinds={**USUAL, "comment": "never"},
        muted_until=date(2099, 2, 1),
        muted_projects=[Mute(project="demand", until=LATER)],
    )
    saved = alice.get(answer["Location"]).content.decode()
    assert "Saved. It applies at once" in saved
    assert 'value="2099-01-01"' in saved


def test_all_faults_of_the_form_are_said_at_once() -> None:
    team("forecasting")
    ask("demand")
    sent = {
        "zone": "Mars/Olympus",
        "kind-comment": "sometimes",
        "muted_until": "2020-01-01",
        "mute-project": ["demand", "secret"],
        "mute-until": ["", "2099-01-01"],
    }
    page = client("alice").post("/account/notifications/", {**sent, "kind-comment": "never"})
    assert page.status_code == 422
    said = page.content.decode()
    for anchor in ("#zone", "#muted_until", "#mute-project-1"):
        assert f'href="{anchor}"' in said
    assert "Nothing here that you can see is called secret." in said
    assert client("alice").post("/account/notifications/", sent).status_code == 422
    assert chosen_by(person("alice")).kinds == USUAL


def test_a_stranger_mutes_nothing_and_learns_nothing() -> None:
    team("forecasting")
    ask("demand")
    wish = {"zone": "UTC", "muted_projects": [{"project": "demand", "until": "2099-01-01"}]}
    there = bearer("charlie").put(API, wish, content_type="application/json")
    wish["muted_projects"][0]["project"] = "nothing"  # type: ignore[index]
    nowhere = bearer("charlie").put(API, wish, content_type="application/json")
    assert (there.status_code, nowhere.status_code) == (422, 422)
    assert there.json()["errors"][0]["message"].replace("demand", "nothing") == nowhere.json()["errors"][0]["message"]


def test_the_api_keeps_the_whole_choice() -> None:
    team("forecasting")
    ask("demand")
    wish = {
        "zone": "Europe/Stockholm",
        "kinds": {"ends": "digest"},
        "muted_projects": [{"project": "Demand", "until": "2099-01-01"}],
    }
    put = bearer("alice").put(API, wish, content_type="application/json")
    expected = {
        "zone": "Europe/Stockholm",
        "kinds": {**USUAL, "ends": "digest"},
        "muted_until": None,
        "muted_projects": [{"project": "demand", "until": "2099-01-01"}],
    }
    assert (put.status_code, put.json()) == (200, expected)
    assert bearer("alice").get(API).json() == expected
    refused = bearer("alice").put(
        API,
        {"zone": "UTC", "kinds": {"reminder": "never"}, "muted_until": "2020-01-01"},
        content_type="application/json",
    )
    assert refused.status_code == 422
    assert [(one["field"], one["code"]) for one in refused.json()["errors"]] == [
        ("kinds.reminder", "asks"),
        ("muted_until", "past"),
    ]


def test_a_project_that_is_out_of_sight_is_not_shown() -> None:
    team("forecasting")
    ask("demand")
    chosen("bob", muted_projects=[Mute(project="demand", until=LATER)])
    assert chosen_by(person("bob")).muted_projects == [Mute(project="demand", until=LATER)]
    person("bob").groups.clear()
    assert chosen_by(User.objects.get(username="bob@corp.example")).muted_projects == []
