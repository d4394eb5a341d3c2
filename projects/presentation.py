"""How pages say what is so: looks of words, the board of resources, the strip of progress, the names.

Everything here is computed from rows and the catalogue; nothing is asked outside and nothing is stored.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.utils import timezone
from pydantic import ValidationError

from projects.errors import Fault
from projects.installation import Installation
from projects.models import Decision, Project, ProjectRequest
from projects.preview import Preview, plan_of
from projects.spec import wish_for
from provisioning.catalogue import Catalogue
from provisioning.conditions import Status, Word
from provisioning.errors import Reason
from provisioning.kind import Kind, System, Wish, kinds
from provisioning.models import Resource
from provisioning.plan import Action
from provisioning.spec import ProjectSpec

LOOKS: Mapping[str, tuple[str, str]] = {
    Word.READY: ("is-ready", "ready"),
    Word.WORKING: ("is-working", "working"),
    Word.WAITING: ("is-warn", "waiting"),
    Word.ATTENTION: ("is-warn", "attention"),
    Word.SUSPENDED: ("is-off", "suspended"),
    Word.REMOVING: ("is-off", "removing"),
    Word.NOT_AVAILABLE: ("is-off", "unavailable"),
    "Waits for a decision": ("is-warn", "waiting"),
    "Approved": ("is-ready", "ready"),
    "Rejected": ("is-off", "unavailable"),
    "Withdrawn": ("is-off", "remove"),
}
"""Class and icon of every status word."""

DECISIONS: Mapping[str, str] = {
    Decision.PENDING: "Waits for a decision",
    Decision.APPROVED: "Approved",
    Decision.REJECTED: "Rejected",
    Decision.WITHDRAWN: "Withdrawn",
}
HOLD_DATA = ("bucket", "repository")
"""Kinds that stay when a project is retired, unless its removal says otherwise."""

_GROUPS: Mapping[System, str] = {"cluster": "Workspace", "object_store": "Storage", "forge": "Code"}
_ADVICE: Mapping[Reason, str] = {
    Reason.TARGET_UNAVAILABLE: "Nothing to do: we look again by ourselves, and nothing is lost.",
    Reason.DEPENDENCY_NOT_READY: "Nothing to do: it goes on by itself.",
    Reason.NAME_TAKEN: "Ask the platform team to free the name, or retire this project and start under another one.",
    Reason.REJECTED: "Change the project so that it fits, or show this line to the platform team.",
    Reason.DRIFTED: "Somebody changed it by hand. Ask who it was, or ask the platform team to put it back.",
    Reason.INTERNAL: "Nothing to do: the platform team sees it too. We look again by ourselves.",
    Reason.UNSUPPORTED: "Nothing to do: everything else works without it.",
}
_TENSES: Mapping[bool, tuple[str, str]] = {False: ("Being made", "Ready"), True: ("Being removed", "Gone")}


@dataclass(frozen=True)
class Row:
    """One resource on the board. `advice` says what to do; `templates`: what draws the sentence, first found."""

    kind: str
    title: str
    icon: str
    word: Word
    message: str
    advice: str
    reason: str
    last_look: datetime | None
    templates: tuple[str, str]
    since: datetime | None = None


@dataclass(frozen=True)
class Group:
    """The resources on one target."""

    title: str
    target: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Step:
    """One step of the strip; exactly one is current until the last is done."""

    title: str
    at: datetime | None
    text: str
    done: bool
    current: bool


@dataclass(frozen=True)
class Situation:
    """What the status page shows of a project's state, and what its poller compares.

    `settled`: nothing moves by itself now. `sentence` is what is read out.
    """

    word: Word
    groups: tuple[Group, ...]
    steps: tuple[Step, ...]
    sentence: str
    ready: int
    total: int
    settled: bool

    @property
    def parts(self) -> dict[str, str]:
        """A short mark for each part of the page that can change, by the part's id."""
        shown = {"word": self.word, "strip": self.steps, "board": self.groups, "spoken": self.sentence}
        return {name: hashlib.sha256(repr(part).encode()).hexdigest()[:8] for name, part in shown.items()}

    @property
    def version(self) -> str:
        """The marks of all parts, as the poller sends them back."""
        return "-".join(self.parts.values())


@dataclass(frozen=True)
class PlanLine:
    """One line of a plan: the action, what it is about, one sentence, and what changes in it."""

    action: str
    title: str
    text: str
    details: tuple[str, ...] = ()


