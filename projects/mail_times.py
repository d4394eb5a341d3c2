"""When a notice is mailed, by what its reader chose: with what comes close to it, with the daily mail, or never.

Nobody can mute what asks them for a decision; who is away names a stand-in, who is asked then.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo

from django.utils import timezone

from projects.models import MailChoice, MutedProject, StandIn
from projects.news import NEWS, Kind, When
from projects.today import today
from projects.zone_names import zone_named

DIGEST_AT = time(8)
"""When the daily mail goes out, by the reader's clock."""


@dataclass(frozen=True)
class Choice:
    """What one person chose, and whether one who is told with them decides in their place today."""

    zone: tzinfo
    kinds: Mapping[str, When] = field(default_factory=dict)
    muted_until: date | None = None
    muted_projects: Mapping[int, date] = field(default_factory=dict)
    away: bool = False

    def of(self, kind: Kind) -> When:
        """How the kind is mailed."""
        news = NEWS[kind]
        chosen = self.kinds.get(kind, news.usual)
        return chosen if chosen in news.ways else news.usual


def choices_of(people: Iterable[int]) -> dict[int, Choice]:
    """The choice of each of these accounts, the usual one for who has made none. Three queries for any number.

    people: all who are told of the same. Only a stand-in among them makes somebody away: one who asked is not told, and
    can't decide.
    """
    keys, day = list(people), today()
    rows = {row.person_id: row for row in MailChoice.objects.filter(person__in=keys)}
    muted: dict[int, dict[int, date]] = {key: {} for key in keys}
    for person, project, until in MutedProject.objects.filter(person__in=keys).values_list(
        "person", "project", "until"
    ):
        muted[person][project] = until
    standing = StandIn.objects.filter(approver__in=keys, stand_in__in=keys, begins__lte=day, ends__gte=day)
    away = set(standing.values_list("approver", flat=True))
    return {key: _choice(rows.get(key), muted=muted[key], away=key in away) for key in keys}


def _choice(row: MailChoice | None, *, muted: Mapping[int, date], away: bool) -> Choice:
    usual = timezone.get_default_timezone()
    if row is None:
        return Choice(zone=usual, muted_projects=muted, away=away)
    zone = zone_named(row.zone) or usual
    return Choice(zone=zone, kinds=row.kinds, muted_until=row.muted_until, muted_projects=muted, away=away)


def mail_time(kind: Kind, *, choice: Choice, project: int | None, now: datetime, window: timedelta) -> datetime | None:
    """When to mail such a notice that is written now; None: it is only on the page. project: the key of its project."""
    if NEWS[kind].asks:
        return None if choice.away else now if NEWS[kind].urgent else now + window
    day = local_day(choice.zone, now=now)
    ends = (choice.muted_until, choice.muted_projects.get(project) if project is not None else None)
    how = choice.of(kind)
    if how == "never" or any(until is not None and day <= until for until in ends):
        return None
    if how == "digest":
        return next_digest(now, zone=choice.zone)
    return now if NEWS[kind].urgent else now + window


def next_digest(now: datetime, *, zone: tzinfo) -> datetime:
    """The next moment after now at which it is time for the daily mail in this zone."""
    day = local_day(zone, now=now)
    moments = (datetime.combine(day + timedelta(days=more), DIGEST_AT, tzinfo=zone) for more in (0, 1))
    return next(moment for moment in moments if moment > now)


def local_day(zone: tzinfo, *, now: datetime) -> date:
    """Which day it is by the reader's clock. It decides about mails only, never about rights."""
    return now.astimezone(zone).date()
