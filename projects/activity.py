"""What happened lately, as sentences: requests of people, decisions, and events of resources, newest first."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext

from projects.documents import Line, changed, difference, spec_of
from projects.models import LAST_STEP_AT, Action, Decision, Door, Project, ProjectRequest
from projects.permissions import visible_projects, visible_requests
from projects.phrases import said
from projects.presentation import kind_title, kinds_as_shown
from provisioning.errors import Reason
from provisioning.models import ORDINARY, Event
from provisioning.spec import ProjectSpec

if TYPE_CHECKING:
    from projects.permissions import Person

_DOORS = {Door.FORM.value: "form", Door.API.value: "api", Door.FILE.value: "file", Door.SYSTEM.value: "look"}


@dataclass(frozen=True)
class Entry:
    """One thing that happened: who (bold, with a colon where `what` is a sentence), what, where, how.

    `where`: a link, "" for none. `lines`: the difference it made. `why`: in the words of who did it, "" for none.
    """

    at: datetime
    icon: str
    who: str
    what: str
    how: str
    where: str = ""
    link: str = ""
    lines: tuple[Line, ...] = ()
    why: str = ""


def of_person(person: "Person", *, size: int = 6) -> list[Entry]:
    """The newest of all that the person may see, without the steps of ordinary work."""
    requests = visible_requests(person).select_related(None)
    events = Event.objects.filter(project__in=visible_projects(person)).exclude(reason__in=ORDINARY)
    entries = _of_requests(requests, size=size, linked=True)
    entries += [_of_event(one, linked=True) for one in events.select_related("project").order_by("-pk")[:size]]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:size]


def of_project(project: Project, *, size: int = 8) -> list[Entry]:
    """The newest of one project. What one look made is told in one entry."""
    entries = _of_requests(project.requests.all(), size=size, linked=False)
    entries += _gathered(Event.objects.filter(project=project).order_by("-pk")[:40])
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:size]


def entry_of_request(request: ProjectRequest) -> Entry:
    """What somebody asked, with the difference it makes."""
    return _of_request(request, linked=False)


def entry_of_decision(request: ProjectRequest) -> Entry:
    """What a person decided about it, or who took it back; read with who did."""
    return _of_decision(request, linked=False)


def entry_of_event(event: Event) -> Entry:
    """What Slipway did or saw, with what differed."""
    return replace(_of_event(event, linked=False), lines=tuple(_lines(event)))


def by_door(door: str) -> str:
    """By which door, in words; "" when it isn't known."""
    return gettext("by %(door)s") % {"door": Door(door).label} if door in Door.values else ""


def _of_requests(requests: QuerySet[ProjectRequest], *, size: int, linked: bool) -> list[Entry]:
    """What was asked and what people decided; of so many requests, which hold the newest of both."""
    entries = []
    for one in requests.select_related("decided_by").order_by(LAST_STEP_AT.desc(), "-pk")[:size]:
        entries.append(_of_request(one, linked=linked))
        if one.decided_by is not None:
            entries.append(_of_decision(one, linked=linked))
    return entries


def _lines(event: Event) -> Iterable[Line]:
    for change in event.changes:
        place = change.get("object", "")
        for one in change.get("differences", ()):
            yield Line(sign="-", text=f"{place} {one.get('path')}: {one.get('observed')}")
            yield Line(sign="+", text=f"{place} {one.get('path')}: {one.get('desired')}")


def _of_request(request: ProjectRequest, *, linked: bool) -> Entry:
    before, after = spec_of(request.before), spec_of(request.after)
    if request.decision == Decision.PENDING:
        how = gettext("waits for a decision, rule %(rule)s") % {"rule": request.rule}
    elif request.decision == Decision.APPROVED:
        how = gettext("change %(number)s, rule %(rule)s") % {"number": request.generation, "rule": request.rule}
    else:
        how = request.get_decision_display()
    commit = gettext("commit %(commit)s") % {"commit": request.commit[:7]} if request.commit else ""
    return Entry(
        at=request.created_at,
        icon=_DOORS[request.door],
        who=request.requested_by_name,
        what=_asked(request, before=before, after=after),
        how=", ".join(filter(None, (by_door(request.door), commit, how))),
        where=_title(request) if linked else "",
        link=reverse("projects:request", args=[request.pk]),
        lines=difference(before, after) if not linked and before and after else (),
        why=request.note,
    )


