"""Sending what people are to be told: notices of one person that come close together are one mail.

A mail's row is made first, then the mail is sent, then the row says so; no transaction is open while it is sent. A
worker that dies in between sends it once more, with the same Message-ID: at least once, never silently not at all.
What waits too long for a mail server is given up after a day, with a reason on the row.
"""

import smtplib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

import structlog
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import timezone

from projects import permissions
from projects.installation import Installation
from projects.mail_text import compose, language_of, message_id, usable_address
from projects.models import ChatPost, ConsentState, Decision, Mailing, Notice
from projects.news import is_over
from projects.sending import LEASE, give_up, not_now

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)

AT_MOST = 200
OLD_NEWS = timedelta(days=2)
_NO_ADDRESS = "The account has no usable mail address."
_NOTHING_LEFT = "Nothing in it is for this person any more."


class _Refused(Exception):
    """The mail server will never take this mail. The message says why."""


class _Later(Exception):
    """The mail server does not take this mail now."""


class _Silent(Exception):
    """The mail server takes nothing at all now."""


def send_due(*, installation: Installation) -> int:
    """Make mails of what is due and send those whose time has come, at most a roundful. Returns how many were sent."""
    if not installation.mail_from:
        return 0
    gather(now=timezone.now(), installation=installation)
    sent = 0
    connection = get_connection()
    try:
        for _ in range(AT_MOST):
            mailing = claim(now=timezone.now())
            if mailing is None:
                break
            try:
                sent += _send(mailing, connection, installation=installation)
            except _Silent as error:
                # It would say so for each of the others too, after its time-out.
                not_now(mailing, str(error))
                break
    finally:
        connection.close()
    return sent


def gather(*, now: datetime, installation: Installation) -> int:
    """Make one mail for each person who has a notice whose time has come; what comes close after it is in it.

    Returns how many were made. What nobody could send for days is no news any more and stays on the page only.
    """
    waiting = Notice.objects.filter(mailing=None, sent_at=None, mail_at__gt=now - OLD_NEWS)
    people = waiting.filter(mail_at__lte=now).order_by("person").values_list("person", flat=True).distinct()
    made = 0
    for person in list(people):
        with transaction.atomic():
            rows = waiting.filter(person=person, mail_at__lte=now + installation.mail_window)
            keys = list(rows.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True))
            if keys:
                number = message_id(keys, public_url=installation.public_url)
                mailing = Mailing.objects.create(person_id=person, message_id=number, made_at=now, next_try_at=now)
                Notice.objects.filter(pk__in=keys).update(mailing=mailing)
                made += 1
    return made


def claim(*, now: datetime) -> Mailing | None:
    """Take the mail that waits longest; nobody else gets it within the lease. None when none is due."""
    with transaction.atomic():
        due = Mailing.objects.filter(sent_at=None, given_up_at=None, next_try_at__lte=now)
        row = due.select_for_update(skip_locked=True).order_by("next_try_at", "pk").first()
        if row is None:
            return None
        row.tries += 1
        row.next_try_at = now + LEASE
        row.save(update_fields=["tries", "next_try_at"])
    return row


def _send(mailing: Mailing, connection: BaseEmailBackend, *, installation: Installation) -> bool:
    """Send one claimed mail. False when it was not sent; its row says why. Raises _Silent."""
    # Read anew: groups and address may have changed since the notices were written.
    person = cast("Person", mailing.person)
    notices = still_for(person, mailing)
    if not notices:
        give_up(mailing, _NOTHING_LEFT)
        return False
    address = usable_address(person)
    if not address:
        give_up(mailing, _NO_ADDRESS)
        return False
    mail = compose(
        notices, to=address, language=language_of(person), number=mailing.message_id, installation=installation
    )
    try:
        _hand_over(mail, connection)
    except _Refused as error:
        give_up(mailing, str(error))
        return False
    except _Later as error:
        not_now(mailing, str(error))
        return False
    now = timezone.now()
    with transaction.atomic():
        Mailing.objects.filter(pk=mailing.pk).update(sent_at=now, why="")
        Notice.objects.filter(pk__in=[one.pk for one in notices]).update(sent_at=now)
    log.info("mailed", mailing=mailing.pk, notices=len(notices), tries=mailing.tries)
    return True


def still_for(person: "Person", mailing: Mailing) -> list[Notice]:
    """Those of the mail that the person may still see, and that are still so, oldest first."""
    return [one for one in permissions.visible_notices(person).filter(mailing=mailing).order_by("pk") if _holds(one)]


def _holds(notice: Notice) -> bool:
    request, consent = notice.request, notice.consent
    if consent is not None:
        return not is_over(notice.kind, pending=consent.state == ConsentState.ASKED)
    return request is None or not is_over(notice.kind, pending=request.decision == Decision.PENDING)


def _hand_over(mail: object, connection: BaseEmailBackend) -> None:
    """Give the mail to the server. Raises _Refused, _Later or _Silent; texts name codes only, never what it said."""
    try:
        connection.open()
        connection.send_messages([mail])  # type: ignore[list-item]
        return
    except smtplib.SMTPRecipientsRefused as error:
        code = max(code for code, _ in error.recipients.values())
        fault: Exception = _answer(code, "The mail server refuses the address")
    except smtplib.SMTPDataError as error:
        fault = _answer(error.smtp_code, "The mail server refuses the mail")
    except smtplib.SMTPResponseException as error:
        fault = _Silent(f"The mail server refuses us ({error.smtp_code}).")
    except UnicodeEncodeError:
        # Python's SMTP signs in with ASCII only.
        fault = _Silent("The password of the mail server's account has letters that can't be sent. Choose another.")
    except OSError as error:
        fault = _Silent(f"The mail server does not answer ({type(error).__name__}).")
    # What state the conversation is in isn't known: the next mail begins a new one.
    connection.close()
    raise fault


def _answer(code: int, said: str) -> _Refused | _Later:
    return _Refused(f"{said} ({code}).") if code >= 500 else _Later(f"{said} for now ({code}).")


def forget_old(*, now: datetime, after: timedelta = timedelta(days=90)) -> None:
    """Notices, mails and chat posts older than this are gone."""
    Notice.objects.filter(created_at__lt=now - after).delete()
    for sent in (Mailing, ChatPost):
        sent.objects.filter(made_at__lt=now - after).delete()
