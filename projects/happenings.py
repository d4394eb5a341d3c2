"""Everything that happened to one project, newest first: what people asked, decided, switched and were shown, and what
Slipway did and saw.

Several tables in one order. A page's key is the time, table and id of its last row, so that pages stay right while rows
come, and deep pages cost no more. `projects.activity` says requests and events in words.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, TypeVar

from django.apps import apps
from django.db.models import CharField, F, Model, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext

from projects.activity import Entry, by_door, entry_of_decision, entry_of_event, entry_of_request
from projects.documents import difference, spec_of
from projects.models import (
    ConsentState,
    ConsentStep,
    Door,
    LookAsked,
    Project,
    ProjectRequest,
    RequestComment,
    RequestRevision,
    Reveal,
    Rotation,
    TrainingAsked,
)
from projects.phrases import said
from projects.presentation import kind_title
from projects.switches import Switch, switches
from provisioning.models import Event

PAGE = 25
COLUMNS = ("at", "who", "what", "door", "kind", "reason", "change", "rule", "decision", "note", "commit", "request")
_BATCH = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)
_SWITCH = "switch"

M = TypeVar("M", bound=Model)


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


@dataclass(frozen=True, order=True)
class _Key:
    at: datetime
    table: str
    pk: int

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // _MICRO}-{self.table}-{self.pk}"


@dataclass(frozen=True)
class _Source:
    """One table: its rows that are wanted, the field with the time, and a row in words."""

    rows: Callable[[Project, Wanted], QuerySet[Any]]
    field: str
    said: Callable[[Any], Happening]


def happenings(project: Project, *, wanted: Wanted, before: str = "", size: int = PAGE) -> HappeningPage:
    """The newest rows, or those older than the key `before`. What is no key counts as none.

    One query for the order, one for each table that has rows on the page, one for the switches.
    """
    after = _key(before)
    switched = {one.pk: one for one in switches(project) if _switch_wanted(one, wanted)}
    found = _keys(project, wanted=wanted, before=after, size=size + 1)
    turned = [_Key(at=one.at, table=_SWITCH, pk=one.pk) for one in switched.values()]
    found = sorted([*found, *(key for key in turned if after is None or key < after)], reverse=True)
    keys, more = found[:size], len(found) > size
    rows: dict[tuple[str, int], Happening] = {(_SWITCH, one.pk): _of_switch(one) for one in switched.values()}
    for table, source in _SOURCES.items():
        wanted_pks = [key.pk for key in keys if key.table == table]
        rows |= {(table, row.pk): source.said(row) for row in source.rows(project, Wanted()).filter(pk__in=wanted_pks)}
    return HappeningPage(rows=[rows[key.table, key.pk] for key in keys], older=str(keys[-1]) if more else "")


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
    parts = [
        source.rows(project, wanted)
        .filter(_older(before, table=table, field=source.field))
        .order_by()
        .annotate(moment=F(source.field), table=Value(table, CharField()))
        .values_list("moment", "table", "pk")
        for table, source in _SOURCES.items()
    ]
    union = parts[0].union(*parts[1:], all=True).order_by("-moment", "-table", "-pk")
    return [_Key(at=at, table=table, pk=pk) for at, table, pk in union[:size]]


def _older(before: _Key | None, *, table: str, field: str) -> Q:
    """What comes after the key in the order (time, table, id), all falling."""
    if before is None:
        return Q()
    same = Q(**{field: before.at})
    if table == before.table:
        same &= Q(pk__lt=before.pk)
    elif table > before.table:
        same &= Q(pk__in=[])
    return Q(**{f"{field}__lt": before.at}) | same


def _fitting(
    rows: QuerySet[M], wanted: Wanted, *, who: str, words: Sequence[str] = (), door: str = "door", kind: str = ""
) -> QuerySet[M]:
    """Those rows that are wanted. who, door, kind: the fields that say so; words: lookups, one of which has to hold.

    Without `kind` or `words` they have none, so whoever asks for such a one gets none of them.
    """
    if (wanted.kind and not kind) or (wanted.words and not words):
        return rows.none()
    if wanted.kind:
        rows = rows.filter(**{kind: wanted.kind})
    if wanted.door:
        rows = rows.filter(**{door: wanted.door})
    if wanted.who:
        rows = rows.filter(**{f"{who}__icontains": wanted.who})
    if wanted.words:
        rows = rows.filter(reduce(or_, (Q(**{lookup: wanted.words}) for lookup in words)))
    return rows


def _requests(project: Project, wanted: Wanted) -> QuerySet[ProjectRequest]:
    words = ("note__icontains", "rule__icontains", "action__icontains", "commit__istartswith")
    return _fitting(project.requests.all(), wanted, who="requested_by_name", words=words)


def _decisions(project: Project, wanted: Wanted) -> QuerySet[ProjectRequest]:
    """What people decided; what the policy let be so at once stands with who asked."""
    rows = project.requests.filter(decided_by__isnull=False).select_related("decided_by")
    words = ("comment__icontains", "decision__icontains")
    return _fitting(rows, wanted, who="decided_by__username", words=words, door="decided_door")


def _events(project: Project, wanted: Wanted) -> QuerySet[Event]:
    rows = Event.objects.filter(project=project)
    if wanted.who or wanted.door not in ("", Door.SYSTEM):
        return rows.none()
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.words:
        rows = rows.filter(Q(message__icontains=wanted.words) | Q(reason__icontains=wanted.words))
    return rows


def _rotations(project: Project, wanted: Wanted) -> QuerySet[Rotation]:
    rows = Rotation.objects.filter(project=project)
    return _fitting(rows, wanted, who="rotated_by", words=["purpose__icontains"])


def _endings(project: Project, wanted: Wanted) -> QuerySet[Rotation]:
    """Keys that somebody ended before their time, which is when they ended."""
    rows = Rotation.objects.filter(project=project).exclude(ended_by="")
    return _fitting(rows, wanted, who="ended_by", words=["purpose__icontains"], door="ended_door")


def _asked_back(project: Project, wanted: Wanted) -> QuerySet[RequestComment]:
    """Requests that were given back to be changed; the rest of the conversation stands with them."""
    rows = RequestComment.objects.filter(request__project=project, asks=True)
    return _fitting(rows, wanted, who="by_name", words=["text__icontains"])


def _revisions(project: Project, wanted: Wanted) -> QuerySet[RequestRevision]:
    """With `next_after`, what was asked for from then on. They have no words of their own."""
    following = RequestRevision.objects.filter(request=OuterRef("request"), number=OuterRef("number") + 1)
    after = Coalesce(Subquery(following.values("after")), F("request__after"))
    rows = RequestRevision.objects.filter(request__project=project).annotate(next_after=after)
    return _fitting(rows, wanted, who="by_name")


def _reveals(project: Project, wanted: Wanted) -> QuerySet[Reveal]:
    rows = Reveal.objects.filter(project=project)
    return _fitting(rows, wanted, who="person_name", words=["purpose__icontains"])


def _looks(project: Project, wanted: Wanted) -> QuerySet[LookAsked]:
    words = ["because__icontains"]
    return _fitting(project.looks_asked.all(), wanted, who="asked_by_name", words=words, kind="kind")


def _skips(project: Project, wanted: Wanted) -> QuerySet[Any]:
    """From the history, as the row itself goes when the skipping ends."""
    history: Any = apps.get_model("projects", "SkippedKindHistory").objects
    rows: QuerySet[Any] = history.filter(project=project.pk).select_related("pgh_context")
    said = "pgh_context__metadata"
    words = [f"{said}__because__icontains"]
    return _fitting(rows, wanted, who=f"{said}__actor", words=words, door=f"{said}__door", kind="kind")


def _trainings(project: Project, wanted: Wanted) -> QuerySet[TrainingAsked]:
    words = ("cause__icontains", "commit__istartswith")
    return _fitting(project.trainings.all(), wanted, who="asked_by_name", words=words)


def _consent_steps(project: Project, wanted: Wanted) -> QuerySet[ConsentStep]:
    rows = ConsentStep.objects.filter(consent__project=project).select_related("consent__team")
    return _fitting(rows, wanted, who="by_name", words=["why__icontains", "consent__store__icontains"])


def _switch_wanted(one: Switch, wanted: Wanted) -> bool:
    right_door = wanted.door in ("", one.door) and not wanted.kind
    return right_door and wanted.who.lower() in one.who.lower() and wanted.words.lower() in one.because.lower()


def _key(text: str) -> _Key | None:
    found = _KEY.fullmatch(text)
    if found is None:
        return None
    return _Key(at=_EPOCH + int(found[1]) * _MICRO, table=found[2], pk=int(found[3]))


def _happening(entry: Entry, **known: Any) -> Happening:
    """With the columns that are known; the others are empty."""
    nothing: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    record = {**nothing, "change": None, "request": None, "at": entry.at, "who": entry.who, "what": entry.what}
    record["note"] = entry.why
    return Happening(entry=entry, record={**record, **known})


def _of_request(request: ProjectRequest) -> Happening:
    return _happening(
        entry_of_request(request),
        door=request.door,
        change=request.generation,
        rule=request.rule,
        decision=request.decision,
        commit=request.commit,
        request=request.pk,
    )


def _of_decision(request: ProjectRequest) -> Happening:
    return _happening(
        entry_of_decision(request),
        door=request.decided_door,
        change=request.generation,
        rule=request.rule,
        decision=request.decision,
        request=request.pk,
    )


def _of_event(event: Event) -> Happening:
    return _happening(
        entry_of_event(event),
        who="Slipway",
        door=Door.SYSTEM.value,
        kind=event.kind,
        reason=event.reason,
        change=event.generation,
    )


def _of_rotation(one: Rotation) -> Happening:
    what = gettext("rotated the keys “%(purpose)s”") % {"purpose": one.purpose}
    how = _how(one.door, gettext("version %(number)d") % {"number": one.version})
    return _happening(
        Entry(at=one.rotated_at, icon="credentials", who=one.rotated_by, what=what, how=how), door=one.door
    )


def _of_ending(one: Rotation) -> Happening:
    what = gettext("ended the old keys “%(purpose)s”") % {"purpose": one.purpose}
    how = _how(one.ended_door, gettext("version %(number)d") % {"number": one.version - 1})
    entry = Entry(at=one.earlier_until, icon="credentials", who=one.ended_by, what=what, how=how)
    return _happening(entry, door=one.ended_door)


def _of_asked_back(one: RequestComment) -> Happening:
    what = gettext("asked for changes to request %(number)d") % {"number": one.request_id}
    entry = Entry(
        at=one.at,
        icon="waiting",
        who=one.by_name,
        what=what,
        how=by_door(one.door),
        link=reverse("projects:request", args=[one.request_id]),
        why=one.text,
    )
    return _happening(entry, door=one.door, request=one.request_id)


def _of_revision(one: Any) -> Happening:
    """A row of `_revisions`."""
    what = gettext("changed request %(number)d") % {"number": one.request_id}
    entry = Entry(
        at=one.at,
        icon="update",
        who=one.by_name,
        what=what,
        how=_how(one.door, gettext("revision %(number)d") % {"number": one.number + 1}),
        link=reverse("projects:request", args=[one.request_id]),
        lines=difference(spec_of(one.after), spec_of(one.next_after)),
    )
    return _happening(entry, door=one.door, request=one.request_id)


def _of_reveal(one: Reveal) -> Happening:
    what = gettext("was shown the keys “%(purpose)s”") % {"purpose": one.purpose}
    how = _how(one.door, gettext("version %(number)d") % {"number": one.version})
    entry = Entry(at=one.revealed_at, icon="credentials", who=one.person_name, what=what, how=how)
    return _happening(entry, door=one.door)


def _of_look(one: LookAsked) -> Happening:
    what = (
        gettext("asked for a look at %(kind)s") % {"kind": kind_title(one.kind)}
        if one.kind
        else gettext("asked for a look")
    )
    entry = Entry(
        at=one.asked_at, icon="look", who=one.asked_by_name, what=what, how=by_door(one.door), why=one.because
    )
    return _happening(entry, door=one.door, kind=one.kind)


def _of_skip(one: Any) -> Happening:
    """An entry of the history of `SkippedKind`."""
    skipped = one.pgh_label == "insert"
    what = gettext("skipped %(kind)s") if skipped else gettext("ended the skipping of %(kind)s")
    said = one.pgh_context.metadata if one.pgh_context else {}
    door = str(said.get("door", Door.SYSTEM.value))
    entry = Entry(
        at=one.pgh_created_at,
        icon="suspended" if skipped else "look",
        who=str(said.get("actor", "slipway")),
        what=what % {"kind": kind_title(one.kind)},
        how=by_door(door),
        why=str(said.get("because", "")),
    )
    return _happening(entry, door=door, kind=one.kind)


def _of_training(one: TrainingAsked) -> Happening:
    what = {
        TrainingAsked.Because.PERSON: gettext("asked for a training"),
        TrainingAsked.Because.SCHEDULE: gettext("asked for a training, as its time had come"),
        TrainingAsked.Because.DATA: gettext("asked for a training, as the data changed"),
    }[TrainingAsked.Because(one.because)]
    how = by_door(one.door) if one.asked_by_name else ""
    entry = Entry(at=one.made_at, icon="retrain", who=one.asked_by_name or "Slipway", what=what, how=how)
    return _happening(entry, door=one.door, note=one.cause, commit=one.commit)


def _of_consent_step(one: ConsentStep) -> Happening:
    what = {
        ConsentState.ASKED: gettext("asked team %(team)s to let the project read %(store)s"),
        ConsentState.GIVEN: gettext("let the project read %(store)s, data of team %(team)s"),
        ConsentState.REJECTED: gettext("refused that the project reads %(store)s, data of team %(team)s"),
        ConsentState.WITHDRAWN: gettext("withdrew that the project reads %(store)s, data of team %(team)s"),
        ConsentState.ENDED: gettext("ended the question to team %(team)s about %(store)s"),
    }[ConsentState(one.state)] % {"team": one.consent.team.slug, "store": one.consent.store}
    how = _how(one.door, gettext("until %(day)s") % {"day": one.consent.until.isoformat()})
    return _happening(
        Entry(at=one.at, icon="bucket", who=one.by_name, what=what, how=how, why=said(one, "why")), door=one.door
    )


def _of_switch(one: Switch) -> Happening:
    what = gettext("suspended the project") if one.suspended else gettext("resumed the project")
    icon = "suspended" if one.suspended else "look"
    entry = Entry(at=one.at, icon=icon, who=one.who, what=what, how=by_door(one.door), why=one.because)
    return _happening(entry, door=one.door)


def _how(door: str, more: str) -> str:
    return ", ".join(filter(None, (by_door(door), more)))


_SOURCES: Mapping[str, _Source] = {
    "asking": _Source(rows=_asked_back, field="at", said=_of_asked_back),
    "consent": _Source(rows=_consent_steps, field="at", said=_of_consent_step),
    "decision": _Source(rows=_decisions, field="decided_at", said=_of_decision),
    "ending": _Source(rows=_endings, field="earlier_until", said=_of_ending),
    "event": _Source(rows=_events, field="at", said=_of_event),
    "look": _Source(rows=_looks, field="asked_at", said=_of_look),
    "request": _Source(rows=_requests, field="created_at", said=_of_request),
    "reveal": _Source(rows=_reveals, field="revealed_at", said=_of_reveal),
    "revision": _Source(rows=_revisions, field="at", said=_of_revision),
    "rotation": _Source(rows=_rotations, field="rotated_at", said=_of_rotation),
    "skip": _Source(rows=_skips, field="pgh_created_at", said=_of_skip),
    "training": _Source(rows=_trainings, field="made_at", said=_of_training),
}
_KEY = re.compile(rf"(\d{{1,16}})-({'|'.join([*_SOURCES, _SWITCH])})-(\d{{1,18}})", re.ASCII)
