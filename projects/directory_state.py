"""How the sync with the directory goes: kept by the sync, told to the platform team's pages, API and figures."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db.models import F
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from projects.installation import installation
from projects.models import DirectoryState
from projects.phrases import as_kept, kept
from provisioning.conditions import Word

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class DirectoryStatus:
    """How old what we know of the directory is, how much that is, and what is wrong, if anything.

    `message` is a phrase where it was kept as one.
    """

    source: str
    title: str
    complete_at: datetime | None
    failing_since: datetime | None
    people: int
    groups: int
    message: str
    needs_person: bool

    @property
    def word(self) -> str:
        """The one word that pages say of it."""
        if self.failing_since is None:
            return "Answering" if self.complete_at else Word.WAITING
        return Word.ATTENTION if self.needs_person else "Not answering"


def directory_status() -> DirectoryStatus | None:
    """The state of the directory that the catalogue names; None when it names none."""
    target = installation().catalogue.directory
    if target is None:
        return None
    row = DirectoryState.objects.filter(source=target.name).first() or DirectoryState(source=target.name)
    return DirectoryStatus(
        source=target.name,
        title=target.title or target.name,
        complete_at=row.complete_at,
        failing_since=row.failing_since,
        people=row.people,
        groups=row.groups,
        message=kept(row, "message"),
        needs_person=row.needs_person,
    )


def due(source: str, *, every: timedelta) -> bool:
    """Has the time for the next sync come."""
    return not DirectoryState.objects.filter(source=source, tried_at__gt=timezone.now() - every).exists()


def untold(source: str) -> frozenset[str]:
    """Object ids that changed in a sync whose followers were not told yet."""
    return frozenset(DirectoryState.objects.filter(source=source).values_list("untold", flat=True).first() or ())


def told(source: str) -> None:
    """The followers of the last sync were told."""
    DirectoryState.objects.filter(source=source).update(untold=[])


def failed(source: str, message: str, *, needs_person: bool) -> None:
    """A sync that could not be finished, or was held back, and why; what we know stays as it is.

    needs_person: the next round will end the same way unless somebody does something.
    """
    now = timezone.now()
    row, _ = DirectoryState.objects.get_or_create(source=source)
    if row.failing_since is None or row.message != message:
        log.error("directory_sync_failed", source=source, message=message)
    DirectoryState.objects.filter(source=source).update(
        tried_at=now,
        failing_since=Coalesce(F("failing_since"), Now()),
        message=message,
        phrases=as_kept(message=message),
        needs_person=needs_person,
    )


def succeeded(source: str, *, people: int, groups: int, untold: Iterable[str]) -> None:
    """A complete sync. Call it in the transaction that writes what it found, so that nothing `untold` is forgotten."""
    now = timezone.now()
    DirectoryState.objects.update_or_create(
        source=source,
        defaults={
            "complete_at": now,
            "tried_at": now,
            "failing_since": None,
            "message": "",
            "phrases": {},
            "needs_person": False,
            "people": people,
            "groups": groups,
            "untold": sorted(untold),
        },
    )
