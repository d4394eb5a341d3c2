"""Each is told in their own language: mails and the page of notices. Rows, the API and channels stay English."""

import html
import re
from collections.abc import Iterator
from datetime import date
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from devstack.mail_sink import MailSink
from portal.models import User
from projects import decisions, mailing
from projects.dates import ahead
from projects.installation import installation
from projects.models import Door, Notice
from projects.notices import announce
from projects.phrases import translated
from provisioning.phrases import phrase
from provisioning.policy_rules import Rule
from tests.people import bearer, client, person
from tests.projects.asking import asked
from tests.projects.catalogues import catalogue_with
from tests.projects.sink import mails, pass_window, running, text

pytestmark = pytest.mark.django_db
READY = phrase("%(slug)s is ready. Its page says how to use it.", slug="demand")


@pytest.fixture
def sink(tmp_path: Path, settings: Any) -> Iterator[MailSink]:
    with running(folder=tmp_path, settings=settings) as server:
        yield server


def speaks(name: str, language: str = "sv") -> User:
    """Somebody who chose a language on a page."""
    found = person(name)
    User.objects.filter(pk=found.pk).update(language=language)
    return person(name)


def sent(sink: MailSink) -> dict[str, EmailMessage]:
    """What is sent now, by whom it goes to."""
    pass_window()
    mailing.send_due(installation=installation())
    return {mail["To"].partition("@")[0]: mail for mail in mails(sink)}


def marked_up(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return html.unescape(re.sub(r"\s+", " ", part.get_content()))


def test_one_piece_of_news_is_mailed_to_each_in_their_language(sink: MailSink) -> None:
    announce("ready", to=[speaks("alice"), person("bob"), speaks("paula", "de")], text=READY)
    found = sent(sink)
    assert {name: (str(mail["Subject"]).strip(), mail["Content-Language"]) for name, mail in found.items()} == {
        "alice": ("Slipway: demand är klart. Dess sida säger hur du använder det.", "sv"),
        "bob": ("Slipway: demand is ready. Its page says how to use it.", "en-gb"),
        "paula": ("Slipway: demand is ready. Its page says how to use it.", "en-gb"),
    }
    assert text(found["alice"]).rstrip("\n") == (
        "- demand är klart. Dess sida säger hur du använder det.\n\n"
        "-- \n"
        "Slipway skickar detta bara till dig. Svar till den här adressen läses inte.\n"
        f"Vad som mejlas till dig väljer du själv: {installation().public_url}/account/notifications/"
    )
    assert '<html lang="sv">' in marked_up(found["alice"])
    assert "demand är klart." in marked_up(found["alice"])
    assert '<html lang="en-gb">' in marked_up(found["bob"])


def test_several_together_are_counted_in_that_language_too(sink: MailSink) -> None:
    request = asked(who="alice")
    speaks("alice")
    decisions.ask_for_changes(request, by=speaks("paula"), door=Door.FORM, text="Is large enough?")
    decisions.approve(request, by=person("paula"), door=Door.FORM, installation=installation())
    mail = sent(sink)["alice"]
    assert mail["Subject"] == "Slipway: 2 aviseringar"
    said = text(mail)
    assert "- paula@corp.example ber dig ändra din begäran om demand: Is large enough?\n" in said
    assert "- paula@corp.example godkände din begäran om demand.\n" in said
    assert f"  {installation().public_url}/requests/{request.pk}/\n" in said


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        ({"sv": "{team} vill ha {gpus} GPU:er."}, "forecasting vill ha 4 GPU:er."),
        ({}, "forecasting wants 4 GPUs."),
        ({"de": "{team} will {gpus} GPUs."}, "forecasting wants 4 GPUs."),
    ],
)
def test_who_decides_reads_what_is_asked_and_the_catalogue_s_own_sentence(
    sink: MailSink, beside: dict[str, str], said: str
) -> None:
    rule = {"name": "gpu", "decision": "ask", "because": "{team} wants {gpus} GPUs.", "because_in": beside}
    with catalogue_with(policy=(Rule.model_validate(rule),)):
        speaks("paula")
        request = asked()
        assert f"- alice@corp.example ber om att skapa demand. Regel gpu: {said}\n" in text(sent(sink)["paula"])
        browser = client("paula", language="sv")
        for path in ("/", f"/requests/{request.pk}/", "/requests/", "/account/notices/"):
            assert said in browser.get(path).content.decode(), path
        team_page = browser.get("/teams/forecasting/").content.decode()
    assert said.replace("4", "…") in team_page
    assert request.because == "forecasting wants 4 GPUs."
    found = bearer("paula").get(f"/api/v1/requests/{request.pk}/", headers={"Accept-Language": "sv"}).json()
    assert found["because"] == request.because


def test_the_page_is_in_its_own_language_and_programs_read_english() -> None:
    request, values = asked(), {"who": "bob@corp.example", "slug": "demand", "what": "Why <b>?"}
    text = phrase("%(who)s about %(slug)s: %(what)s", **values)
    announce("comment", to=[speaks("paula")], text=text, request=request)
    browser = client("paula")
    english = "bob@corp.example about demand: Why &lt;b&gt;?"
    assert english in browser.get("/account/notices/").content.decode()
    browser.cookies["language"] = "sv"
    page = browser.get("/account/notices/").content.decode()
    assert "bob@corp.example om demand: Why &lt;b&gt;?" in page
    assert english not in page
    for answer in (bearer("paula").get("/api/v1/me/notices/"), browser.get("/account/notices/?format=csv")):
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert b"bob@corp.example about demand: Why <b>?" in body


def test_what_was_written_without_a_phrase_or_changed_since_is_quoted(sink: MailSink) -> None:
    announce("ready", to=[speaks("alice")], text=READY)
    Notice.objects.create(person=person("alice"), kind="ready", text="supply is ready.", mail_at=None)
    browser = client("alice", language="sv")
    page = browser.get("/account/notices/").content.decode()
    assert "supply is ready." in page
    assert "demand är klart." in page
    Notice.objects.filter(text=READY).update(text="demand was ready.")
    assert "demand was ready." in browser.get("/account/notices/").content.decode()


@pytest.mark.parametrize(
    ("day", "english"),
    [(1, "today"), (2, "tomorrow"), (3, "in 2 days, on 2026-12-03"), (8, "in 7 days, on 2026-12-08")],
)
def test_when_something_comes(day: int, english: str) -> None:
    assert translated(ahead(date(2026, 12, day), today=date(2026, 12, 1))) == english