def _asked(request: ProjectRequest, *, before: ProjectSpec | None, after: ProjectSpec | None) -> str:
    """What somebody did by asking: as done only where the policy let it be so at once."""
    at_once = request.decision == Decision.APPROVED and request.decided_by_id is None
    if request.action == Action.CREATE:
        return gettext("asked for the project")
    if request.action == Action.RETIRE:
        return gettext("retired the project") if at_once else gettext("asked to retire the project")
    if before is None or after is None:
        return gettext("changed the project") if at_once else gettext("asked to change the project")
    what = gettext("changed %(what)s") if at_once else gettext("asked to change %(what)s")
    return what % {"what": changed(before, after)}


def _of_decision(request: ProjectRequest, *, linked: bool) -> Entry:
    if request.decided_at is None or request.decided_by is None:
        raise ValueError("nobody decided about it")
    before, after = spec_of(request.before), spec_of(request.after)
    about = {
        Action.CREATE: gettext("the request for the project"),
        Action.CHANGE: gettext("the change of %(what)s") % {"what": changed(before, after)}
        if before and after
        else gettext("the change"),
        Action.RETIRE: gettext("the removal"),
    }[Action(request.action)]
    what, icon = {
        Decision.APPROVED: (gettext("approved %(what)s"), "ready"),
        Decision.REJECTED: (gettext("rejected %(what)s"), "unavailable"),
        Decision.WITHDRAWN: (gettext("withdrew %(what)s"), "unavailable"),
    }[Decision(request.decision)]
    number = gettext("change %(number)s") % {"number": request.generation} if request.generation else ""
    return Entry(
        at=request.decided_at,
        icon=icon,
        who=request.decided_by.username,
        what=what % {"what": about},
        how=", ".join(filter(None, (by_door(request.decided_door), number))),
        where=_title(request) if linked else "",
        link=reverse("projects:request", args=[request.pk]),
        why=said(request, "comment"),
    )


def _title(request: ProjectRequest) -> str:
    return str((request.after or request.before or {}).get("title") or request.slug)


def _of_event(event: Event, *, linked: bool) -> Entry:
    return Entry(
        at=event.at,
        icon="attention" if event.reason in (Reason.REJECTED, Reason.NAME_TAKEN, Reason.INTERNAL) else "look",
        who=f"{kind_title(event.kind)}:",
        what=said(event, "message"),
        how=gettext("change %(number)s") % {"number": event.generation},
        where=event.project.title if linked else "",
        link=reverse("projects:project", args=[event.project.slug]) if linked else "",
    )


def _gathered(events: Iterable[Event]) -> list[Entry]:
    """The events as entries; those of ordinary work in the same generation as one."""
    entries: list[Entry] = []
    made: dict[tuple[int, str], list[Event]] = {}
    for event in events:
        verb = event.message.split(" ", 1)[0]
        if event.reason in ORDINARY and verb in ("Made", "Changed"):
            made.setdefault((event.generation, verb), []).append(event)
        else:
            entries.append(_of_event(event, linked=False))
    for (generation, verb), group in made.items():
        here = {event.kind for event in group}
        names = ", ".join(kind_title(kind.name) for kind in kinds_as_shown() if kind.name in here)
        entries.append(
            Entry(
                at=group[0].at,
                icon="look",
                who="Slipway",
                what=(gettext("made: %(kinds)s") if verb == "Made" else gettext("changed: %(kinds)s"))
                % {"kinds": names},
                how=gettext("change %(number)s") % {"number": generation},
            )
        )
    return entries
