"""Mails of notices, through a real mail server on loopback."""

import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from devstack import certificates
from devstack.mail_sink import MailSink
from devstack.stack import Stack
from projects import mailing, notice_tasks, sending
from projects.installation import installation
from projects.models import ChatPost, Decision, Mailing, Notice, ProjectRequest
from projects.notices import announce
from tests.people import person
from tests.projects.asking import asked
from tests.projects.sink import mails, pass_window, running, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def sink(tmp_path: Path, settings: Any) -> Iterator[MailSink]:
    with running(folder=tmp_path, settings=settings) as server:
        yield server


def test_what_comes_close_together_is_one_mail_after_the_window(sink: MailSink) -> None:
    alice = person("alice")
    announce("comment", to=[alice], text="demand: bob asks why.")
    announce("request-decided", to=[alice, person("bob")], but=person("bob"), text="demand is approved.")
    assert mailing.send_due(installation=installation()) == 0
    pass_window()
    assert mailing.send_due(installation=installation()) == 1
    assert mailing.send_due(installation=installation()) == 0
    (mail,) = mails(sink)
    assert (mail["To"], mail["Subject"]) == ("alice@corp.example", "Slipway: 2 notices")
    assert (mail["Auto-Submitted"], mail["List-Id"]) == ("auto-generated", "Slipway <notices.localhost>")
    assert "- demand: bob asks why.\n" in text(mail)
    assert "- demand is approved.\n" in text(mail)
    assert f"{installation().public_url}/account/notifications/\n" in text(mail)
    assert Notice.objects.filter(sent_at=None).count() == 0


def test_an_urgent_one_takes_along_what_waits(sink: MailSink) -> None:
    announce("comment", to=[person("alice")], text="demand: bob asks why.")
    announce("suspended", to=[person("alice")], text="demand is suspended.")
    assert mailing.send_due(installation=installation()) == 1
    assert [mail["Subject"] for mail in mails(sink)] == ["Slipway: 2 notices"]


def test_after_a_death_between_sending_and_noting_it_the_same_mail_comes_again(sink: MailSink) -> None:
    announce("suspended", to=[person("alice")], text="demand is suspended.")
    mailing.send_due(installation=installation())
    # The worker died before it wrote that the mail was sent: only the lease holds it back.
    later = timezone.now() + sending.LEASE
    Mailing.objects.update(sent_at=None, next_try_at=later)
    Notice.objects.update(sent_at=None)
    assert mailing.claim(now=timezone.now()) is None
    Mailing.objects.update(next_try_at=timezone.now())
    assert mailing.send_due(installation=installation()) == 1
    first, second = mails(sink)
    assert first["Message-ID"] == second["Message-ID"] == Mailing.objects.get().message_id


@pytest.mark.parametrize(
    "said",
    [
        "a\r\nBcc: eve@evil.example",
        "a\nBcc: eve@evil.example",
        "a\u2028Bcc: eve@evil.example",
        "a\x00b\u202e",
        "ä" * 500,
    ],
)
def test_no_text_becomes_a_header(sink: MailSink, said: str) -> None:
    announce("suspended", to=[person("alice")], text=said.replace("\x00", "\x01"))
    assert mailing.send_due(installation=installation()) == 1
    (mail,) = mails(sink)
    assert (mail["Bcc"], mail["To"]) == (None, "alice@corp.example")
    assert str(mail["Subject"]).isprintable()


@pytest.mark.parametrize("address", ["", "alice", "a@b.example\nBcc: eve@evil.example", "Alice <a@b.example>"])
def test_an_account_without_a_usable_address_is_noted(sink: MailSink, address: str) -> None:
    alice = person("alice")
    type(alice).objects.filter(pk=alice.pk).update(email=address)
    announce("suspended", to=[alice], text="demand is suspended.")
    assert mailing.send_due(installation=installation()) == 0
    assert mails(sink) == []
    assert Mailing.objects.get().why == "The account has no usable mail address."


def test_an_outage_loses_nothing_and_ends_the_round(sink: MailSink, settings: Any) -> None:
    port = settings.EMAIL_PORT
    settings.EMAIL_PORT = 1
    announce("suspended", to=[person("alice"), person("bob")], text="demand is suspended.")
    assert mailing.send_due(installation=installation()) == 0
    assert sorted(Mailing.objects.values_list("tries", flat=True)) == [0, 1]
    assert Mailing.objects.get(tries=1).why == "The mail server does not answer (ConnectionRefusedError)."
    settings.EMAIL_PORT = port
    Mailing.objects.update(next_try_at=timezone.now())
    assert mailing.send_due(installation=installation()) == 2
    assert sorted(mail["To"] for mail in mails(sink)) == ["alice@corp.example", "bob@corp.example"]


