"""What mails and chat posts have in common: claimed for a while, tried again with longer and longer pauses, given up.

Whoever sends claims a row first, sends without a transaction, and notes the outcome. One that dies in between is found
by the next after the lease, so that everything is sent at least once.
"""

from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from django.utils import timezone

from projects.models import Sending
from projects.phrases import kept_too
from provisioning.outcomes import backoff
from provisioning.phrases import joined, phrase

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=15)
GIVEN_UP_AFTER = timedelta(days=1)
Row = TypeVar("Row", bound=Sending)


def pause_after(
    tries: int, *, told: float | None = None, first: timedelta = FIRST_PAUSE, longest: timedelta = LONGEST_PAUSE
) -> timedelta:
    """How long to wait after so many tries that came to nothing: as long as we were told, else longer and longer."""
    if told is not None:
        return timedelta(seconds=told)
    return timedelta(seconds=backoff(failures=tries, first=first.total_seconds(), longest=longest.total_seconds()))


def not_now(row: Sending, why: str, *, pause: timedelta | None = None) -> None:
    """It was not taken: try again after the pause, or give it up when that has gone on for a day."""
    now = timezone.now()
    if now - row.made_at >= GIVEN_UP_AFTER:
        give_up(row, joined(" ", [why, phrase("It was tried for a day.")]))
        return
    next_try = now + (pause or pause_after(row.tries))
    _note(row, why, next_try_at=next_try)
    log.warning("sending_waits", what=row._meta.model_name, row=row.pk, tries=row.tries, why=why)


def give_up(row: Sending, why: str) -> None:
    """It will never be sent, for the reason on the row."""
    _note(row, why, given_up_at=timezone.now())
    log.warning("sending_given_up", what=row._meta.model_name, row=row.pk, why=why)


def _note(row: Sending, why: str, **moved: datetime) -> None:
    how = kept_too(row, why=why)
    type(row)._default_manager.filter(pk=row.pk).update(why=why, phrases=how, **moved)
