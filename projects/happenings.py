"""Everything that happened to one project, newest first: what people asked, and what Slipway did and saw.

Two tables in one order. A page's key is the time, table and id of its last row, so that pages stay right while rows
come, and deep pages cost no more. `projects.activity` says each row in words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

from django.db.models import CharField, F, Q, QuerySet, Value

from projects.activity import Entry, entry_of_event, entry_of_request
from projects.models import Door, Project, ProjectRequest
from provisioning.models import Event

PAGE = 25
COLUMNS = ("at", "who", "what", "door", "kind", "reason", "change", "rule", "decision", "note", "commit", "request")
_BATCH = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)
_KEY = re.compile(r"(\d{1,16})-(event|request)-(\d{1,18})", re.ASCII)

M = TypeVar("M", ProjectRequest, Event)

Table = Literal["event", "request"]


@dataclass(frozen=True)
class Wanted:
    """Which rows: by one door, of one person, of one Kind, with these words; "" for all."""

    door: str = ""
    who: str = ""
    kind: str = ""
    words: str = ""

    @property
    def narrow(self) -> bool:
        """Is anything left out?"""
        return bool(self.door or self.who or self.kind or self.words)


@dataclass(frozen=True)
class Happening:
    """One row: in words for a page, and as plain data for files and the API."""

    entry: Entry
    record: dict[str, Any]


@dataclass(frozen=True)
class HappeningPage:
    """Some rows, and the key to give as `before` for the next older ones; "" when there are none."""

    rows: list[Happening]
    older: str


@dataclass(frozen=True)
class _Key:
    at: datetime
    table: Table
    pk: int

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // _MICRO}-{self.table}-{self.pk}"


def happenings(project: Project, *, wanted: Wanted, before: str = "", size: int = PAGE) -> HappeningPage:
    """The newest rows, or those older than the key `before`. What is no key counts as none. Three queries."""
    found = _keys(project, wanted=wanted, before=_key(before), size=size + 1)
    keys, more = found[:size], len(found) > size
    requests = _by_pk(ProjectRequest.objects.select_related("decided_by"), keys, table="request")
    events = _by_pk(Event.objects.all(), keys, table="event")
    rows = []
    for key in keys:
        if key.table == "request":
            rows.append(_of_request(requests[key.pk]))
        else:
            rows.append(_of_event(events[key.pk]))
    return HappeningPage(rows=rows, older=str(keys[-1]) if more else "")


def is_key(text: str) -> bool:
    """Is this the key of a page?"""
    return _key(text) is not None


def records(project: Project, *, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """All rows as plain data, read some hundred at a time."""
    before = ""
    while True:
        page = happenings(project, wanted=wanted, before=before, size=_BATCH)
        yield from (row.record for row in page.rows)
        before = page.older
        if not before:
            return


def _keys(project: Project, *, wanted: Wanted, before: _Key | None, size: int) -> list[_Key]:
    requests = _requests(project, wanted).filter(_older(before, table="request", field="created_at"))
    events = _events(project, wanted).filter(_older(before, table="event", field="at"))
    parts = [
        rows.order_by().annotate(moment=F(field), table=Value(table, CharField())).values_list("moment", "table", "pk")
        for rows, field, table in ((requests, "created_at", "request"), (events, "at", "event"))
    ]
    union = parts[0].union(parts[1], all=True).order_by("-moment", "-table", "-pk")
    return [_Key(at=at, table=table, pk=pk) for at, table, pk in union[:size]]


def _requests(project: Project, wanted: Wanted) -> QuerySet[ProjectRequest]:
    rows = project.requests.all()
    if wanted.kind:
        return rows.none()
    if wanted.door:
        rows = rows.filter(door=wanted.door)
    if wanted.who:
        rows = rows.filter(requested_by_name__icontains=wanted.who)
    if wanted.words:
        found = Q(note__icontains=wanted.words) | Q(comment__icontains=wanted.words) | Q(rule__icontains=wanted.words)
        rows = rows.filter(found | Q(action__icontains=wanted.words) | Q(commit__istartswith=wanted.words))
    return rows


def _events(project: Project, wanted: Wanted) -> QuerySet[Event]:
    rows = Event.objects.filter(project=project)
    if wanted.who or wanted.door not in ("", Door.SYSTEM):
        return rows.none()
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.words:
        rows = rows.filter(Q(message__icontains=wanted.words) | Q(reason__icontains=wanted.words))
    return rows


def _older(before: _Key | None, *, table: Table, field: str) -> Q:
    """What comes after the key in the order (time, table, id), all falling."""
    if before is None:
        return Q()
    same = Q(**{field: before.at})
    if table == before.table:
        same &= Q(pk__lt=before.pk)
    elif table > before.table:
        same &= Q(pk__in=[])
    return Q(**{f"{field}__lt": before.at}) | same


def _key(text: str) -> _Key | None:
    found = _KEY.fullmatch(text)
    if found is None:
        return None
    table: Table = "event" if found[2] == "event" else "request"
    return _Key(at=_EPOCH + int(found[1]) * _MICRO, table=table, pk=int(found[3]))


def _by_pk(rows: QuerySet[M], keys: list[_Key], *, table: Table) -> dict[int, M]:
    return {row.pk: row for row in rows.filter(pk__in=[key.pk for key in keys if key.table == table])}


def _of_request(request: ProjectRequest) -> Happening:
    entry = entry_of_request(request)
    record = {
        "at": request.created_at,
        "who": request.requested_by_name,
        "what": entry.what,
        "door": request.door,
        "kind": "",
        "reason": "",
        "change": request.generation,
        "rule": request.rule,
        "decision": request.decision,
        "note": request.note,
        "commit": request.commit,
        "request": request.pk,
    }
    return Happening(entry=entry, record=record)


def _of_event(event: Event) -> Happening:
    record = {
        "at": event.at,
        "who": "Slipway",
        "what": event.message,
        "door": Door.SYSTEM.value,
        "kind": event.kind,
        "reason": event.reason,
        "change": event.generation,
        "rule": "",
        "decision": "",
        "note": "",
        "commit": "",
        "request": None,
    }
    return Happening(entry=entry_of_event(event), record=record)