def test_a_mail_refused_for_now_waits_and_one_refused_for_good_is_given_up(sink: MailSink) -> None:
    announce("suspended", to=[person("alice")], text="demand is suspended.")
    sink.refuse = "451 later"
    assert mailing.send_due(installation=installation()) == 0
    row = Mailing.objects.get()
    assert (row.given_up_at, row.why) == (None, "The mail server refuses the mail for now (451).")
    Mailing.objects.update(next_try_at=timezone.now(), made_at=timezone.now() - timedelta(days=1))
    mailing.send_due(installation=installation())
    assert Mailing.objects.get().why == "The mail server refuses the mail for now (451). It was tried for a day."
    sink.refuse = "554 never"
    announce("suspended", to=[person("bob")], text="demand is suspended.")
    mailing.send_due(installation=installation())
    newest = Mailing.objects.first()
    assert newest is not None
    assert (newest.given_up_at is None, newest.why) == (False, "The mail server refuses the mail (554).")
    assert mails(sink) == []


def test_who_may_not_see_the_request_when_it_is_sent_hears_nothing(sink: MailSink) -> None:
    request = asked()
    Notice.objects.all().delete()
    announce("comment", to=[person("charlie"), person("bob")], text="demand: why so large?", request=request)
    person("bob").groups.clear()
    pass_window()
    assert mailing.send_due(installation=installation()) == 0
    assert set(Mailing.objects.values_list("why", flat=True)) == {"Nothing in it is for this person any more."}


def test_a_decided_request_waits_for_nobody(sink: MailSink) -> None:
    person("paula")
    request = asked()
    pass_window()
    ProjectRequest.objects.filter(pk=request.pk).update(decision=Decision.REJECTED, decided_at=timezone.now())
    assert mailing.send_due(installation=installation()) == 0
    assert mails(sink) == []


def test_without_a_mail_server_nothing_is_made() -> None:
    announce("suspended", to=[person("alice")], text="demand is suspended.")
    assert mailing.send_due(installation=replace(installation(), mail_from="")) == 0
    assert Mailing.objects.count() == 0


def test_a_mail_server_with_tls_and_a_password(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates.ensure(Stack(name="try", folder=_folder(tmp_path)))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "tls" / "server.pem", tmp_path / "tls" / "server.key")
    with running(folder=tmp_path, settings=settings, tls=tls, password="portal:password-1") as server:
        settings.EMAIL_HOST, settings.EMAIL_USE_TLS, settings.EMAIL_TIMEOUT = "localhost", True, 5
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "portal", "password-1"
        announce("suspended", to=[person("alice")], text="demand is suspended.")
        # Its authority is unknown: nothing is said to it, the password least of all.
        assert mailing.send_due(installation=installation()) == 0
        assert Mailing.objects.get().why == "The mail server does not answer (SSLCertVerificationError)."
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tls" / "ca.pem"))
        settings.EMAIL_HOST_PASSWORD = "pässword"
        _due()
        assert mailing.send_due(installation=installation()) == 0
        said = "The password of the mail server's account has letters that can't be sent. Choose another."
        assert Mailing.objects.get().why == said
        settings.EMAIL_HOST_PASSWORD = "wrong"
        _due()
        assert mailing.send_due(installation=installation()) == 0
        assert Mailing.objects.get().why == "The mail server refuses us (535)."
        settings.EMAIL_HOST_PASSWORD = "password-1"
        _due()
        assert mailing.send_due(installation=installation()) == 1
        assert [mail["To"] for mail in mails(server)] == ["alice@corp.example"]


def _folder(folder: Path) -> Path:
    (folder / "tls").mkdir()
    return folder


def _due() -> None:
    Mailing.objects.update(next_try_at=timezone.now())


def test_what_is_old_is_forgotten_and_nothing_else(sink: MailSink) -> None:
    announce("suspended", to=[person("alice"), person("bob")], text="demand is suspended.")
    mailing.send_due(installation=installation())
    ChatPost.objects.create(
        channel="platform", kind="suspended", text="Old.", made_at=timezone.now() - timedelta(days=91)
    )
    ChatPost.objects.create(channel="platform", kind="suspended", text="New.")
    old = {"person": person("alice")}
    long_ago = timezone.now() - timedelta(days=91)
    Notice.objects.filter(**old).update(created_at=long_ago)
    Mailing.objects.filter(**old).update(made_at=long_ago)
    notice_tasks.forget_notices()
    assert [row.person for row in Notice.objects.all()] == [person("bob")]
    assert [row.person for row in Mailing.objects.all()] == [person("bob")]
    assert [row.text for row in ChatPost.objects.all()] == ["New."]
    assert len(mails(sink)) == 2