@cache
def icon_names() -> frozenset[str]:
    """The icons there are. A Kind's icon has the Kind's name."""
    path = finders.find("icons.svg")
    return frozenset(re.findall(r'symbol id="([a-z-]+)"', Path(str(path)).read_text()) if path else ())


def icon_of(kind: str) -> str:
    """The icon of a Kind; a plain one for a Kind that has none of its own."""
    return kind if kind in icon_names() else "keep"


def kinds_as_shown() -> list[Kind]:
    """Every Kind in the order of pages: by what it acts on, then in the order in which they are made."""
    return sorted(kinds().values(), key=lambda kind: list(_GROUPS).index(kind.system))


def wish_of(project: Project, *, installation: Installation) -> Wish | None:
    """What the Kinds get to see of a project, None when its plan left the catalogue."""
    try:
        return wish_for(project.wanted(), installation=installation, uid=str(project.uid))
    except KeyError:
        return None


def situation(project: Project, *, installation: Installation, request: ProjectRequest | None) -> Situation:
    """The state of a project as its page says it. `request`: the one that its present generation came from."""
    wish = wish_of(project, installation=installation)
    groups = _board(project, wish=wish, catalogue=installation.catalogue)
    rows = [row for group in groups for row in group.rows]
    ready = sum(row.word is Word.READY for row in rows)
    total = sum(row.word is not Word.NOT_AVAILABLE for row in rows)
    word = project.word
    return Situation(
        word=word,
        groups=groups,
        steps=_strip(project, request=request, word=word, ready=ready, total=total),
        sentence=_sentence(project, word=word, rows=rows, ready=ready, total=total),
        ready=ready,
        total=total,
        settled=_settled(project, rows),
    )


def _settled(project: Project, rows: list[Row]) -> bool:
    looking = project.lease_until is not None or project.next_look_at is None or project.next_look_at <= timezone.now()
    moving = any(row.word in (Word.WORKING, Word.WAITING, Word.REMOVING) for row in rows)
    if project.suspended and project.deletion_requested_at is None:
        return not looking
    return project.settled and not looking and not moving and project.deletion_requested_at is None


def _board(project: Project, *, wish: Wish | None, catalogue: Catalogue) -> tuple[Group, ...]:
    known = {row.kind: row for row in project.resources.all()}
    titles = {
        one.name: one.title or one.name for one in (*catalogue.clusters, *catalogue.object_stores, *catalogue.forges)
    }
    groups: dict[tuple[str, str], list[Row]] = {}
    for kind in kinds_as_shown():
        row = known.pop(kind.name, None)
        if row is None and project.deletion_requested_at is not None:
            continue
        target = row.target if row else wish.target(kind.system) if wish else ""
        groups.setdefault((_GROUPS[kind.system], target), []).append(_row(kind, row, wish=wish))
    return tuple(
        Group(title=title, target=titles.get(target, target), rows=tuple(rows))
        for (title, target), rows in groups.items()
    )


def _row(kind: Kind, row: Resource | None, *, wish: Wish | None) -> Row:
    templates = (f"resources/{kind.name}.html", "resources/_default.html")
    shown: dict[str, Any] = {"kind": kind.name, "title": kind.title, "icon": icon_of(kind.name), "templates": templates}
    if row is None:
        return Row(word=Word.WORKING, message="Not looked at yet.", advice="", reason="", last_look=None, **shown)
    # Of the two conditions, the one that keeps it from being ready.
    word, shows = row.word, row.ready if row.synced_status == Status.TRUE else row.synced
    if word is Word.READY:
        message = row.ready_message or (kind.summary(wish) if wish else "")
        return Row(word=word, message=message, advice="", reason="", last_look=row.last_look, **shown)
    return Row(
        word=word,
        message=shows.message or (kind.summary(wish) if wish else ""),
        advice=_ADVICE.get(shows.reason, ""),
        reason=shows.reason.value,
        last_look=row.last_look,
        since=shows.since if word is Word.WAITING and shows.reason is Reason.TARGET_UNAVAILABLE else None,
        **shown,
    )


