"""The mail server of tests of mails, and what it took."""

import email
import email.policy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from devstack.mail_sink import MailSink
from projects.installation import installation
from projects.models import Notice


@contextmanager
def running(*, folder: Path, settings: Any, **asks: Any) -> Iterator[MailSink]:
    """A sink on loopback to which Slipway mails. asks: for TLS, a password."""
    with MailSink(folder=folder, **asks) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.INSTALLATION = replace(installation(), mail_from="Slipway <slipway@corp.example>")
        yield server
        server.shutdown()


def mails(sink: MailSink) -> list[EmailMessage]:
    """What it took, in order."""
    files = sorted(sink.folder.glob("*.eml"))
    return [email.message_from_bytes(one.read_bytes(), policy=email.policy.default) for one in files]


def text(mail: EmailMessage) -> str:
    """The plain part."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def pass_window() -> None:
    """As if the time for which notices wait for each other had passed."""
    for row in Notice.objects.exclude(mail_at=None):
        Notice.objects.filter(pk=row.pk).update(mail_at=row.created_at - timedelta(seconds=1))
