"""Seeing the portal as somebody else, to understand what that person reports: read-only, short, recorded and told.

Only the platform team may, with a reason, for half an hour, and never as somebody of the platform team. What is refused
meanwhile is decided by the middleware (`portal.see_as`); who saw as whom is kept here.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, cast

import structlog
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from projects import permissions
from projects.audit import audited
from projects.errors import Fault, InvalidSpec, NotFound
from projects.exports import Record
from projects.list_address import Listed
from projects.models import Door, SeenAs
from projects.notices import announce
from projects.sorting import BY_ID
from provisioning.phrases import phrase

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)

SESSION_KEY = "see_as"
"""In the session of who sees: the number of the row."""
COLUMNS = ("number", "by", "seen", "because", "began_at", "over_at")
"""What the record has as a file."""
LONGEST = timedelta(minutes=30)


def begin(account: str, *, by: "Person", because: str) -> SeenAs:
    """See as the person of this account from now on. Raises NotFound for others than the platform team, InvalidSpec."""
    if not permissions.is_platform_admin(by):
        raise NotFound
    account = account.strip().lower()
    person = cast("Person | None", get_user_model().objects.filter(username=account).first())
    faults = []
    if sentence := _refusal(person, account, by=by):
        faults.append(Fault(path=("account",), code="not_possible", message=sentence))
    if not because.strip():
        message = gettext("Say why. The person you see as reads it.")
        faults.append(Fault(path=("because",), code="missing", message=message))
    if faults or person is None:
        raise InvalidSpec(faults)
    now = timezone.now()
    with audited(actor=by.username, door=Door.FORM, because=because.strip()), transaction.atomic():
        SeenAs.objects.filter(by_id=by.pk, ended_at=None).update(ended_at=now)
        row = SeenAs.objects.create(
            by_id=by.pk,
            by_name=by.username,
            seen_id=person.pk,
            seen_name=person.username,
            because=because.strip(),
            began_at=now,
            until=now + LONGEST,
        )
        minutes = int(LONGEST.total_seconds() // 60)
        text = phrase(
            "%(who)s of the platform team sees the portal as you, read-only, for at most %(minutes)s minutes. Reason: "
            "%(because)s",
            who=by.username,
            minutes=minutes,
            because=row.because,
        )
        announce("seen-as", to=[person], but=by, text=text)
    log.info("see_as_began", by=by.username, seen=person.username)
    return row


def _refusal(person: "Person | None", account: str, *, by: "Person") -> str:
    """Why it can't be this person; "" when it can."""
    if person is None:
        if not account:
            return gettext("Name the account.")
        return gettext("Nobody with the account %(account)s has signed in here yet.") % {"account": account}
    if person.pk == by.pk:
        return gettext("That is you.")
    if permissions.is_platform_admin(person):
        return gettext("%(who)s is of the platform team, and nobody sees as one of them.") % {"who": person.username}
    if not person.is_active:
        return gettext("%(who)s can't sign in any more, so there is nothing to see.") % {"who": person.username}
    return ""


def current(number: int, *, by: "Person") -> SeenAs | None:
    """The row, as long as it counts: begun by this person, not ended, within its time, and both may still.

    Asked at each request: who was taken out of the platform team sees nothing more as somebody else, and nobody is
    seen as who has joined it.
    """
    if not permissions.is_platform_admin(by):
        return None
    rows = SeenAs.objects.filter(pk=number, by_id=by.pk, ended_at=None, until__gt=timezone.now())
    row = rows.select_related("seen").first()
    if row is None or _refusal(cast("Person", row.seen), "", by=by):
        return None
    return row


def end(*, by: "Person") -> None:
    """Be oneself again, in every session. Does nothing when nobody was seen."""
    with audited(actor=by.username, door=Door.FORM), transaction.atomic():
        ended = SeenAs.objects.filter(by_id=by.pk, ended_at=None).update(ended_at=timezone.now())
    if ended:
        log.info("see_as_ended", by=by.username)


def of_person(person: "Person") -> QuerySet[SeenAs]:
    """Who has seen the portal as this person, newest first."""
    return SeenAs.objects.filter(seen_id=person.pk)


def record(row: SeenAs) -> Record:
    """One row as API and files carry it."""
    return {
        "number": row.pk,
        "by": row.by_name,
        "seen": row.seen_name,
        "because": row.because,
        "began_at": row.began_at,
        "over_at": row.over_at,
    }


LIST = Listed((BY_ID,), COLUMNS, record)