def _strip(project: Project, *, request: ProjectRequest | None, word: Word, ready: int, total: int) -> tuple[Step, ...]:
    removing = project.deletion_requested_at is not None
    making, end = _TENSES[removing]
    asked = f"by {request.requested_by_name}, {request.get_door_display()}" if request else ""
    decided = f"at once, rule {request.rule}" if request else ""
    if request is not None and request.decided_by is not None:
        decided = f"by {request.decided_by.username}"
    done = word is Word.READY
    progress = f"{total} left" if removing else f"{ready} of {total} ready"
    return (
        Step(
            title="Asked",
            at=request.created_at if request else project.accepted_at,
            text=asked,
            done=True,
            current=False,
        ),
        Step(title="Decided", at=request.decided_at if request else None, text=decided, done=True, current=False),
        Step(title=making, at=None, text=progress, done=done, current=not done),
        Step(
            title=end,
            at=project.ready_at if done else None,
            text=_took(project) if done else "when the last one is",
            done=done,
            current=False,
        ),
    )


def _took(project: Project) -> str:
    if project.ready_at is None:
        return ""
    took = project.ready_at - project.accepted_at
    if took < timedelta(minutes=2):
        return f"after {max(took.total_seconds(), 0):.1f} s"
    return f"after {took.total_seconds() / 60:.0f} min"


def _sentence(project: Project, *, word: Word, rows: list[Row], ready: int, total: int) -> str:
    held = next((row for row in rows if row.word in (Word.ATTENTION, Word.WAITING)), None)
    said = f"{project.title}: {word.value.lower()}."
    if word is not Word.REMOVING:
        said += f" {ready} of {total} resources ready."
    return said + (f" {held.title}: {held.message}" if held else "")


def plan_lines(preview: Preview, *, keep_data: bool = False) -> tuple[PlanLine, ...]:
    """A plan as a list: creates, updates and deletes each on a line, all that stays on one."""
    lines, kept = [], []
    plans = {one.kind.name: one for one in preview.kinds}
    for one in (plans[kind.name] for kind in kinds_as_shown() if kind.name in plans):
        if one.action is Action.KEEP:
            kept.append(one.kind.title)
        elif one.action is Action.DELETE and keep_data and one.kind.holds_data:
            lines.append(
                PlanLine(action="keep", title=one.kind.title, text=f"{one.summary}. It stays with all it holds.")
            )
        else:
            details = tuple(
                f"{change.key}: {item.path} {_short(item.observed)} → {_short(item.desired)}"
                for change in one.changes
                for item in change.differences
            )
            objects = [change for change in one.changes if change.action is not Action.KEEP and not change.differences]
            details += tuple(f"{change.action.value} {change.key}" for change in objects)
            lines.append(PlanLine(action=one.action.value, title=one.kind.title, text=one.summary, details=details))
    if kept:
        lines.append(PlanLine(action="keep", title=", ".join(kept), text="Nothing restarts."))
    return tuple(lines)


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def plan_counts(lines: tuple[PlanLine, ...], *, deletes: bool = False) -> str:
    """ "7 create · 1 keep". `deletes`: name deletions also when there are none."""
    totals = {action.value: sum(line.action == action.value for line in lines) for action in Action}
    return " · ".join(
        f"{number} {action}" for action, number in totals.items() if number or (deletes and action == "delete")
    )


def outline() -> tuple[PlanLine, ...]:
    """The plan before there is a name: which Kinds there are."""
    return tuple(PlanLine(action="create", title=kind.title, text="") for kind in kinds_as_shown())


def sketch(
    data: Mapping[str, Any], *, faults: tuple[Fault, ...], installation: Installation, before: ProjectSpec | None = None
) -> Preview | None:
    """The plan for the sound parts of a wish, while the form is being filled. None while there is no usable name."""
    sound = dict(data)
    people = list(sound.get("contributors", []))
    broken_people = {fault.path[1] for fault in faults if fault.path[:1] == ("contributors",) and len(fault.path) > 1}
    sound["contributors"] = [one for index, one in enumerate(people) if index not in broken_people]
    broken_options = {fault.path[1] for fault in faults if fault.path[:1] == ("options",) and len(fault.path) > 1}
    sound["options"] = {name: one for name, one in sound.get("options", {}).items() if name not in broken_options}
    for fault in faults:
        place = fault.path[0] if fault.path else ""
        if place == "slug" and fault.code in ("taken", "reserved"):
            continue
        if place == "team":
            sound["team"] = "team"
        elif place not in ("contributors", "options"):
            sound.pop(str(place), None)
    sound.setdefault("plan", installation.catalogue.defaults.plan)
    try:
        return plan_of(installation=installation, after=ProjectSpec.model_validate(sound), before=before)
    except (ValidationError, KeyError):
        return None
